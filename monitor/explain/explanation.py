"""The explanation of one pool: every input with its source and age, the derivation line by line, and what the
venue says beside it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import msgspec

from monitor.book.live_book import LiveBook
from monitor.book.placing import PlacedPool
from monitor.book.ratio import ratio_of
from monitor.domain.assessment import RiskBand, VenueReported
from monitor.domain.identity import PoolId
from monitor.explain.derivation import Line, Watcher
from monitor.explain.document import SCHEMA, Beside, Explanation, Input
from monitor.explain.inputs import holdings, leg_name, measured, quote_name, stated_before
from monitor.explain.named_rows import Names, named_rows
from monitor.explain.stated import Stated
from monitor.explain.tokens import ToldToken, tokens_of
from monitor.margin.models import MODELS, Model
from monitor.margin.venue_words import venue_figure

AGREES = 1e-9  # the traced run and the compiled one do the same arithmetic
LEVEL_NAMES = ("warning", "margin_call", "critical", "liquidation")


class Disagrees(ArithmeticError):
    """The traced run and the compiled one differ: a fault of ours, never shown as an explanation."""


def explain(live: LiveBook, pool_id: PoolId, now_ns: int, wall_ns: int, source: str) -> Explanation | None:
    """The explanation of a pool as it is now; None when there is no such pool. `source` says where holdings
    were read."""
    pool = live.placing.pools.get(pool_id)
    if pool is None:
        return None
    band = RiskBand(int(live.assessor.figures[pool.row].band))
    model = MODELS.get(pool.fact.model)
    before = stated_before(live, pool, source)
    outline = Explanation(
        SCHEMA,
        pool.id,
        pool.fact.model,
        _first_line(model.assess.__doc__ if model else ""),
        pool.fact.unit,
        datetime.fromtimestamp(wall_ns / 1e9, UTC),
        band.label,
        pool.missing or "an input is missing, stale or implausible",
        tuple(holdings(live, pool, before, source)),
        tuple(_lines(before.values())),
    )
    if model is None or band is RiskBand.UNKNOWN:
        return msgspec.structs.replace(outline, lines=())
    return _derived(outline, live, pool, model, tuple(tokens_of(live, pool, now_ns, source)), now_ns)


def _derived(
    outline: Explanation,
    live: LiveBook,
    pool: PlacedPool,
    model: Model,
    tokens: tuple[ToldToken, ...],
    now_ns: int,
) -> Explanation:
    named = named_rows(pool.row, live.assessor.book(), _names(live, pool))
    watcher = Watcher(named.headings, pool.fact.model)
    found = watcher.watch(model.assess, 0, named.book)
    equity, initial, maintenance = (float(value) for value in found)
    figures = live.assessor.figures[pool.row]
    _check(pool.id, (equity, maintenance), (float(figures.equity), float(figures.maintenance_margin)))
    says = model.says_at(pool.venue)
    told = venue_figure(says, equity, maintenance, float(pool.fact.threshold))
    return msgspec.structs.replace(
        outline,
        why=_why_band(live, pool, equity, maintenance),
        inputs=(*outline.inputs, *_inputs(tokens), *measured(live, named.quotes, now_ns)),
        lines=(*outline.lines, *watcher.lines, *_lines(tokens)),
        equity=equity,
        initial_margin=initial if model.has_initial else None,
        maintenance_margin=maintenance,
        margin_ratio=ratio_of(maintenance, equity),
        venue_figure_name=says.name,
        venue_figure=None if math.isnan(told) else told,
        beside=tuple(_beside(pool.fact.reported, equity, initial, maintenance)),
        tokens=tuple(told.token for told in tokens),
    )


def _inputs(told: Iterable[ToldToken]) -> Iterator[Input]:
    return (given for each in told for given in each.inputs)


def _lines(told: Iterable[Stated | ToldToken]) -> Iterator[Line]:
    return (line for each in told for line in each.lines)


def _check(pool: PoolId, traced: tuple[float, float], compiled: tuple[float, float]) -> None:
    for ours, theirs in zip(traced, compiled, strict=True):
        if not math.isclose(
            ours, theirs, rel_tol=AGREES, abs_tol=AGREES * (abs(compiled[0]) + abs(compiled[1]))
        ):
            raise Disagrees(f"{pool}: the derivation gives {ours}, the book {theirs}")


def _names(live: LiveBook, pool: PlacedPool) -> Names:
    legs = tuple(leg_name(leg) for leg in pool.legs)
    return Names(pool.assets, legs, lambda row: quote_name(live.quotes.name(row)))


def _why_band(live: LiveBook, pool: PlacedPool, equity: float, maintenance: float) -> str:
    """Which level the ratio has passed, and which is next; a distance may have raised the band further."""
    if maintenance <= 0:
        return "nothing is required"
    levels = live.placing.levels[int(live.placing.columns.pools[pool.row].levels)]
    ratio = maintenance / equity if equity > 0 else math.inf
    passed = [
        f"{name} {level:g}"
        for name, level in zip(LEVEL_NAMES, levels.raise_at, strict=True)
        if ratio >= level
    ]
    ahead = [
        f"{name} {level:g}" for name, level in zip(LEVEL_NAMES, levels.raise_at, strict=True) if ratio < level
    ]
    told = f"ratio {ratio:.6g}"
    told += f" is past {passed[-1]}" if passed else " is past no level"
    told += f", next is {ahead[0]}" if ahead else ""
    near = [f"{100 * distance:g} %" for distance in levels.distance_raise if distance]
    return told + (f"; by distance the levels are {', '.join(near)}" if near else "")


def _beside(
    reported: VenueReported | None, equity: float, initial: float, maintenance: float
) -> Iterator[Beside]:
    if reported is None:
        return
    pairs = (
        ("equity", equity, reported.equity),
        ("initial margin", initial, reported.initial_margin),
        ("maintenance margin", maintenance, reported.maintenance_margin),
    )
    for what, ours, venues in pairs:
        if venues is not None:
            yield Beside(what, ours, venues, ours - venues)


def _first_line(text: str | None) -> str:
    return " ".join((text or "").split("\n\n")[0].split())
