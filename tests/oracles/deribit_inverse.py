"""MARGIN 7, in coin, by another way: an option as if it were priced in USD, its margins then bought in coin
at the underlying's price; a future as so many dollars owed and due."""

from __future__ import annotations

from decimal import Decimal

from tests.oracles.deribit_linear import option_margins, touched
from tests.support.small_market import Figures, Leg, SmallPool

NOTHING = Decimal(0)


def assess(pool: SmallPool) -> Figures:
    """One balance of the coin."""
    (line,) = pool.lines
    equity, initial, maintenance = line.wallet - line.order_loss, NOTHING, NOTHING
    terms = abs(line.wallet) + line.order_loss
    for leg in line.legs:
        option = leg.contract.option
        if option is None:
            then, now = coins_at(leg, leg.entry_price), coins_at(leg, leg.contract.mark)
            gain = abs(then - now)
            equity += gain if (then > now) == (leg.quantity > 0) else -gain
            asked = future_margins(leg)
            terms += 4 * (then + now) + sum(asked)
        else:
            dollars = option_margins(leg, option, leg.contract.mark * option.forward)
            asked = (dollars[0] / option.forward, dollars[1] / option.forward)
            terms += 2 * sum(asked) + touched(leg, Decimal(1))
        initial += asked[0]
        maintenance += asked[1]
    return Figures(equity, initial, maintenance, terms)


def coins_at(leg: Leg, price: Decimal) -> Decimal:
    """How many coins its dollars buy at a price."""
    return abs(leg.quantity) * leg.contract.multiplier / price


def future_margins(leg: Leg) -> tuple[Decimal, Decimal]:
    """2 % and 1 % of the coins, and for each coin a bit of every coin."""
    (step,) = leg.contract.tiers
    coins = coins_at(leg, leg.contract.mark)
    grown = step.slope * coins**2
    return step.initial_rate * coins + grown, step.maintenance_rate * coins + grown
