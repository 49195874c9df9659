"""Deribit's S:PM by another way: legs of one contract are netted first, options are priced by mpmath from the
probability of ending in the money, futures are dollars turned into coin at either price."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

from mpmath import mp, mpf

from tests.support.small_market import Contract, Figures, OptionTerms, Point, RiskUnit, SmallPool

DIGITS = 70
NOTHING = Decimal(0)
MONTH_DAYS, YEAR_DAYS = 30, 365
GENEROUS = 30  # roundings of one repriced leg, all scenarios together

Held = dict[Contract, Decimal]


def assess(pool: SmallPool) -> Figures:
    """One balance; each unit on its own."""
    (line,) = pool.lines
    equity, terms = line.wallet - line.order_loss, abs(line.wallet) + line.order_loss
    units: defaultdict[RiskUnit, Held] = defaultdict(lambda: defaultdict(lambda: NOTHING))
    long: defaultdict[Contract, Decimal] = defaultdict(lambda: NOTHING)
    for leg in line.legs:
        paid = NOTHING if leg.contract.option else price_of(leg.contract, leg.entry_price)
        equity += leg.quantity * (price_of(leg.contract, leg.contract.mark) - paid)
        terms += abs(leg.quantity) * scale_of(leg.contract, leg.entry_price) * GENEROUS
        if leg.contract.unit is not None:
            units[leg.contract.unit][leg.contract] += leg.quantity
        if leg.contract.option is not None:
            long[leg.contract] += max(leg.quantity, NOTHING)
    initial = maintenance = NOTHING
    for unit, held in units.items():
        losses = [loss_at(point, move, unit, held) for point in unit.scenarios for move in moves_of(point)]
        risk = max([NOTHING, *losses])
        risk += shocks_of(unit, held, long)
        initial += risk * unit.initial_factor
        maintenance += risk * unit.maintenance_factor
        terms += sum((point.damping for point in unit.scenarios), NOTHING) / min(unit.index, Decimal(1))
    return Figures(equity, initial, maintenance, terms)


def price_of(contract: Contract, price: Decimal) -> Decimal:
    """What one unit of quantity is worth at a price: of an inverse future what it owes in coin."""
    if contract.option is None and contract.inverse:
        return -contract.multiplier / price
    return contract.multiplier * price


def scale_of(contract: Contract, entry: Decimal) -> Decimal:
    """The absolute terms of one unit of quantity."""
    option = contract.option
    if option is None:
        both = abs(price_of(contract, contract.mark)) + abs(price_of(contract, entry))
        return both * (1 + (contract.unit.index / contract.mark if contract.unit else 0))
    dollars = option.forward + option.strike
    around = dollars / option.forward if contract.inverse else dollars
    index = contract.unit.index if contract.unit else NOTHING
    return contract.multiplier * (around * 20 + contract.mark + (1 if contract.inverse else index))


def moves_of(point: Point) -> set[Decimal]:
    """Each move of volatility that is looked at there."""
    ends = {point.lower_volatility, point.upper_volatility}
    return ends | {NOTHING} if min(ends) < 0 < max(ends) else ends


def loss_at(point: Point, move: Decimal, unit: RiskUnit, held: Held) -> Decimal:
    """What the unit loses at one point of the grid and one volatility, as far as it counts."""
    loss = NOTHING
    for contract, quantity in held.items():
        now = simulated(contract, NOTHING, NOTHING, unit)
        loss += quantity * (now - simulated(contract, point.price_move, move, unit))
    return loss * point.weight - point.damping / (unit.index if unit.inverse else 1)


def simulated(contract: Contract, move: Decimal, shock: Decimal, unit: RiskUnit) -> Decimal:
    """What one unit of quantity is worth there."""
    if contract.option is None:
        return price_of(contract, contract.mark * (1 + move))
    forward = contract.option.forward * (1 + move)
    dollars = option_worth(contract.option, forward, volatility_at(contract.option, shock, unit))
    return contract.multiplier * (dollars / forward if contract.inverse else dollars)


def volatility_at(option: OptionTerms, shock: Decimal, unit: RiskUnit) -> Decimal:
    """The shocked volatility: the move is of an option with a month left."""
    if shock == 0 or option.years == 0:
        return option.volatility
    days = option.years * YEAR_DAYS
    power = unit.short_power if days < MONTH_DAYS else unit.long_power
    with mp.workdps(DIGITS):
        growth = decimal(mp.power(MONTH_DAYS / number(days), number(power)))
    shocked = option.volatility + option.volatility * shock * growth
    return max(shocked, unit.volatility_floor if shock > 0 else NOTHING)


def option_worth(option: OptionTerms, forward: Decimal, volatility: Decimal) -> Decimal:
    """A call by its two probabilities; a put by parity with it."""
    if volatility == 0 or option.years == 0:
        return max(option.side * (forward - option.strike), NOTHING)
    with mp.workdps(DIGITS):
        upper, lower = money_of(option, forward, volatility)
        call = number(forward) * mp.ncdf(upper) - number(option.strike) * mp.ncdf(lower)
        return decimal(call if option.side > 0 else call - number(forward) + number(option.strike))


def money_of(option: OptionTerms, forward: Decimal, volatility: Decimal) -> tuple[Any, Any]:
    """How many deviations in the money, measured in the coin and in dollars."""
    spread = number(volatility) * mp.sqrt(number(option.years))
    middle = mp.log(number(forward) / number(option.strike)) / spread
    return middle + spread / 2, middle - spread / 2


def delta_of(contract: Contract) -> Decimal:
    """Coins that one unit of quantity moves as; what is paid in coin loses its own worth of them."""
    option = contract.option
    if option is None:
        return contract.multiplier / (contract.mark if contract.inverse else 1)
    if option.volatility == 0 or option.years == 0:
        share = Decimal(int(option.side * (option.forward - option.strike) > 0) * option.side)
    else:
        with mp.workdps(DIGITS):
            share = decimal(mp.ncdf(money_of(option, option.forward, option.volatility)[0]))
        share = share if option.side > 0 else share - 1
    return contract.multiplier * (share - (contract.mark if contract.inverse else 0))


def shocks_of(unit: RiskUnit, held: Held, long: dict[Contract, Decimal]) -> Decimal:
    """Every expiry against the others, and the size of what is not held as a long option."""
    expiries: defaultdict[Decimal, Decimal] = defaultdict(lambda: NOTHING)
    rest = lent = NOTHING
    for contract, quantity in held.items():
        delta = delta_of(contract)
        expiries[contract.option.years if contract.option else contract.years] += quantity * delta
        rest += (quantity - long[contract]) * delta
        lent += long[contract] * delta
    rolled = sum(
        (abs(net) * max(unit.roll_rate * years, unit.roll_floor) for years, net in expiries.items()), NOTHING
    )
    if rest * lent < 0:  # options held long lessen it, at most to nothing
        rest = NOTHING if abs(lent) > abs(rest) else rest + lent
    dollars = abs(rest) * unit.index
    excess = max(dollars - unit.delta_threshold, NOTHING) / unit.index
    charged = min(excess * unit.delta_slope, unit.delta_limit) * abs(rest)
    return (rolled + charged) * (1 if unit.inverse else unit.index)


def number(value: Decimal) -> Any:
    """As mpmath writes it, all digits."""
    return mpf(str(value))


def decimal(value: Any) -> Decimal:
    """Back again."""
    return Decimal(mp.nstr(value, DIGITS - 5))
