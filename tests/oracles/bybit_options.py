"""Bybit's options by another way: an index above the mark and one below it are two formulas; contracts as the
oracle of the unified account has them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from tests.oracles.bybit_unified import assess as without_options
from tests.support.small_market import Figures, Leg, OptionTerms, SmallPool

NOTHING = Decimal(0)


def assess(pool: SmallPool) -> Figures:
    """The contracts alone, and in USD what each short option adds."""
    contracts, asked = [], NOTHING
    for line in pool.lines:
        contracts.append(replace(line, legs=tuple(leg for leg in line.legs if leg.contract.option is None)))
        for leg in line.legs:
            if leg.contract.option is not None:
                asked += required(leg, leg.contract.option) * line.coin.price
    rest = without_options(replace(pool, lines=tuple(contracts)))
    return Figures(rest.equity, NOTHING, rest.maintenance_margin + asked, rest.terms + asked)


def required(leg: Leg, terms: OptionTerms) -> Decimal:
    """What one leg asks for; nothing of what is held long."""
    if leg.quantity >= 0:
        return NOTHING
    mark, index = leg.contract.mark, leg.contract.mark if leg.contract.index is None else leg.contract.index
    fee = index * terms.liquidation_rate
    each = mark + fee + index * terms.maintenance_rate
    if mark > index:  # a put far in the money
        each = mark * (1 + terms.maintenance_rate) + fee
    return -leg.quantity * leg.contract.multiplier * each
