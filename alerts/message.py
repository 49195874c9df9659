"""What a desk reads: one headline, some lines, and the same for programs. Pure, and for every channel.

Foreign text (names, details, words of venues) enters through `wording.plain`: one line, no control
characters, bounded. Each function answers for every input, because a page must never fail on its wording.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alerts import phrases, scales, urgency, ways_back
from alerts.alert import OF_THE_DAEMON, Condition, Kind, Level, Notification
from alerts.figures import TOLD_OF_EACH, figures, lists_of
from alerts.wording import NAME_LIMIT, age, money, percent, plain, pool_parts, ratio, utc
from monitor.domain.assessment import MarginAssessment, RiskBand
from monitor.domain.identity import PoolId

SCHEMA = 1
HEADLINE_LIMIT = 400
OTHERS_NAMED = 60


def headline(notification: Notification) -> str:
    """One line: how bad, where, and the one figure that matters."""
    said = _HEADLINES.get(notification.key.condition, _other_headline)(notification)
    return plain(f"{_first_word(notification)} {_subject(notification)}: {said}", HEADLINE_LIMIT)


def _subject(notification: Notification) -> str:
    parts = pool_parts(notification.key.pool)
    if not notification.others:
        return parts.id
    desk = plain(notification.desk, NAME_LIMIT)
    count = len(notification.others) + (notification.key.condition is not Condition.VENUE)
    return f"{count:,} pools of {parts.venue}, desk {desk}"


def _first_word(notification: Notification) -> str:
    level = level_word(notification.level)
    if notification.key.condition is Condition.CANARY:
        return "TEST"
    if notification.kind is Kind.RESOLVED:
        return "RESOLVED"
    if notification.kind is Kind.EASED:
        return f"EASED to {level}"
    if notification.key.condition is Condition.UNKNOWN:
        return f"UNKNOWN ({level})"
    if notification.kind is Kind.UNACKNOWLEDGED:
        return f"NOT ACKNOWLEDGED: {level}"
    return f"STILL {level}" if notification.kind is Kind.REPEATED else level


def level_word(level: Level) -> str:
    """`MARGIN CALL`"""
    return level.label.replace("_", " ").upper()


def _margin_headline(notification: Notification) -> str:
    assessment = notification.assessment
    figure = phrases.ratio_text(assessment)
    if assessment is None or not phrases.is_known(assessment):
        return figure
    if notification.kind is Kind.RESOLVED:
        return f"{figure}, band {assessment.band.label}"
    return f"{figure}, {phrases.move_text(assessment)}"


def _unknown_headline(notification: Notification) -> str:
    assessment = notification.assessment
    if notification.kind is Kind.RESOLVED:
        if assessment is None and notification.others:
            return "known again"
        if assessment is None or not phrases.is_known(assessment):
            return "known again when this was decided"
        return f"known again, band {assessment.band.label}, {phrases.ratio_text(assessment)}"
    detail = plain(notification.detail)
    if notification.others:
        return f"margin not known{f', {detail}' if detail else ''}"
    reasons = "" if phrases.is_known(assessment) else f" ({phrases.reasons_of(assessment)})"
    return f"margin not known{reasons}{f', {detail}' if detail else ''}"


def _venue_fault_headline(notification: Notification) -> str:
    if notification.kind is Kind.RESOLVED:
        return "known again, or told of one by one"
    detail = plain(notification.detail)
    return f"the venue does not answer, margins not known{f', {detail}' if detail else ''}"


def _deficit_headline(notification: Notification) -> str:
    assessment = notification.assessment
    if assessment is None or not phrases.is_known(assessment):
        equity = f"equity not known ({phrases.reasons_of(assessment)})"
    else:
        equity = f"equity {money(assessment.equity, assessment.unit)}"
    if notification.kind is Kind.RESOLVED:
        return f"no deficit any more, {equity}"
    return f"deficit, {equity}, nothing left to liquidate"


def _error_headline(notification: Notification) -> str:
    assessment = notification.assessment
    if notification.kind is Kind.RESOLVED:
        return "our margin agrees with the venue's again"
    return f"our margin and the venue's do not agree{_difference(assessment)}, trust neither"


def _difference(assessment: MarginAssessment | None) -> str:
    if assessment is None or assessment.margin_error is None or not phrases.is_known(assessment):
        return ""
    return f", they differ by {percent(100 * assessment.margin_error, signed=False)}"


def _venue_headline(notification: Notification) -> str:
    assessment = notification.assessment
    ours = phrases.ratio_text(assessment)
    if notification.kind is Kind.RESOLVED:
        return f"the venue's own figure is no longer worse than ours, {ours}"
    theirs = None if assessment is None else assessment.venue_margin_ratio
    if theirs is None or not phrases.is_known(assessment):
        return f"the venue's own figure is worse than ours; {ours}"
    return f"the venue's own figure is worse than ours, {ratio(theirs)} on our scale; our {ours}"


def _rule_headline(notification: Notification) -> str:
    ours = phrases.ratio_text(notification.assessment)
    if notification.kind is Kind.RESOLVED:
        return f"the changed margin rules hold for an hour now, {ours}"
    return f"the venue changed its margin rules, {plain(notification.detail)}; {ours}"


def _ledger_headline(notification: Notification) -> str:
    if notification.kind is Kind.RESOLVED:
        return "what was told is kept on disk again"
    return f"the record of what was told is damaged or not kept, {plain(notification.detail)}"


def _heartbeat_headline(notification: Notification) -> str:
    if notification.kind is Kind.RESOLVED:
        return "the watcher outside hears from us again"
    return f"the watcher outside does not hear from us, {plain(notification.detail)}"


def _deleverage_headline(notification: Notification) -> str:
    if notification.kind is Kind.RESOLVED:
        return "no request to cut positions stands any more"
    return plain(notification.detail)


def _receiver_headline(notification: Notification) -> str:
    if notification.kind is Kind.RESOLVED:
        return "every receiver takes its test again"
    return f"a receiver does not take messages, {plain(notification.detail)}"


def _other_headline(notification: Notification) -> str:
    """A condition without words of its own is told all the same."""
    return f"{notification.key.condition.value.replace('_', ' ')}, {plain(notification.detail)}"


_HEADLINES: dict[Condition, Callable[[Notification], str]] = {
    Condition.MARGIN: _margin_headline,
    Condition.UNKNOWN: _unknown_headline,
    Condition.VENUE: _venue_fault_headline,
    Condition.DEFICIT: _deficit_headline,
    Condition.MARGIN_ERROR: _error_headline,
    Condition.VENUE_WORSE: _venue_headline,
    Condition.RULE_CHANGE: _rule_headline,
    Condition.LEDGER: _ledger_headline,
    Condition.HEARTBEAT: _heartbeat_headline,
    Condition.RECEIVER: _receiver_headline,
    Condition.CANARY: lambda notification: plain(notification.detail),
    Condition.DELEVERAGE: _deleverage_headline,
}


def lines(notification: Notification) -> list[str]:
    """Everything that somebody woken at night needs, one fact a line; the headline is not among them."""
    assessment = notification.assessment
    told = [_state_line(notification), phrases.place_line(notification.key.pool, notification.desk)]
    told += phrases.source_lines(notification.key.pool, assessment)
    told += _other_lines(notification.others)
    if notification.kind is Kind.UNACKNOWLEDGED:
        told.append(f"escalation: nobody has acknowledged it for {age(notification.reached_s)}")
    if notification.detail:
        told.append(f"detail: {plain(notification.detail)}")
    if assessment is None:
        told += _no_figures(notification)
    elif phrases.is_known(assessment):
        told += _figure_lines(assessment)
    else:
        told.append(f"figures: not known ({phrases.reasons_of(assessment)}); the last known are not shown")
        told.append(phrases.age_line(assessment))
    told.append(
        f"told: {utc(notification.created_ns)}, incident {notification.incident:,}, "
        f"notice {notification.occasion:,}, id {plain(notification.id, NAME_LIMIT)}"
    )
    return told


def _no_figures(notification: Notification) -> list[str]:
    if notification.key.condition in OF_THE_DAEMON:
        return []
    if notification.others:
        return ["figures: not told of many pools at once; ask for them with `margind status`"]
    return ["figures: none, the pool was not there to be described"]


def _other_lines(others: tuple[PoolId, ...]) -> list[str]:
    """Every pool by name, as far as a message has room."""
    named = [f"also: {pool_parts(pool).id}" for pool in others[:OTHERS_NAMED]]
    left = len(others) - OTHERS_NAMED
    return [*named, f"also: {left:,} more"] if left > 0 else named


def _state_line(notification: Notification) -> str:
    assessment = notification.assessment
    condition = notification.key.condition.value.replace("_", " ")
    told = f"state: {condition} {notification.kind.value}, level {notification.level.label}"
    if assessment is None and (notification.others or notification.key.condition in OF_THE_DAEMON):
        return told
    band = assessment.band if assessment is not None else RiskBand.UNKNOWN
    return f"{told}, band now {band.label}, {phrases.ratio_text(assessment)}"


def _figure_lines(assessment: MarginAssessment) -> list[str]:
    optional = (phrases.liquidation_line(assessment), phrases.venue_line(assessment))
    liquidation, venue = ([line] if line else [] for line in optional)
    return [
        phrases.distance_line(assessment),
        *liquidation,
        *urgency.time_lines(assessment),
        *scales.scale_lines(assessment),
        *ways_back.rescue_lines(assessment),
        *phrases.contributor_lines(assessment),
        phrases.margin_line(assessment),
        *venue,
        *_error_lines(assessment),
        phrases.age_line(assessment),
    ]


def _error_lines(assessment: MarginAssessment) -> list[str]:
    if assessment.margin_error is None:
        return []
    text = "margin error: ours against the venue's differs by"
    return [f"{text} {percent(100 * assessment.margin_error, signed=False)}"]


def document(notification: Notification) -> dict[str, Any]:
    """The notification for programs: JSON-able, numbers as numbers, null for what is not known.

    `cut` counts what was left out of each list; a channel with a limit of its own may cut more.
    """
    lists = lists_of(notification.assessment)
    return {
        "schema": SCHEMA,
        "id": plain(notification.id, NAME_LIMIT),
        "kind": notification.kind.value,
        "level": notification.level.label,
        "condition": notification.key.condition.value,
        "pool": pool_parts(notification.key.pool)._asdict(),
        "others": [pool_parts(pool).id for pool in notification.others],
        "desk": plain(notification.desk, NAME_LIMIT),
        "incident": notification.incident,
        "occasion": notification.occasion,
        "created": utc(notification.created_ns),
        "headline": headline(notification),
        "detail": plain(notification.detail),
        "lines": lines(notification),
        "assessment": figures(notification.assessment),
        **{name: listed[:TOLD_OF_EACH] for name, listed in lists.items()},
        "cut": {name: max(len(listed) - TOLD_OF_EACH, 0) for name, listed in lists.items()},
    }
