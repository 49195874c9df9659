"""One outward search over the model itself, in a pocket: how far something changes until the pool turns.

Where maintenance less equity is convex in what is changed, which a model declares, the search is exact and
takes a handful of assessments: seen from the safe side the chord through two points meets zero at
the turn or beyond it, seen from the breached side at the turn or short of it, so no turn is stepped over. A
model that is not convex is walked in steps of a hundredth, and of a tenth of the way made once that is more
(of three tenths beyond three times the price); a dip narrower than that may be missed.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from numba import njit

from monitor.book.compiled import INLINE, INNER, assess
from monitor.book.pocket import cut, move_instrument, move_underlying, top_up

UNDERLYING, PRICE, TOP_UP, CUT = range(4)
FAR_FACTOR = 1e4  # a price at a ten-thousandth, or at ten thousand times
PRICE_STEP = 1.01
PRICE_GROWTH = 1.1  # of the logarithm of the move: far away a hundredth tells nothing that a tenth does not
VERY_FAR, FAR_GROWTH = 3.0, 1.3  # nor, beyond three times the price or a third, a tenth more than a third
AMOUNT_STEPS = 128
TOLERANCE = 1e-12  # of the change: how far beyond the turn the answer may lie
BANKRUPT = -1.0
LEAPS = 40  # chords before the search only doubles
TURNS = 200


class Aim(NamedTuple):
    """Where the pool turns: maintenance is `level` of equity, or a move by `distance` liquidates."""

    level: float  # or BANKRUPT: equity is gone
    distance: float  # a fraction; 0 where it does not matter
    solvent: bool  # nothing required and less than nothing owned counts as breached


class Walk(NamedTuple):
    """What is changed, and from where to where."""

    kind: int
    target: int  # an underlying or EVERY one, a place among the positions, or among the balances
    start: float  # the size of no change: 1 for prices, which are multiplied, else 0
    far: float
    factor: float  # one small step: times factor, plus step
    step: float
    is_convex: bool


@njit(**INNER)
def price_walk(kind, target, side, is_convex):  # type: ignore[no-untyped-def]
    """A price up (side above 0) or down."""
    if side > 0:
        return Walk(kind, target, 1.0, FAR_FACTOR, PRICE_STEP, 0.0, is_convex)
    return Walk(kind, target, 1.0, 1 / FAR_FACTOR, 1 / PRICE_STEP, 0.0, is_convex)


@njit(**INNER)
def amount_walk(kind, target, far, is_convex):  # type: ignore[no-untyped-def]
    """An amount or a fraction from nothing up to `far`."""
    return Walk(kind, target, 0.0, far, 1.0, far / AMOUNT_STEPS, is_convex)


@njit(**INNER)
def change(kind, target, size, pocket):  # type: ignore[no-untyped-def]
    """Writes the pocket as it is after a change: a price's factor, an amount, or a fraction."""
    if kind == UNDERLYING:
        move_underlying(target, size, pocket)
    elif kind == PRICE:
        move_instrument(pocket.book.instruments[pocket.positions[target].instrument], size, pocket)
    elif kind == TOP_UP:
        top_up(target, size, pocket)
    else:
        cut(target, size, pocket)


@njit(**INNER)
def over(found, level, solvent):  # type: ignore[no-untyped-def]
    """Maintenance over `level` of equity; at or above zero is breached. BANKRUPT: nothing is left."""
    if level == BANKRUPT:
        return -found.equity
    if found.maintenance_margin > 0:
        return found.maintenance_margin - level * found.equity
    if solvent and found.equity < 0:
        return -found.equity
    return -abs(found.equity) - 1e-300


@njit(**INNER)
def excess(models, aim, pocket, underlyings):  # type: ignore[no-untyped-def]
    """How far the pool in the pocket is past its aim; at or above zero is past it. A maximum of convex
    functions is convex."""
    worst = over(assess(models, 0, pocket.book), aim.level, aim.solvent)
    if aim.distance > 0:
        for underlying in underlyings:
            for factor in (1 - aim.distance, 1 + aim.distance):
                move_underlying(underlying, factor, pocket)
                worst = max(worst, over(assess(models, 0, pocket.book), 1.0, aim.solvent))
            move_underlying(underlying, 1.0, pocket)
    return worst


@njit(**INNER)
def changed(models, walk, size, aim, pocket, underlyings):  # type: ignore[no-untyped-def]
    """The excess after the change."""
    change(walk.kind, walk.target, size, pocket)
    return excess(models, aim, pocket, underlyings)


