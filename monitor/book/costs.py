"""The most that one position or one balance can cost when a price moves: what the bounds of `book.bounds` add
up."""

from __future__ import annotations

import math

from numba import njit

from monitor.book.compiled import INLINE, INNER
from monitor.margin.common import collateral_value, notional, step_at
from monitor.margin.models import Bound

STEEPEST, JUMPS, GROWTH, DEDUCTED = range(4)  # columns of book.shared.Shared.each
QUANTUMS = 4e-6  # what a chain's rounding to millionths takes from a position before a move and after it
OWN_VALUE, SIZE, LOANS = int(Bound.OWN_VALUE), int(Bound.SIZE), int(Bound.LOANS)  # an enum does not compile


@njit(**INNER)
def weight_of(asset, book):  # type: ignore[no-untyped-def]
    """The most that one of an asset may count for in the pool's unit: 1 where a model reads no price."""
    price = book.quotes[asset.price]
    if not price >= 0:
        return math.inf
    return max(1.0, price * (1 + max(abs(asset.bid_buffer), abs(asset.ask_buffer))))


@njit(**INNER)
def worth_of(balance, asset, tiers):  # type: ignore[no-untyped-def]
    """The most that a balance by itself counts for, by any of the models, in the asset."""
    owned = balance.wallet - balance.borrowed
    counted = abs(collateral_value(owned, asset, tiers))
    return max(abs(balance.wallet), abs(owned), counted) + abs(balance.order_loss)


@njit(**INLINE)
def loan_of(balance, asset, tiers):  # type: ignore[no-untyped-def]
    """What is charged for a debt, in the asset; infinite where that is more than one rate."""
    if balance.borrowed == 0 or asset.liability_first == asset.liability_last:
        return 0.0
    if asset.liability_last - asset.liability_first > 1:
        return math.inf
    return abs(balance.borrowed * tiers[asset.liability_first].maintenance_rate)


@njit(**INLINE)
def cost_of_move(position, instrument, far, book):  # type: ignore[no-untyped-def]
    """The most that a position may lose and be charged more when its price moves by up to `far`, and all its
    absolute terms; both in the settle asset. Infinite for what no venue can mean."""
    if instrument.option >= 0:
        return math.inf, math.inf
    size = abs(position.quantity)
    value = notional(size, book.quotes[instrument.mark], instrument)
    low, high = value * (1 - far), value * (1 + far)
    if instrument.inverse:
        high = value / (1 - far)
    if not 0 <= low <= high < math.inf:
        return math.inf, math.inf
    last = instrument.tier_last
    step = step_at(book.tiers, instrument.tier_first, last, low)
    tier = book.tiers[step]
    rate = abs(tier.maintenance_rate)
    least = value * tier.maintenance_rate - tier.deduction
    most, terms = high * rate - tier.deduction, high * rate + abs(tier.deduction)
    while step + 1 < last and not book.tiers[step + 1].floor > high:
        step += 1
        tier = book.tiers[step]
        rate = abs(tier.maintenance_rate)
        least = min(least, value * tier.maintenance_rate - tier.deduction)
        most = max(most, high * rate - tier.deduction)
        terms = max(terms, high * rate + abs(tier.deduction))
    entry = abs(notional(size, position.entry_price, instrument))
    fee = abs(instrument.taker_fee)
    return (high - value) * (1 + fee) + most - least, high * (1 + fee) + entry + terms


@njit(**INLINE)
def cost_at_any_step(position, instrument, bound, far, each, book):  # type: ignore[no-untyped-def]
    """The same where any step of the schedule may be the position's: the steepest of its rates, and all jumps
    unless it is the size that chooses the step."""
    if instrument.option >= 0 or not far < 1:
        return math.inf, math.inf
    size = abs(position.quantity)
    value = value_of(size, instrument, book)
    steepest, jumps = each[position.instrument, STEEPEST], each[position.instrument, JUMPS]
    slope, deducted = each[position.instrument, GROWTH], each[position.instrument, DEDUCTED]
    if bound == SIZE:
        jumps = QUANTUMS
    rate = 1 + steepest + abs(instrument.taker_fee) + growth_of(size, value, far, instrument, slope)
    moved = value * far / (1 - far) if instrument.inverse else value * far
    entry = abs(notional(size, position.entry_price, instrument))
    return moved * rate + jumps, (value + moved) * rate + entry + jumps + deducted


@njit(**INNER)
def value_of(size, instrument, book):  # type: ignore[no-untyped-def]
    """What so much of an instrument is worth in its settle asset, at mark or at index, whichever is more."""
    at_mark = abs(notional(size, book.quotes[instrument.mark], instrument))
    if instrument.index == instrument.mark:
        return at_mark
    return max(at_mark, abs(notional(size, book.quotes[instrument.index], instrument)))


@njit(**INNER)
def growth_of(size, value, far, instrument, slope):  # type: ignore[no-untyped-def]
    """How much a rate that grows with the size of the position in coin adds to what a move costs. The coins
    of an inverse contract are its value, so both grow."""
    coins = 2 * value / (1 - far) if instrument.inverse else abs(size * instrument.multiplier)
    return slope * coins


@njit(**INLINE)
def fee_of(position, instrument):  # type: ignore[no-untyped-def]
    """The most that closing may cost, at the bankruptcy price of either side."""
    entry = abs(notional(position.quantity, position.entry_price, instrument))
    return abs(instrument.taker_fee) * entry * (1 + 1 / abs(position.leverage))


@njit(**INNER)
def times_threshold(bound, account):  # type: ignore[no-untyped-def]
    """By how much a model with loans multiplies all that it charges."""
    return max(1.0, abs(account.threshold)) if bound == LOANS else 1.0
