"""What the portfolio margins share: the volatility of a scenario, what a position is worth there, its delta,
and the risk that expiries do not move together.

A portfolio is netted unit by unit. A unit's positions may lie anywhere in the pool: `is_first_of_unit` finds
one of them, and what follows walks over all, so their order is irrelevant.
"""

from __future__ import annotations

from typing import Generic, NamedTuple

from monitor.margin.arithmetic import exp, log
from monitor.margin.black import black76_delta, in_its_price, option_mark, outlook, worth_at
from monitor.margin.common import notional
from monitor.margin.formula import formula
from monitor.margin.rows import Book, Instrument, N, Option, Position, RiskUnit, Scenario


@formula
def is_first_of_unit(row: int, first: int, book: Book[N]) -> bool:
    """Whether no position from `first` up to this one is in its risk unit; one in none is never the first."""
    unit = book.instruments[book.positions[row].instrument].unit
    if unit < 0:
        return False
    for before in range(first, row):
        if book.instruments[book.positions[before].instrument].unit == unit:
            return False
    return True


class Quoted(NamedTuple, Generic[N]):
    """What is measured of an option beside its mark."""

    forward: N
    volatility: N
    years: N


class Worths(NamedTuple, Generic[N]):
    """What a position is worth at one price of the grid, by what its volatility does."""

    lower: N
    still: N
    upper: N


@formula
def gain_there(value: N, scenario: Scenario[N], instrument: Instrument[N]) -> N:
    """What a future of this value has gained in a scenario since now, in its settle asset."""
    gain = value * scenario.price_move
    if instrument.inverse:
        return gain / (1 + scenario.price_move)
    return gain


@formula
def worths_there(
    instrument: Instrument[N], option: Option[N], quoted: Quoted[N], scenario: Scenario[N], unit: RiskUnit[N]
) -> Worths[N]:
    """What an option is worth in a scenario, repriced, in its settle asset."""
    forward = quoted.forward * (1 + scenario.price_move)
    ahead, growth = outlook(forward, option, quoted.years), shock_growth(quoted.years, unit)
    upper = shocked_volatility(quoted.volatility, growth, scenario.upper_volatility, unit)
    highest = worth_at(forward, option, upper, ahead)
    lowest = middle = highest
    if scenario.lower_volatility != scenario.upper_volatility:
        lower = shocked_volatility(quoted.volatility, growth, scenario.lower_volatility, unit)
        lowest = worth_at(forward, option, lower, ahead)
        middle = worth_at(forward, option, quoted.volatility, ahead)
    one = in_its_price(instrument.multiplier, forward, instrument)
    return Worths(one * lowest, one * middle, one * highest)


@formula
def shock_growth(years: N, unit: RiskUnit[N]) -> N:
    """How much of a volatility move that is told for 30 days an option sees: (30 days / time left) to a power
    that differs below and above 30 days; nothing of it at expiry. A year has 365 days."""
    if not years > 0:
        return years * 0
    months = years * 73 / 6  # of 30 days
    power = unit.short_power if months < 1 else unit.long_power
    return exp(-power * log(months))


@formula
def shocked_volatility(volatility: N, growth: N, move: N, unit: RiskUnit[N]) -> N:
    """A volatility after a move that is told for 30 days. Up it ends at the floor or above, down at 0 or
    above."""
    if move == 0 or not growth > 0:
        return volatility
    shocked = volatility * (1 + move * growth)
    if move > 0:
        return max(shocked, unit.volatility_floor)
    return max(shocked, volatility * 0)


@formula
def greatest_loss(now: N, lower: N, still: N, upper: N, scenario: Scenario[N]) -> N:
    """What is lost at the worst of the volatilities that the scenario has."""
    least = min(lower, upper)
    if scenario.lower_volatility < 0 and scenario.upper_volatility > 0:
        least = min(least, still)
    return now - least


@formula
def worth_now(position: Position[N], book: Book[N]) -> N:
    """What the same is worth where nothing moves: of a future nothing, of an option what Black-76 says."""
    instrument = book.instruments[position.instrument]
    if instrument.option < 0:
        return position.quantity * 0
    option = book.options[instrument.option]
    forward, volatility = book.quotes[option.forward], book.quotes[option.volatility]
    worth = option_mark(instrument, option, forward, volatility, book.quotes[option.years])
    return position.quantity * instrument.multiplier * worth


@formula
def coins_of(position: Position[N], instrument: Instrument[N], book: Book[N]) -> N:
    """Net transaction delta in coins: how many coins move as the position does. What is settled in the coin
    is worth that much less of it as the price rises, so an option's mark is taken off."""
    mark = book.quotes[instrument.mark]
    if instrument.option < 0:
        if instrument.inverse:
            return notional(position.quantity, mark, instrument)
        return position.quantity * instrument.multiplier
    option = book.options[instrument.option]
    forward, volatility = book.quotes[option.forward], book.quotes[option.volatility]
    delta = black76_delta(forward, option, volatility, book.quotes[option.years])
    if instrument.inverse:
        delta = delta - mark
    return position.quantity * instrument.multiplier * delta


@formula
def roll_share(unit: RiskUnit[N], years: N) -> N:
    """How far the future of one expiry may move against the others, as a share of its price."""
    return max(unit.roll_rate * years, unit.roll_floor)


@formula
def is_first_of_expiry(row: int, first: int, book: Book[N]) -> bool:
    """Whether no position from `first` up to this one is in its unit and expires when it does."""
    instrument = book.instruments[book.positions[row].instrument]
    for before in range(first, row):
        other = book.instruments[book.positions[before].instrument]
        if other.unit == instrument.unit and book.quotes[other.years] == book.quotes[instrument.years]:
            return False
    return True