@njit(**INNER)
def turn(models, walk, f_start, aim, pocket, underlyings):  # type: ignore[no-untyped-def]
    """The nearest change at which breached turns to not breached or back, on its far side; nan if none.

    `f_start` is the excess without a change. Afterwards the pocket is as before.
    """
    found = math.nan
    breached = f_start >= 0
    may_turn = True
    if walk.is_convex and not breached:  # then the far end alone says whether there is a turn
        may_turn = changed(models, walk, walk.far, aim, pocket, underlyings) >= 0
    if may_turn:
        found = _outward(models, walk, f_start, aim, pocket, underlyings)
    change(walk.kind, walk.target, walk.start, pocket)
    return found


@njit(**INLINE)
def _outward(models, walk, f_start, aim, pocket, underlyings):  # type: ignore[no-untyped-def]
    breached = f_start >= 0
    a, f_a = walk.start, f_start
    b = walk.start * walk.factor + walk.step
    leaps = 0
    while True:
        f_b = changed(models, walk, b, aim, pocket, underlyings)
        if (f_b >= 0) != breached:
            return _closed_in(models, walk, a, f_a, b, f_b, aim, pocket, underlyings)
        if b == walk.far:
            return math.nan
        c = _next_step(walk, b)
        if walk.is_convex:
            if breached and not f_b < f_a:
                return math.nan  # convex: it never comes down again
            c = _leap(a, f_a, b, f_b, leaps < LEAPS)
            leaps += 1
        a, f_a = b, f_b
        b = min(c, walk.far) if walk.far > walk.start else max(c, walk.far)


@njit(**INLINE)
def _next_step(walk, b):  # type: ignore[no-untyped-def]
    """One small step on from b; of a price a longer one where it is far already."""
    c = b * walk.factor + walk.step
    if walk.start == 1.0:
        grown = b ** (FAR_GROWTH if max(b, 1 / b) > VERY_FAR else PRICE_GROWTH)
        return max(c, grown) if walk.far > walk.start else min(c, grown)
    return c


@njit(**INLINE)
def _leap(a, f_a, b, f_b, may_aim):  # type: ignore[no-untyped-def]
    """Where the chord through both points meets zero, or twice as far on where it does not."""
    if may_aim and f_a != f_b:
        reach = f_b * (b - a) / (f_a - f_b)
        if reach * (b - a) > 0:
            return b + math.copysign(max(abs(reach) * (1 + TOLERANCE), TOLERANCE * abs(b)), b - a)
    return b + 2 * (b - a)


@njit(**INLINE)
def _closed_in(models, walk, a, f_a, b, f_b, aim, pocket, underlyings):  # type: ignore[no-untyped-def]
    """Narrows a..b down to the turn and answers b's side of it. Chandrupatla's method: a parabola through the
    last three points where it may be trusted, else a bisection, so it finds a jump as well."""
    turned = f_b >= 0
    share = 0.5  # of the way from b to a
    for _ in range(TURNS):
        c = b + share * (a - b)
        if c in (a, b):
            break
        f_c = changed(models, walk, c, aim, pocket, underlyings)
        old, f_old = a, f_a
        if (f_c >= 0) == turned:
            old, f_old, b, f_b = b, f_b, c, f_c
        else:
            a, f_a = c, f_c
        edge = TOLERANCE / 2 * abs(b)
        if abs(a - b) <= 2 * edge:
            break
        share = (
            _parabola(b, f_b, a, f_a, old, f_old)
            if (f_c >= 0) == turned
            else 1 - _parabola(a, f_a, b, f_b, old, f_old)
        )
        least = edge / abs(a - b)
        share = min(max(share, least), 1 - least)
    return b


@njit(**INNER)
def _parabola(x, f_x, other, f_other, old, f_old):  # type: ignore[no-untyped-def]
    """Which share of the way from the newest point to the other side the turn lies at: by the parabola
    through both and the one before (inverse quadratic interpolation), or a half where that may mislead."""
    if f_old == f_other or old == other:
        return 0.5
    xi, phi = (x - other) / (old - other), (f_x - f_other) / (f_old - f_other)
    if not (phi * phi < xi and (1 - phi) * (1 - phi) < 1 - xi):
        return 0.5
    first = f_x / (f_other - f_x) * f_old / (f_other - f_old)
    return first + (old - x) / (other - x) * f_x / (f_old - f_x) * f_other / (f_old - f_other)
