"""The whole study of a history: what is compared, what came out, and what may be doubted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from monitor.history.reading import Kept
from monitor.tune.candidates import IN_FORCE, NOT_KEPT, Candidate
from monitor.tune.outcome import Agreement, Choice, Outcome, Wanted, agreement, choose, outcome_of
from monitor.tune.tracks import MINUTE_NS, Breach, Span, breaches_of, span_of, tracks_of

HOUR_NS, LEAST_HOURS = 60 * MINUTE_NS, 24
ONE_BREACH_MINUTES = 60  # what goes in and out of liquidation within that is one breach


class Study(NamedTuple):
    """What `margind tune` tells."""

    wanted: Wanted
    span: Span
    pace: float
    pools: int
    evaluations: int
    breaches: tuple[Breach, ...]
    outcomes: tuple[Outcome, ...]  # what was in force first
    choice: Choice
    agreement: Agreement
    doubts: tuple[str, ...]

    def outcome(self, name: str | None) -> Outcome | None:
        """The one of this name."""
        return next((outcome for outcome in self.outcomes if outcome.name == name), None)


def study(kept: Kept, candidates: Sequence[Candidate], wanted: Wanted) -> Study:
    """Judges all sets, and what was in force at the end of the history beside them."""
    tracks, span = tracks_of(kept), span_of(kept)
    settings = kept.settings_at(span.to_ns)
    pace = settings.pace
    breaches = breaches_of(tracks, round(ONE_BREACH_MINUTES * MINUTE_NS / pace))
    compared = [Candidate(IN_FORCE, settings.thresholds), *candidates]
    results = [outcome_of(each, tracks, breaches, span, settings.alerts, wanted, pace) for each in compared]
    outcomes = tuple(outcome for outcome, _ in results)
    return Study(
        wanted,
        span,
        pace,
        len(tracks),
        sum(len(track.rows) for track in tracks),
        tuple(breaches),
        outcomes,
        choose(outcomes, wanted),
        agreement(kept, results[0][1]),
        tuple(_doubts(kept, span)),
    )


def _doubts(kept: Kept, span: Span) -> list[str]:
    """What a reader should know before the figures are believed."""
    doubts = list(kept.damage)
    dropped = sum(batch.dropped for batch in kept.batches)
    if dropped:
        doubts.append(f"{dropped} evaluations were dropped, because the queue of the history was full")
    last, first = kept.settings_at(span.to_ns), kept.settings_at(span.from_ns)
    within = [each for each in kept.settings if span.from_ns < each.since_ns <= span.to_ns]
    if any(each.thresholds != last.thresholds for each in (first, *within)):
        doubts.append("thresholds changed in this time: what is called in force was so at its end")
    if any(getattr(threshold, scale) is not None for threshold in last.thresholds for scale in NOT_KEPT):
        doubts.append("levels in minutes, volatilities or funding are in force too, and are not judged")
    hours = span.watched_ns * last.pace / HOUR_NS
    if hours < LEAST_HOURS:
        doubts.append(f"only {hours:.3g} hours were watched: a day is made of them, and may be like none")
    return doubts
