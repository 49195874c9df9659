"""Deribit, segregated standard margin (MARGIN 7): the pool of a coin with inverse futures and the options
priced in it, and the pool of USDC with linear ones.

A future asks for a rate that grows with the size of the position in coin: rate + slope x size. A linear one
is charged on its worth at the index, as the venue's page works it out. An inverse one is charged on its size
in coin, and that is taken at its own mark: both positions that docs.deribit.com shows (private/get_positions
and user.changes, read 2026-11-23) tell their margins to the eighth decimal with the mark, and miss by the
basis with the index.

Equity is the margin balance, which leaves the worth of options out: what they cost is in the balance, so
their entry price is 0 and no profit of theirs is counted. A short one asks for what buying it back costs, and
more; a long one asks for nothing. The price of the underlying is the option's forward: "underlying mark
price" in the venue's words, the one that its marks are made from.

The venue books profit daily. The wallet is balance + session_rpl, and a future that was held at the last
settlement has its settlement price for an entry: the floating profit in user.changes is counted from there.

Not covered: cross collateral (one pool of several currencies), portfolio margin, combos, and what open orders
on futures add to initial margin, which no page tells.
"""

from __future__ import annotations

from monitor.margin.common import notional, unrealised
from monitor.margin.formula import formula
from monitor.margin.rows import Book, Instrument, N, Option, Position, Requirement, Tier


@formula
def future_leg(
    position: Position[N], instrument: Instrument[N], tier: Tier[N], coins: N, price: N | int, mark: N
) -> Requirement[N]:
    """What one future adds: profit at mark, and margins of so many `coins` at `price` each."""
    worth = coins * price
    growth = tier.slope * coins
    profit = unrealised(position.quantity, position.entry_price, mark, instrument)
    reserved = worth * (tier.initial_rate + growth)
    required = worth * (tier.maintenance_rate + growth)
    return Requirement(profit, reserved, required)


@formula
def short_maintenance(option: Option[N], unit: N | int, mark: N) -> N:
    """Maintenance margin of one short option. `unit` is what one of the underlying is worth in what the
    option is priced in: 1 in its own coin, the forward in USDC."""
    if option.side > 0:
        return option.maintenance_rate * unit + mark
    return option.maintenance_rate * max(unit, mark) + mark


@formula
def short_initial(option: Option[N], forward: N, unit: N | int, mark: N) -> N:
    """Initial margin of one short option: less the farther it is out of the money, down to a floor; a put's
    is at least its maintenance margin."""
    away = max(option.side * (option.strike - forward), forward * 0) / forward
    asked = max(option.initial_rate - away, option.initial_floor) * unit + mark
    if option.side > 0:
        return asked
    return max(asked, short_maintenance(option, unit, mark))


@formula
def option_leg(
    position: Position[N], instrument: Instrument[N], option: Option[N], forward: N, unit: N | int, mark: N
) -> Requirement[N]:
    """What one option adds: nothing to the margin balance; margins of what is short. Orders add to initial
    margin: to sell beyond what is held as if it were sold, to buy beyond what closes the premium at mark."""
    nothing = mark * 0
    long = max(position.quantity, nothing)
    short = max(-position.quantity, nothing)
    sold = short + max(position.asks - long, nothing)
    bought = max(position.bids - short, nothing)
    one_sold = short_initial(option, forward, unit, mark)
    one_short = short_maintenance(option, unit, mark)
    reserved = (sold * one_sold + bought * mark) * instrument.multiplier
    required = short * one_short * instrument.multiplier
    return Requirement(nothing, reserved, required)


@formula
def deribit_inverse(pool: int, book: Book[N]) -> Requirement[N]:
    """Inverse futures and the options on their coin, all in the coin."""
    account = book.pools[pool]
    equity = book.balances[account.balance_first].wallet - book.balances[account.balance_first].order_loss
    initial = equity * 0
    maintenance = equity * 0
    for row in range(account.position_first, account.position_last):
        position = book.positions[row]
        instrument = book.instruments[position.instrument]
        mark = book.quotes[instrument.mark]
        if instrument.option < 0:
            coins = notional(abs(position.quantity), mark, instrument)
            leg = future_leg(position, instrument, book.tiers[instrument.tier_first], coins, 1, mark)
            equity += leg.equity
        else:
            option = book.options[instrument.option]
            leg = option_leg(position, instrument, option, book.quotes[option.forward], 1, mark)
        initial += leg.initial_margin
        maintenance += leg.maintenance_margin
    return Requirement(equity, initial, maintenance)


@formula
def deribit_linear(pool: int, book: Book[N]) -> Requirement[N]:
    """Linear futures, charged at the index, and options priced in USDC, whose multiplier is the coin that a
    contract stands for (SOL 10, XRP 1,000). All in USDC."""
    account = book.pools[pool]
    equity = book.balances[account.balance_first].wallet - book.balances[account.balance_first].order_loss
    initial = equity * 0
    maintenance = equity * 0
    for row in range(account.position_first, account.position_last):
        position = book.positions[row]
        instrument = book.instruments[position.instrument]
        mark = book.quotes[instrument.mark]
        if instrument.option < 0:
            coins, index = abs(position.quantity) * instrument.multiplier, book.quotes[instrument.index]
            leg = future_leg(position, instrument, book.tiers[instrument.tier_first], coins, index, mark)
            equity += leg.equity
        else:
            option = book.options[instrument.option]
            forward = book.quotes[option.forward]
            leg = option_leg(position, instrument, option, forward, forward, mark)
        initial += leg.initial_margin
        maintenance += leg.maintenance_margin
    return Requirement(equity, initial, maintenance)
