"""How near is near: the band that the distance to liquidation gives a pool, without solving for the distance.

A pool is near where an underlying that stands a level's distance away, down or up, liquidates it. That is
found by assessing the pool there, in a pocket: twenty assessments for a pool of ten underlyings. Nearly all
pools are far from every level, and two bounds on what a move can cost prove it for less than one of them:
`is_far`, by the pool's whole notional, and where that is not enough `list_exposed`, by underlying and step.

The bounds hold for models in which a position costs by its profit and by `charged` of its notional, in the
worth of the asset that it is settled in, while all else of a balance stands in proportion to that worth
(`Model.is_additive`). What they can't exclude is assessed, so the band is the same with and without them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from monitor.book.compiled import INNER, assess
from monitor.book.pocket import fill, is_among, list_underlyings, move_underlying
from monitor.margin.band import CLEAR, is_breached
from monitor.margin.common import collateral_value, notional, step_at
from monitor.margin.models import MODELS

DISTANCE_LEVELS = 3
ROUNDING = 1e-9  # of the sum of all absolute terms: a thousand times what floats can lose
NOBODY_KNOWS = -1


def is_additive(names: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Whether the bound holds, by the place of a model among these."""
    return np.array([name in MODELS and MODELS[name].is_additive for name in names], dtype=np.bool_)


def empty_rise(book: Any) -> npt.NDArray[np.float64]:
    """Room for the cost of a move, by underlying."""
    most = max(book.instruments["underlying"].max(initial=0), book.assets["underlying"].max(initial=0))
    return np.zeros(int(most) + 1)


@njit(**INNER)
def distance_band(models, count, band, pool, book, levels, pocket, exposed):  # type: ignore[no-untyped-def]
    """The band by distance: is the pool liquidated where an exposed underlying stands a level's distance
    away? All of its underlyings are looked at when their `count` is not known."""
    row = book.pools[pool].levels
    fill(pool, book, pocket)
    if count == NOBODY_KNOWS:
        count = list_underlyings(book, pocket, exposed)
    mine = exposed[:count]
    band = min(max(band, CLEAR), DISTANCE_LEVELS)
    while band < DISTANCE_LEVELS and is_near(models, levels.distance_raise[row, band], book, pocket, mine):
        band += 1
    while band > CLEAR and not is_near(models, levels.distance_clear[row, band - 1], book, pocket, mine):
        band -= 1
    return band


@njit(**INNER)
def is_near(models, distance, book, pocket, underlyings):  # type: ignore[no-untyped-def]
    """Whether a move of any one underlying by `distance`, down or up, liquidates the pool in the pocket."""
    for underlying in underlyings:
        is_hit = is_liquidated_at(models, underlying, 1 - distance, book, pocket) or is_liquidated_at(
            models, underlying, 1 + distance, book, pocket
        )
        move_underlying(underlying, 1.0, book, pocket)
        if is_hit:
            return True
    return False


@njit(**INNER)
def is_liquidated_at(models, underlying, factor, book, pocket):  # type: ignore[no-untyped-def]
    """Whether the pool in the pocket is liquidated with one underlying at `factor` of its price."""
    move_underlying(underlying, factor, book, pocket)
    found = assess(models, 0, pocket)
    return is_breached(found.maintenance_margin, found.equity, 1.0)


@njit(**INNER)
def steepness(book):  # type: ignore[no-untyped-def]
    """The greatest rate of all schedules of instruments, and the greatest sum of a schedule's jumps: what is
    charged for a notional follows it no faster. Infinite where a schedule does not rise."""
    steepest = roughest = 0.0
    for instrument in book.instruments:
        jumps = 0.0
        for row in range(instrument.tier_first, instrument.tier_last):
            tier = book.tiers[row]
            rate = tier.maintenance_rate
            steepest = max(steepest, rate) if rate >= 0 else math.inf
            if row > instrument.tier_first:
                before = book.tiers[row - 1]
                jump = tier.floor * (rate - before.maintenance_rate) - (tier.deduction - before.deduction)
                jumps += abs(jump) if tier.floor >= before.floor else math.inf
        roughest = max(roughest, jumps)
    return steepest, roughest


@njit(**INNER)
def is_far(pool, far, steep, left, book):  # type: ignore[no-untyped-def]
    """Whether a move of any one underlying by up to `far` surely leaves more than nothing of what is `left`:
    no position may lose or be charged more than all of them together do in the worst case."""
    account = book.pools[pool]
    weight, terms, gross = 1.0, 0.0, 0.0
    for line in range(account.balance_first, account.balance_last):
        balance = book.balances[line]
        asset = book.assets[balance.asset]
        if asset.underlying >= 0:
            return False
        weight = max(weight, weight_of(asset, book))
        terms += worth_of(balance, asset, book.tiers)
    for row in range(account.position_first, account.position_last):
        position = book.positions[row]
        instrument = book.instruments[position.instrument]
        size = abs(position.quantity)
        gross += abs(notional(size, book.quotes[instrument.mark], instrument))
        terms += abs(notional(size, position.entry_price, instrument))
    legs = account.position_last - account.position_first
    steepest, roughest = steep
    cost = gross * far / (1 - far) * (1 + steepest) + legs * roughest
    return far < 1 and weight * (cost + ROUNDING * (gross + terms + legs * roughest)) < left


