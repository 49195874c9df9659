"""Deribit, segregated portfolio margin (S:PM, MARGIN 7): the worst of a grid of prices and volatilities, and
two shocks beside it. The pool of a coin, in the coin, or of USDC.

What the venue's two answers to private/pme/simulate tell (docs.deribit.com, 17 June 2024; a recorded one of
15 February 2026) comes out to the last digit:
- 9 price moves evenly from -range to +range, each with volatility down, as it is, and up;
- an extended table of -66, -33, +50, +100 to +500 %, volatility up: of the loss in USD counts range / move,
  turned into coin at the end of the range, less a damping of (move / range - 1) x an amount in USD. Both are
  in the `weight` and `damping` of a scenario (portfolio_terms);
- roll shock: of the net delta of each expiry, a rate a year and a floor, all added up;
- initial margin is the sum, maintenance margin 0.8 of it.

The delta shock is 0 in both answers. Its form is that of a public reimplementation with the venue's own
parameters: beyond a threshold the net delta is charged a share that rises with its size up to a limit;
options held long lessen that delta, never turn or raise it. Delta is "net transaction delta", as the venue
defines its delta_total.

Equity holds the worth of options at their marks, because the grid tells losses from there, and long options
lend their worth as margin only under portfolio margin (support.deribit.com 25944777072669).

Not covered: cross collateral (X:PM) with its haircuts and correlation; what gains on one underlying offset of
losses on another in the pool of USDC (none is counted, so the figure is the venue's or above it); the delta
decay of the last half hour; what open orders and market maker protection add to initial margin.
"""

from __future__ import annotations

from monitor.margin.common import notional, unrealised
from monitor.margin.formula import formula
from monitor.margin.rows import Book, N, Requirement, RiskUnit
from monitor.margin.scenarios import (
    Quoted,
    coins_of,
    gain_there,
    greatest_loss,
    is_first_of_expiry,
    is_first_of_unit,
    roll_share,
    worth_now,
    worths_there,
)


@formula
def deribit_portfolio(pool: int, book: Book[N]) -> Requirement[N]:
    """Each unit's worst loss and its shocks, added up, in the settlement currency."""
    account = book.pools[pool]
    first, last = account.position_first, account.position_last
    equity = book.balances[account.balance_first].wallet - book.balances[account.balance_first].order_loss
    initial = equity * 0
    maintenance = equity * 0
    for row in range(first, last):
        equity += worth_of(row, book)
        if is_first_of_unit(row, first, book):
            place = book.instruments[book.positions[row].instrument].unit
            unit = book.units[place]
            risk = worst_loss(place, row, last, book) + shocks(place, row, last, book)
            initial += risk * unit.initial_factor
            maintenance += risk * unit.maintenance_factor
    return Requirement(equity, initial, maintenance)


@formula
def worth_of(row: int, book: Book[N]) -> N:
    """What a position adds to equity: a future its profit, an option what it would be sold for."""
    position = book.positions[row]
    instrument = book.instruments[position.instrument]
    mark = book.quotes[instrument.mark]
    if instrument.option < 0:
        return unrealised(position.quantity, position.entry_price, mark, instrument)
    return position.quantity * instrument.multiplier * mark


@formula
def worst_loss(place: int, first: int, last: int, book: Book[N]) -> N:
    """The greatest loss of a unit over its scenarios, never below 0."""
    unit = book.units[place]
    index = book.quotes[unit.index]
    now = index * 0
    for row in range(first, last):
        position = book.positions[row]
        if book.instruments[position.instrument].unit == place:
            now += worth_now(position, book)
    worst = index * 0
    for point in range(unit.scenario_first, unit.scenario_last):
        scenario = book.scenarios[point]
        gain = lower = still = upper = index * 0
        for row in range(first, last):
            position = book.positions[row]
            instrument = book.instruments[position.instrument]
            if instrument.unit == place and instrument.option < 0:
                value = notional(position.quantity, book.quotes[instrument.mark], instrument)
                gain += gain_there(value, scenario, instrument)
            elif instrument.unit == place:
                option = book.options[instrument.option]
                forward, volatility = book.quotes[option.forward], book.quotes[option.volatility]
                quoted = Quoted(forward, volatility, book.quotes[option.years])
                there = worths_there(instrument, option, quoted, scenario, unit)
                lower += position.quantity * there.lower
                still += position.quantity * there.still
                upper += position.quantity * there.upper
        loss = greatest_loss(now - gain, lower, still, upper, scenario)
        damping = scenario.damping / index if unit.inverse else scenario.damping
        worst = max(worst, loss * scenario.weight - damping)
    return worst


@formula
def shocks(place: int, first: int, last: int, book: Book[N]) -> N:
    """Roll and delta shock of a unit, in the settlement currency."""
    unit = book.units[place]
    index = book.quotes[unit.index]
    rolled = index * 0
    owed = index * 0  # delta of futures and of options held short
    held = index * 0  # delta of options held long
    for leader in range(first, last):
        instrument = book.instruments[book.positions[leader].instrument]
        if instrument.unit == place and is_first_of_expiry(leader, first, book):
            years = book.quotes[instrument.years]
            net = index * 0
            for row in range(leader, last):
                position = book.positions[row]
                other = book.instruments[position.instrument]
                if other.unit == place and book.quotes[other.years] == years:
                    coins = coins_of(position, other, book)
                    net += coins
                    if other.option >= 0 and position.quantity > 0:
                        held += coins
                    else:
                        owed += coins
            rolled += abs(net) * roll_share(unit, years)
    shock = rolled + delta_shock(owed, held, index, unit)
    return shock if unit.inverse else shock * index


@formula
def delta_shock(owed: N, held: N, index: N, unit: RiskUnit[N]) -> N:
    """In coins: of the net delta, for each coin beyond the threshold a share, up to the limit."""
    nothing = owed * 0
    net = max(min(owed, owed + held), nothing) if owed > 0 else -min(max(owed, owed + held), nothing)
    beyond = max(net - unit.delta_threshold / index, nothing)
    return net * min(beyond * unit.delta_slope, unit.delta_limit)
