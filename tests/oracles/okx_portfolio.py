"""OKX's portfolio margin by another way: each scenario is a price that everything is bought and sold at, and
each slice of the cost of closing is scaled on its own."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from tests.support.small_market import Coin, Figures, Leg, Line, RiskUnit, SmallPool, sliced

NOTHING = Decimal(0)


def assess(pool: SmallPool) -> Figures:
    """Every currency in USD."""
    equity = initial = maintenance = terms = NOTHING
    for line in pool.lines:
        units: defaultdict[RiskUnit, list[Leg]] = defaultdict(list)
        for leg in line.legs:
            if leg.contract.unit is not None:
                units[leg.contract.unit].append(leg)
        for unit, legs in units.items():
            risk = risk_of(unit, legs, line.coin.price)
            initial += risk * unit.initial_factor
            maintenance += risk * unit.maintenance_factor
        owned = owned_of(line)
        for_debt = borrowing_of(line.coin, -owned)
        initial += for_debt[0] * line.coin.price
        maintenance += for_debt[1] * line.coin.price
        left = owned - line.order_loss
        counted = sliced(line.coin.tiers, left) if line.coin.tiers and left > 0 else left
        equity += counted * line.coin.price
        terms += terms_of(line)
    return Figures(equity, initial, maintenance, terms)


def value_of(leg: Leg, price: Decimal | None = None) -> Decimal:
    """Unsigned worth in the settle asset, at mark unless told."""
    at = leg.contract.mark if price is None else price
    size = abs(leg.quantity) * leg.contract.multiplier
    return size / at if leg.contract.inverse else size * at


def owned_of(line: Line) -> Decimal:
    """What would be left of a currency if all were closed at mark."""
    owned = line.wallet - line.borrowed
    for leg in line.legs:
        gain = value_of(leg) - value_of(leg, leg.entry_price)
        owned += gain if (leg.quantity > 0) != leg.contract.inverse else -gain
    return owned


def risk_of(unit: RiskUnit, legs: list[Leg], price: Decimal) -> Decimal:
    """The worst of the moves with the basis of every expiry, or the cost of closing where that is more."""
    losses = [sum((loss_of(leg, move.price_move) for leg in legs), NOTHING) for move in unit.scenarios]
    weighed = [loss * move.weight for loss, move in zip(losses, unit.scenarios, strict=True)]
    expiries: defaultdict[Decimal, Decimal] = defaultdict(lambda: NOTHING)
    for leg in legs:
        expiries[leg.contract.years] += value_of(leg) if leg.quantity > 0 else -value_of(leg)
    basis = sum(
        (
            max(abs(net) * unit.roll_rate * years, abs(net) * unit.roll_floor)
            for years, net in expiries.items()
        ),
        NOTHING,
    )
    closing = sum((value_of(leg) * price * unit.reduction_rate for leg in legs), NOTHING)
    scaled = sliced(unit.tiers, closing) if unit.tiers else closing
    return max((max([NOTHING, *weighed]) + basis) * price, scaled)


def loss_of(leg: Leg, move: Decimal) -> Decimal:
    """What is lost as the index moves: so many coins at so much less each, or of an inverse one so many
    coins."""
    contract = leg.contract
    long = 1 if leg.quantity > 0 else -1
    if contract.inverse:
        return -long * value_of(leg) * move
    index = contract.mark if contract.index is None else contract.index
    return long * (value_of(leg, index) - value_of(leg, index * (1 + move)))


def borrowing_of(coin: Coin, owed: Decimal) -> tuple[Decimal, Decimal]:
    """Initial and maintenance margin of a debt: the last step that it reaches tells the rate of all of
    it, and what is bought back pays a fee."""
    reached = [step for step in coin.liability if step.floor <= owed]
    if owed <= 0 or not reached:
        return NOTHING, NOTHING
    margin = owed * reached[-1].maintenance_rate
    return owed * reached[-1].initial_rate, margin + (owed + margin) * coin.ask_buffer


def terms_of(line: Line) -> Decimal:
    """The absolute terms, many times over."""
    amounts = abs(line.wallet) + line.borrowed + line.order_loss
    for leg in line.legs:
        index = leg.contract.mark if leg.contract.index is None else leg.contract.index
        around = value_of(leg) + value_of(leg, leg.entry_price) + value_of(leg, index)
        amounts += around * 16
    return amounts * line.coin.price * 4
