"""Leveraged tokens of a pool: what the leverage of each is now, when it is rebalanced, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from monitor.book.live_book import LiveBook
from monitor.book.placing import PlacedPool
from monitor.domain.identity import symbol_of
from monitor.domain.instrument import Fund
from monitor.explain.derivation import Line, Watcher
from monitor.explain.document import Input, Token
from monitor.explain.traced import Traced
from monitor.margin.leveraged_token import decay, leverage_after, leverage_now, moves_to_rebalance


class ToldToken(NamedTuple):
    """A token, with what it follows from."""

    token: Token
    inputs: tuple[Input, ...]
    lines: tuple[Line, ...]


def tokens_of(live: LiveBook, pool: PlacedPool, now_ns: int, source: str) -> Iterator[ToldToken]:
    """Each token of which the pool has some, and whose fund is known."""
    for name in dict.fromkeys(leg.instrument for leg in pool.legs):
        definition = live.placing.definitions.instruments.get(name)
        if definition is not None and definition.fund is not None:
            yield _told(symbol_of(name), definition.fund, live, now_ns, source)


def _told(symbol: str, fund: Fund, live: LiveBook, now_ns: int, source: str) -> ToldToken:
    inputs: list[Input] = []

    def number(value: Decimal, name: str) -> float:
        inputs.append(Input(f"{symbol}: {name}", float(value), source))
        return Traced(float(value), name)

    row = None if fund.holds is None else live.quotes.find(fund.holds)
    price = None
    if fund.holds is not None and row is not None:
        price = Traced(float(live.quotes.values[row]), f"mark of {symbol_of(fund.holds)}")
        age_s = (now_ns - int(live.quotes.seen_ns[row])) / 1e9
        inputs.append(Input(price.name, float(price), live.quotes.name(row).partition(":")[0], age_s))
    watcher = Watcher({}, leverage_now.__name__, symbol)
    leverage = watcher.watch(leverage_now, fund, price, number)
    watcher.name("leverage_now", leverage)
    variance = None if fund.variance is None else float(number(fund.variance, "variance of a day"))
    if variance is None and row is not None:
        volatility = live.quotes.volatility.of_a_day(row)
        variance = None if volatility is None else volatility**2
    token = _token(symbol, fund, None if leverage is None else float(leverage), variance)
    return ToldToken(token, tuple(inputs), tuple(watcher.lines))


def _token(symbol: str, fund: Fund, leverage: float | None, variance: float | None) -> Token:
    bounds = (float(fund.lowest), float(fund.highest))
    if leverage is None:
        return Token(symbol, None, *bounds)
    moves = moves_to_rebalance(leverage, *bounds)
    return Token(
        symbol,
        leverage,
        *bounds,
        fall_percent=None if moves.down is None else 100 * moves.down,
        leverage_after_fall=None if moves.down is None else leverage_after(leverage, moves.down),
        rise_percent=None if moves.up is None else 100 * moves.up,
        leverage_after_rise=None if moves.up is None else leverage_after(leverage, moves.up),
        decay_percent_a_day=None if variance is None else 100 * float(decay(leverage, variance)),
    )
