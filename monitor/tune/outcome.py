"""What a set of thresholds would have meant: pages a day, warnings missed, lead before each breach; and
which set to take."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from alerts.alert import Condition, Kind, Level
from monitor.config import Alerts, Threshold
from monitor.history.reading import Kept
from monitor.thresholds import row_for
from monitor.tune.candidates import IN_FORCE, Candidate
from monitor.tune.judge import bands_of
from monitor.tune.pipeline import Told, told_by
from monitor.tune.tracks import MINUTE_NS, Breach, Span, Track

DAY_NS = 1_440 * MINUTE_NS
SAME_NS = 5 * 1_000_000_000
ABOUT = 1.1  # so many times the fewest pages are about as few


class Wanted(NamedTuple):
    """What a reader asks of thresholds."""

    lead_minutes: float  # a page later than this before a breach is a warning missed
    level: Level  # the least that is a page


class Outcome(NamedTuple):
    """Of one set."""

    name: str
    thresholds: tuple[Threshold, ...]
    pages: int
    pages_a_day: float
    idle: int  # incidents that paged and that no breach followed
    leads: tuple[float | None, ...]  # minutes of the market, of each breach in order; None: no page before
    missed: int
    standing: float = 0.0  # incidents that paged and were open, on the average

    @property
    def shortest(self) -> float | None:
        """The shortest lead; None where a breach had no page before it, or there was none."""
        known = [lead for lead in self.leads if lead is not None]
        return min(known) if known and len(known) == len(self.leads) else None

    @property
    def median(self) -> float | None:
        """The lead in the middle, no page counting as 0; None without a breach."""
        return statistics.median(lead or 0.0 for lead in self.leads) if self.leads else None


class Choice(NamedTuple):
    """The set to take, and why, in words; no set where the history has nothing to judge by."""

    name: str | None
    reason: str


def outcome_of(
    candidate: Candidate,
    tracks: Sequence[Track],
    breaches: Sequence[Breach],
    span: Span,
    times: Alerts,
    wanted: Wanted,
    pace: float,
) -> tuple[Outcome, list[Told]]:
    """Leads the whole history through the pipeline once."""
    hold_minutes = times.resolve_after_s / 60
    bands = []
    for track in tracks:
        pool = track.pool
        name = pool.id.rsplit("/", 1)[1]
        row = row_for(candidate.thresholds, pool.account, pool.desk, pool.model, name, hold_minutes)
        bands.append(bands_of(track, row))
    told = told_by(tracks, bands, times)
    pages = sum(each.is_page(wanted.level) for each in told)
    opened = _opened(told, wanted.level)
    leads = tuple(_lead(breach, opened, pace) for breach in breaches)
    late = sum(lead is None or lead < wanted.lead_minutes for lead in leads)
    days = span.watched_ns * pace / DAY_NS
    idle = sum(not _is_followed(pool, each, breaches) for pool, spans in opened.items() for each in spans)
    a_day = pages / days if days else 0.0
    open_ns = sum(min(end, span.to_ns) - begin for spans in opened.values() for begin, end in spans)
    standing = open_ns / span.watched_ns if span.watched_ns else 0.0
    return Outcome(candidate.name, candidate.thresholds, pages, a_day, idle, leads, late, standing), told


Spans = dict[str, list[tuple[int, int]]]
FOREVER_NS = 2**63 - 1


def _opened(told: Sequence[Told], least: Level) -> Spans:
    """When each pool was paged of at this level or worse, until that was over."""
    found: Spans = {}
    open_: dict[str, int] = {}
    for at_ns, notice in told:
        pool, level = notice.key.pool, notice.incident.level
        if notice.key.condition is not Condition.MARGIN:
            continue
        if level >= least:
            open_.setdefault(pool, at_ns)
        elif pool in open_ and (notice.kind in (Kind.RESOLVED, Kind.EASED)):
            found.setdefault(pool, []).append((open_.pop(pool), at_ns))
    for still, since_ns in open_.items():
        found.setdefault(still, []).append((since_ns, FOREVER_NS))
    return found


def _lead(breach: Breach, opened: Spans, pace: float) -> float | None:
    """From the page to the breach, where the page still stood at it."""
    begun = [begin for begin, end in opened.get(breach.pool, ()) if begin <= breach.at_ns <= end]
    return (breach.at_ns - begun[0]) * pace / MINUTE_NS if begun else None


def _is_followed(pool: str, span: tuple[int, int], breaches: Sequence[Breach]) -> bool:
    return any(breach.pool == pool and span[0] <= breach.at_ns <= span[1] for breach in breaches)


def choose(outcomes: Sequence[Outcome], wanted: Wanted) -> Choice:
    """The knee: of the sets that miss the fewest, those with the fewest pages, give or take a tenth; of them
    the one with the fewest incidents standing open, since what always stands is read by nobody. Then what
    warns earliest, and what is in force before what is not."""
    if not outcomes or not outcomes[0].leads:
        text = "no pool reached liquidation in this time, so nothing could be missed: no set is better by it"
        return Choice(None, text)
    fewest = min(outcome.missed for outcome in outcomes)
    fit = [outcome for outcome in outcomes if outcome.missed == fewest]
    quiet = [each for each in fit if each.pages <= ABOUT * min(other.pages for other in fit)]
    best = min(quiet, key=lambda each: (each.standing, -(each.shortest or 0.0), each.name != IN_FORCE))
    count, lead = len(best.leads), f"{wanted.lead_minutes:g} minutes"
    figures = f"{best.pages} pages, {best.standing:.1f} incidents open on the average"
    about = f"with about the fewest pages this one stands open least ({figures})"
    if fewest == 0:
        text = f"{len(fit)} sets warn {lead} before each of the {count} breaches or earlier; of those"
    else:
        text = f"no set warns {lead} before each of the {count} breaches; of those that miss only {fewest},"
    return Choice(best.name, f"{text} {about}")


class Agreement(NamedTuple):
    """How well the replay at what was in force tells what was told then: a test of the replay itself."""

    told: int  # pages of margins, as they were decided
    found: int  # of them in the replay, at the same level, within five seconds
    more: int  # in the replay only


def agreement(kept: Kept, told: Sequence[Told]) -> Agreement:
    """Compares with the decisions that the history holds."""
    pages = {Kind.RAISED.value, Kind.ESCALATED.value}
    left = [
        (each.at_ns, each.notice.key.pool, int(each.notice.incident.level))
        for each in told
        if each.notice.key.condition is Condition.MARGIN and each.notice.kind.value in pages
    ]
    count = found = 0
    for decision in kept.decisions:
        if decision.condition == Condition.MARGIN.value and decision.kind in pages:
            count += 1
            near = [
                each
                for each in left
                if each[1:] == (decision.pool, decision.level) and abs(each[0] - decision.at_ns) <= SAME_NS
            ]
            if near:
                left.remove(near[0])
                found += 1
    return Agreement(count, found, len(left))
