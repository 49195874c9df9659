"""MARGIN 7, USDC, by another way: everything in USDC from the start, so that nothing is divided by the
underlying; profit as what selling pays above what buying cost."""

from __future__ import annotations

from decimal import Decimal

from tests.support.small_market import Contract, Figures, Leg, OptionTerms, SmallPool

NOTHING = Decimal(0)


def assess(pool: SmallPool) -> Figures:
    """One balance of USDC."""
    (line,) = pool.lines
    equity, initial, maintenance = line.wallet - line.order_loss, NOTHING, NOTHING
    terms = abs(line.wallet) + line.order_loss
    for leg in line.legs:
        coins = abs(leg.quantity) * leg.contract.multiplier
        if leg.contract.option is None:
            side = 1 if leg.quantity > 0 else -1
            bought, sold = coins * leg.entry_price, coins * leg.contract.mark
            equity += side * (sold - bought)
            asked = [future_margin(leg.contract, coins, is_initial) for is_initial in (True, False)]
            terms += bought + sold + sum(asked)
        else:
            asked = list(option_margins(leg, leg.contract.option, leg.contract.mark))
            terms += 2 * sum(asked) + touched(leg, leg.contract.option.forward)
        initial += asked[0]
        maintenance += asked[1]
    return Figures(equity, initial, maintenance, terms)


def future_margin(contract: Contract, coins: Decimal, is_initial: bool) -> Decimal:
    """Base part and grown part, each on its own, at the index."""
    (step,) = contract.tiers
    index = contract.mark if contract.index is None else contract.index
    rate = step.initial_rate if is_initial else step.maintenance_rate
    return index * coins * rate + index * coins * coins * step.slope


def option_margins(leg: Leg, terms: OptionTerms, premium: Decimal) -> tuple[Decimal, Decimal]:
    """Initial and maintenance margin in USD of a position and its orders, `premium` in USD as well."""
    margin_of_one = maintenance_of_one(terms, premium)
    filled = leg.quantity - leg.asks
    short, also_sold = max(-leg.quantity, NOTHING), min(leg.asks, max(-filled, NOTHING))
    excess = leg.bids - min(leg.bids, short)
    initial = (short + also_sold) * initial_of_one(terms, premium) + excess * premium
    return initial * leg.contract.multiplier, short * margin_of_one * leg.contract.multiplier


def initial_of_one(terms: OptionTerms, premium: Decimal) -> Decimal:
    """Call: max(15 % of U - what it is out of the money, 10 % of U) + premium; put: that, at least its
    maintenance margin."""
    moneyness = terms.strike - terms.forward if terms.side > 0 else terms.forward - terms.strike
    at_the_money, least = terms.initial_rate * terms.forward, terms.initial_floor * terms.forward
    asked = premium + (max(at_the_money - moneyness, least) if moneyness > 0 else max(at_the_money, least))
    return asked if terms.side > 0 else max(asked, maintenance_of_one(terms, premium))


def maintenance_of_one(terms: OptionTerms, premium: Decimal) -> Decimal:
    """Short call: 7.5 % of U + premium; short put: the same, or 107.5 % of the premium where that is more."""
    of_underlying = terms.maintenance_rate * terms.forward + premium
    return of_underlying if terms.side > 0 else max(of_underlying, premium + terms.maintenance_rate * premium)


def touched(leg: Leg, worth: Decimal) -> Decimal:
    """What was weighed against each other before something of it became a margin."""
    options = abs(leg.quantity) + leg.bids + leg.asks
    return options * leg.contract.multiplier * (worth + leg.contract.mark)