@njit(**INNER)
def list_exposed(pool, far, left, book, rise, exposed):  # type: ignore[no-untyped-def]
    """Writes the underlyings of which a move by up to `far` may liquidate the pool; answers how many, or that
    nobody knows. `rise`: float64 by underlying, zeros before and after."""
    account = book.pools[pool]
    listed = legs = 0
    size = 0.0
    for line in range(account.balance_first, account.balance_last):
        balance = book.balances[line]
        asset = book.assets[balance.asset]
        weight = weight_of(asset, book)
        worth = worth_of(balance, asset, book.tiers)
        moves = asset.underlying >= 0
        for row in range(balance.position_first, balance.position_last):
            position = book.positions[row]
            instrument = book.instruments[position.instrument]
            cost, terms = cost_of_move(position, instrument, far, book)
            worth += terms
            if moves:
                cost *= 1 + far
                worth += fee_of(position, instrument)
            listed = expose(instrument.underlying, weight * cost, listed, rise, exposed)
            legs += 1
        listed = expose(asset.underlying, weight * worth * far, listed, rise, exposed)
        size += weight * worth
    is_whole = legs == account.position_last - account.position_first
    left -= ROUNDING * size
    count = keep_exposed(left, listed, rise, exposed)
    return count if is_whole and left > 0 else NOBODY_KNOWS


@njit(**INNER)
def list_binding(pool, far, found, book, rise, exposed):  # type: ignore[no-untyped-def]
    """Writes the underlyings that may matter to a rescue from a move by `far`; answers as `list_exposed`.

    The others leave enough already, and more collateral or a smaller position, its fee paid, leaves no less;
    what more collateral there is of an asset that moves may itself be lost."""
    account = book.pools[pool]
    weight, fee = 1.0, 0.0
    for line in range(account.balance_first, account.balance_last):
        weight = max(weight, weight_of(book.assets[book.balances[line].asset], book))
    for row in range(account.position_first, account.position_last):
        position = book.positions[row]
        instrument = book.instruments[position.instrument]
        value = abs(notional(position.quantity, book.quotes[instrument.mark], instrument))
        fee = max(fee, value * abs(instrument.taker_fee))
    left = found.equity - found.maintenance_margin - weight * (1 + far) * fee
    left -= ROUNDING * (abs(found.equity) + abs(found.maintenance_margin))
    count = list_exposed(pool, far, left, book, rise, exposed)
    for line in range(account.balance_first, account.balance_last):
        underlying = book.assets[book.balances[line].asset].underlying
        if count != NOBODY_KNOWS and underlying >= 0 and not is_among(underlying, exposed, count):
            exposed[count] = underlying
            count += 1
    return count


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


@njit(**INNER)
def cost_of_move(position, instrument, far, book):  # type: ignore[no-untyped-def]
    """The most that a position may lose and be charged more when its price moves by up to `far`, and all its
    absolute terms; both in the settle asset. Infinite for what no venue can mean."""
    size = abs(position.quantity)
    value = notional(size, book.quotes[instrument.mark], instrument)
    low, high = value * (1 - far), value * (1 + far)
    if instrument.inverse:
        high = value / (1 - far)
    if not (low >= 0 and high < math.inf):
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
    return high - value + most - least, high + entry + terms


@njit(**INNER)
def fee_of(position, instrument):  # type: ignore[no-untyped-def]
    """The most that closing may cost, at the bankruptcy price of either side."""
    entry = abs(notional(position.quantity, position.entry_price, instrument))
    return abs(instrument.taker_fee) * entry * (1 + 1 / abs(position.leverage))


@njit(**INNER)
def expose(underlying, cost, listed, rise, exposed):  # type: ignore[no-untyped-def]
    """Adds the cost of an underlying's move, and lists it when it is new; what follows none is not moved."""
    if underlying >= 0:
        if rise[underlying] == 0:
            exposed[listed] = underlying
            listed += 1
        rise[underlying] += cost
    return listed


@njit(**INNER)
def keep_exposed(left, listed, rise, exposed):  # type: ignore[no-untyped-def]
    """Keeps of the listed underlyings those whose move may cost all that is left; answers how many."""
    count = 0
    for k in range(listed):
        underlying = exposed[k]
        if not rise[underlying] < left:
            exposed[count] = underlying
            count += 1
        rise[underlying] = 0.0
    return count
