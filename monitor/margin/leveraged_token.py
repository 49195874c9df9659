"""Leveraged tokens: nothing liquidates their holder, so a position in one requires nothing and is worth its
price; what its leverage does to it is told beside that.

A token is a share of a fund that holds a basket of perpetual contracts. Its issuer publishes basket, tokens
issued and net asset value; net asset value = basket x price / leverage / issued (Binance, FAQ 360042957472,
2020-06-04). Between two rebalances the basket is fixed, so all that follows is algebra on that sentence.
The decay of a fund that keeps its leverage constant is that of Avellaneda and Zhang, "Path-dependence of
leveraged ETF returns" (SIAM J. Financial Mathematics 1, 2010), without fees and interest.

Leverage is signed: a token that falls as its underlying rises has a negative one.

Not covered, because nothing here is sourced: at which leverage or when a given issuer rebalances (Binance
names a range of 1.25 to 4 that the real leverage may leave; the bounds are the caller's), management fees,
the funding that a basket pays, and the premium of a token's price over its net asset value.
"""

from __future__ import annotations

from typing import NamedTuple

from monitor.domain.instrument import Fund
from monitor.margin.amounts import Number
from monitor.margin.arithmetic import exp
from monitor.margin.common import unrealised
from monitor.margin.formula import formula
from monitor.margin.rows import Book, N, Requirement


@formula
def leveraged_token(pool: int, book: Book[N]) -> Requirement[N]:
    """What wallet and tokens are worth; nothing is required."""
    account = book.pools[pool]
    equity = book.balances[account.balance_first].wallet * 0
    for line in range(account.balance_first, account.balance_last):
        balance = book.balances[line]
        worth = balance.wallet - balance.borrowed
        for row in range(balance.position_first, balance.position_last):
            position = book.positions[row]
            instrument = book.instruments[position.instrument]
            mark = book.quotes[instrument.mark]
            worth += unrealised(position.quantity, position.entry_price, mark, instrument)
        equity += worth * book.quotes[book.assets[balance.asset].price]
    return Requirement(equity, equity * 0, equity * 0)


class RebalanceMoves(NamedTuple):
    """Moves of the underlying as fractions of its price, from now; None where no move brings that
    leverage."""

    down: float | None
    up: float | None


def effective_leverage(basket: N, price: N, issued: N, net_asset_value: N) -> N:
    """Exposure over worth: `basket` contracts (signed, of one unit of the underlying), its `price`, the
    tokens `issued`, and the net asset value of one token, above 0."""
    return basket * price / (issued * net_asset_value)


def leverage_after(leverage: N, move: N) -> N:
    """Effective leverage after a move of the underlying without a rebalance: the basket is worth (1 + move)
    of what it was, the fund (1 + leverage x move), which must be above 0."""
    return leverage * (1 + move) / (1 + leverage * move)


def leverage_now(fund: Fund, price: N | None, number: Number[N]) -> N | None:
    """Effective leverage at the `price` of now, of the basket as it was published; without a price as it was
    then. None where the move has left the fund nothing."""
    then = number(fund.price, "price")
    worth = (number(fund.issued, "issued"), number(fund.net_asset_value, "net asset value"))
    published = effective_leverage(number(fund.basket, "basket"), then, *worth)
    if price is None:
        return published
    move = (price - then) / then
    return leverage_after(published, move) if 1 + published * move > 0 else None


def moves_to_rebalance(leverage: float, lowest: float, highest: float) -> RebalanceMoves:
    """How far the underlying may move until the effective leverage reaches a bound of the issuer's range;
    `lowest` and `highest` in size, 0 < lowest < highest. A fund that stands outside its range is due now.

    The leverage of a long fund rises as the underlying falls, that of a short one as it rises; a bound that
    no price above 0 brings is None. The two bounds lie on two sides.
    """
    side = 1 if leverage > 0 else -1
    if not lowest < abs(leverage) < highest:
        return RebalanceMoves(0.0, 0.0)
    found = [_move_to(leverage, side * bound) for bound in (lowest, highest)]
    down = next((move for move in found if move is not None and move < 0), None)
    up = next((move for move in found if move is not None and move > 0), None)
    return RebalanceMoves(down, up)


def decay(leverage: N, variance: N) -> N:
    """The fraction of its worth that a constantly rebalanced fund loses against the leveraged power of its
    underlying's move, while that moves with this variance (volatility squared x time): exp((L - L^2)/2 x
    variance) - 1; 0 for leverage 0 and 1, below 0 for all beyond them."""
    return exp((leverage - leverage * leverage) * variance / 2) - 1


def _move_to(leverage: float, bound: float) -> float | None:
    """The move that brings this leverage, of the same sign: `leverage_after` solved for the move; None where
    no price above 0 does. Above it the fund is worth something, as both leverages have one sign."""
    if bound == 1:  # a fund with a debt nears 1 as its underlying rises, and never has it
        return None
    move = (bound - leverage) / (leverage * (1 - bound))
    return move if move > -1 else None
