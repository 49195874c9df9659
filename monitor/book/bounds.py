"""What a move of one underlying can cost a pool at most, without assessing the pool there.

Two bounds, and both answer for less than one assessment: `is_far`, by the pool's whole notional, and where
that is not enough `list_exposed`, by underlying and step of the schedule.

They hold for models in which a position costs by its profit and by a rate on its notional, in the worth of
the asset that it is settled in, while all else of a balance stands in proportion to that worth. Which rate
that is, and what else is charged, the model's `Bound` says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from monitor.book.compiled import INLINE, INNER
from monitor.book.costs import (
    LOANS,
    OWN_VALUE,
    QUANTUMS,
    SIZE,
    cost_at_any_step,
    cost_of_move,
    fee_of,
    growth_of,
    loan_of,
    times_threshold,
    value_of,
    weight_of,
    worth_of,
)
from monitor.book.pocket import Pocket, is_among
from monitor.margin.common import notional
from monitor.margin.models import MODELS, Bound

ROUNDING = 1e-9  # of the sum of all absolute terms: a thousand times what floats can lose
NOBODY_KNOWS = -1
NONE = int(Bound.NONE)
NOT_READ = np.zeros((0, 0))


def bounds_of(names: Sequence[str]) -> npt.NDArray[np.int64]:
    """Which bound holds, by the place of a model among these."""
    held = (MODELS[name].bound if name in MODELS else Bound.NONE for name in names)
    return np.array([int(bound) for bound in held], dtype=np.int64)


class Scratch(NamedTuple):
    """What the bounds write on."""

    rise: npt.NDArray[np.float64]  # by underlying; zeros before and after
    each: npt.NDArray[np.float64]  # as in Shared
    exposed: npt.NDArray[np.int64]  # underlyings of one pool


def scratch_for(book: Any, pocket: Pocket, each: npt.NDArray[np.float64] = NOT_READ) -> Scratch:
    """Enough of it for any pool that the pocket has room for. Bounds by a value's own step do not read
    `each`."""
    most = max(book.instruments["underlying"].max(initial=0), book.assets["underlying"].max(initial=0))
    exposed = np.zeros(len(pocket.positions) + len(pocket.balances), np.int64)
    return Scratch(np.zeros(int(most) + 1), each, exposed)


@njit(**INLINE)
def is_far(pool, far, bound, shared, left, book):  # type: ignore[no-untyped-def]
    """Whether a move of any one underlying by up to `far` surely leaves more than nothing of what is `left`:
    no position may lose or be charged more than all of them together do in the worst case."""
    account = book.pools[pool]
    weight, terms, gross, charges = 1.0, 0.0, 0.0, 0.0
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
        if instrument.option >= 0:
            return False
        size = abs(position.quantity)
        value = value_of(size, instrument, book)
        gross += value
        charges += value * abs(instrument.taker_fee)
        if bound == SIZE:
            charges += value * growth_of(size, value, far, instrument, shared.growth)
        terms += abs(notional(size, position.entry_price, instrument))
    legs = account.position_last - account.position_first
    rough = legs * (QUANTUMS if bound == SIZE else shared.roughest)
    cost = (gross * (1 + shared.steepest) + charges) * far / (1 - far) + rough
    whole = weight * times_threshold(bound, account)
    return far < 1 and whole * (cost + ROUNDING * (gross + terms + rough)) < left


@njit(**INNER)
def list_exposed(account, far, bound, left, book, scratch):  # type: ignore[no-untyped-def]
    """Writes the underlyings of which a move by up to `far` may liquidate the pool; answers how many, or that
    nobody knows."""
    listed = legs = 0
    size = 0.0
    times = times_threshold(bound, account)
    for line in range(account.balance_first, account.balance_last):
        balance = book.balances[line]
        asset = book.assets[balance.asset]
        weight = times * weight_of(asset, book)
        worth = worth_of(balance, asset, book.tiers)
        moves = asset.underlying >= 0
        if moves and bound == LOANS:
            worth += loan_of(balance, asset, book.tiers)
        for row in range(balance.position_first, balance.position_last):
            position = book.positions[row]
            instrument = book.instruments[position.instrument]
            if bound in (OWN_VALUE, LOANS):
                cost, terms = cost_of_move(position, instrument, far, book)
            else:
                cost, terms = cost_at_any_step(position, instrument, bound, far, scratch.each, book)
            worth += terms
            if moves:
                cost *= 1 + far
                worth += fee_of(position, instrument)
            listed = expose(instrument.underlying, weight * cost, listed, scratch)
            legs += 1
        listed = expose(asset.underlying, weight * worth * far, listed, scratch)
        size += weight * worth
    is_whole = legs == account.position_last - account.position_first
    left -= ROUNDING * size
    count = keep_exposed(left, listed, scratch)
    return count if is_whole and left > 0 else NOBODY_KNOWS


@njit(**INLINE)
def list_binding(far, bound, found, small, scratch):  # type: ignore[no-untyped-def]
    """Writes the underlyings that may matter to a rescue from a move by `far` of the pool in a pocket;
    answers as `list_exposed`, for models that charge a position on its own value.

    The others leave enough already, and more collateral or a smaller position, its fee paid, leaves no less;
    what more collateral there is of an asset that moves may itself be lost."""
    account = small.pools[0]
    weight, fee = 1.0, 0.0
    for line in range(account.balance_first, account.balance_last):
        weight = max(weight, weight_of(small.assets[small.balances[line].asset], small))
    for row in range(account.position_first, account.position_last):
        position = small.positions[row]
        instrument = small.instruments[position.instrument]
        value = abs(notional(position.quantity, small.quotes[instrument.mark], instrument))
        fee = max(fee, value * abs(instrument.taker_fee))
    left = found.equity - found.maintenance_margin - weight * (1 + far) * fee
    left -= ROUNDING * (abs(found.equity) + abs(found.maintenance_margin))
    count = list_exposed(account, far, bound, left, small, scratch)
    for line in range(account.balance_first, account.balance_last):
        underlying = small.assets[small.balances[line].asset].underlying
        if count != NOBODY_KNOWS and underlying >= 0 and not is_among(underlying, scratch.exposed, count):
            scratch.exposed[count] = underlying
            count += 1
    return count


@njit(**INNER)
def expose(underlying, cost, listed, scratch):  # type: ignore[no-untyped-def]
    """Adds the cost of an underlying's move, and lists it when it is new; what follows none is not moved."""
    if underlying >= 0:
        if scratch.rise[underlying] == 0:
            scratch.exposed[listed] = underlying
            listed += 1
        scratch.rise[underlying] += cost
    return listed


@njit(**INLINE)
def keep_exposed(left, listed, scratch):  # type: ignore[no-untyped-def]
    """Keeps of the listed underlyings those whose move may cost all that is left; answers how many."""
    count = 0
    for k in range(listed):
        underlying = scratch.exposed[k]
        if not scratch.rise[underlying] < left:
            scratch.exposed[count] = underlying
            count += 1
        scratch.rise[underlying] = 0.0
    return count
