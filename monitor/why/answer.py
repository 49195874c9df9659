"""The answer: what was told and what it crossed, or what stands between a pool and a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from alerts.alert import AlertKey, Condition, Incident, Level
from alerts.holding import inhibiting
from alerts.venue_fault import venue_key
from monitor.alerts_command import moment
from monitor.book.settings import LevelRow
from monitor.domain.assessment import Reason, RiskBand
from monitor.domain.identity import PoolId
from monitor.history.records import DEFICIT, MARGIN_ERROR_OPEN, Decision, Pool, Settings
from monitor.thresholds import BESIDE
from monitor.tune.tracks import Track
from monitor.why.files import Asked, Files, Told
from monitor.why.levels import clears, crossed_by, how_far, origin_of, row_of

LAST = 5  # evaluations that are shown


def answer(found: Asked, files: Files, now_ns: int) -> Iterator[str]:
    """In lines."""
    track = files.track(found.pool)
    for told in found.told:
        yield from fired(told, track, files)
    for decision in found.decisions:
        yield from decided(decision, track, files)
    if not found.told and not found.decisions:
        yield from of_pool(found.pool, track, files, now_ns)
    yield from (f"doubt: {damage}" for damage in files.damage)


def fired(told: Told, track: Track | None, files: Files) -> Iterator[str]:
    """Why a notification was told, and to whom."""
    notice = told.notification
    name = f"{notice.key.pool} {notice.key.condition.value}, incident {notice.incident}"
    level = notice.level.label
    yield f"{moment(notice.created_ns)}  {notice.kind.value} to {level}: {name}, notice {notice.occasion}"
    yield f"    id {notice.id}"
    yield from _cause(notice.key, notice.level, notice.created_ns, notice.detail, track, files)
    if not told.deliveries:
        yield "    no receiver: no route takes it"
    for each in told.deliveries:
        why = f": {each.reason}" if each.reason else ""
        words = {"intent": "not delivered yet"}.get(each.state, each.state)
        yield f"    route {each.route + 1}, {each.receiver}: {words}, {each.attempts} attempts{why}"


def decided(decision: Decision, track: Track | None, files: Files) -> Iterator[str]:
    """The same from the history alone: the ledger keeps deliveries for seven days."""
    name = f"{decision.pool} {decision.condition}, incident {decision.incident}"
    level = Level(decision.level)
    yield f"{moment(decision.at_ns)}  {decision.kind} to {level.label}: {name}, notice {decision.occasion}"
    key = AlertKey(PoolId(decision.pool), Condition(decision.condition))
    yield from _cause(key, level, decision.at_ns, decision.detail, track, files)
    yield "    to whom it went is not known any more: the ledger keeps that for seven days"


def _cause(
    key: AlertKey, level: Level, at_ns: int, detail: str, track: Track | None, files: Files
) -> Iterator[str]:
    if detail:
        yield f"    {detail}"
    if track is None or files.kept is None:
        yield "    the history has no evaluation of it"
        return
    settings = files.kept.settings_at(at_ns)
    place = int(np.searchsorted(track.rows["at_ns"], at_ns, side="right")) - 1
    if place < 0:
        yield "    the history begins later"
    elif key.condition is Condition.MARGIN and level > Level.CLEAR:
        yield from _crossing(level, place, track, settings)
    elif key.condition is Condition.UNKNOWN and level > Level.CLEAR:
        yield f"    told {settings.alerts.unknown_after_s:g} s after the fault began (alerts.unknown_after_s)"
        since_ns = int(track.rows["unknown_since_ns"][place])
        if since_ns:
            yield f"    it began at {moment(since_ns)}"
    elif level is Level.CLEAR:
        yield f"    {shown(track, place)}"
        yield f"    over, after it held {settings.alerts.resolve_after_s:g} s (alerts.resolve_after_s)"
    else:
        yield f"    {shown(track, place)}"


def _crossing(level: Level, place: int, track: Track, settings: Settings) -> Iterator[str]:
    """The evaluation that first was so bad, and what of it was."""
    bands = track.rows["band"]
    first = place
    while first > 0 and bands[first - 1] >= level:
        first -= 1
    if bands[first] < level:
        yield f"    better had to hold, and this was the worst meanwhile; at the end {shown(track, place)}"
        return
    row = row_of(track.pool, settings)
    reasons = crossed_by(row, int(level), _ratio(track, first), float(track.distance[first]))
    yield f"    crossed at {moment(int(track.rows['at_ns'][first]))}: {shown(track, first)}"
    for reason in reasons:
        key = "distance" if reason.startswith("distance") else "ratio"
        yield f"    {reason}, {level.label} ({origin_of(track.pool, settings.thresholds, key)})"
    if not reasons:
        yield f"    {_otherwise(int(level), row, settings)}"
    origin = origin_of(track.pool, settings.thresholds, "hysteresis")
    held_s = settings.alerts.resolve_after_s
    yield f"    clears at {clears(row, int(level))}, held for {held_s:g} s (hysteresis: {origin})"


def _otherwise(band: int, row: LevelRow, settings: Settings) -> str:
    """What else a band may come from, where neither figure shows it."""
    if any(getattr(threshold, scale) is not None for threshold in settings.thresholds for scale in BESIDE):
        return "by a level in minutes, volatilities or funding, of which the history keeps no figure"
    if band <= len(row.distance_raise) and row.distance_raise[band - 1] > 0:
        level = 100 * row.distance_raise[band - 1]
        return f"a price {level:g} % away liquidated it then; the distance here is carried between two solves"
    return "by a figure between two that were kept"


def of_pool(pool: str, track: Track | None, files: Files, now_ns: int) -> Iterator[str]:
    """What is open of a pool and why; and what of it is not told, and why not."""
    mine = [incident for key, incident in files.incidents.items() if key.pool == pool]
    for incident in sorted(mine, key=lambda each: -each.level):
        yield from _open(incident, track, files)
    if not mine:
        yield f"{pool}: nothing is open"
    if track is None or files.kept is None:
        yield "    the history has no evaluation of it"
        return
    settings = files.kept.settings_at(int(track.rows["at_ns"][-1]))
    yield from _now(track, settings, now_ns)
    if not _is_gone(track):
        yield from _not_told(track, mine, settings, files, now_ns)


def _open(incident: Incident, track: Track | None, files: Files) -> Iterator[str]:
    newest = [
        told
        for told in files.told
        if (told.notification.key, told.notification.incident) == (incident.key, incident.number)
    ]
    if newest:
        yield from fired(newest[-1], track, files)
    else:
        yield f"{incident.key.pool} {incident.key.condition.value} is open at {incident.level.label}"
    ack = files.acks.get(incident.key)
    if ack is not None and ack.number == incident.number:
        words = f"acknowledged by {ack.author} at {moment(ack.at_ns)}"
        yield f"    {words}: not repeated while it is no worse than {ack.level.label}"


def _now(track: Track, settings: Settings, now_ns: int) -> Iterator[str]:
    """The last evaluations, and how far from the next level the newest is."""
    last = len(track.rows) - 1
    for place in range(max(0, last - LAST + 1), last + 1):
        yield f"    {moment(int(track.rows['at_ns'][place]))}  {shown(track, place)}"
    if _is_gone(track):
        yield f"    gone since {moment(track.ends_ns[-1])}: the venue lists it no more, or under its own name"
        return
    age_s = (now_ns - int(track.rows["at_ns"][last])) / 1e9
    yield f"    the newest is {age_s:,.0f} s old; what changes less than 0.0001 of the ratio is not kept"
    band = int(track.rows["band"][last])
    if band == RiskBand.UNKNOWN:
        yield from _unknown(track, settings)
        return
    far = how_far(track.pool, settings, band, _ratio(track, last), float(track.distance[last]))
    yield from (f"    {line}" for line in far)


def _is_gone(track: Track) -> bool:
    return bool(track.ends_ns) and track.ends_ns[-1] >= int(track.rows["at_ns"][-1])


def _unknown(track: Track, settings: Settings) -> Iterator[str]:
    row = track.rows[-1]
    words = track.details.get(len(track.rows) - 1, "")
    since_ns = int(row["unknown_since_ns"])
    since = f" since {moment(since_ns)}" if since_ns else ""
    reasons = ", ".join(Reason(int(row["reasons"])).labels)
    yield f"    UNKNOWN{since} ({reasons}){': ' if words else ''}{words}: no level can be judged"
    yield f"    that itself is told after {settings.alerts.unknown_after_s:g} s (alerts.unknown_after_s)"


def _not_told(
    track: Track, open_: Sequence[Incident], settings: Settings, files: Files, now_ns: int
) -> Iterator[str]:
    """Conditions that hold now and are not told at that level: what keeps each back."""
    row = track.rows[-1]
    told = {incident.key.condition: incident.level for incident in open_}
    holding = files.holding(settings)
    for condition, level in wanted(int(row["band"]), int(row["venue_band"]), int(row["flags"])).items():
        key = AlertKey(PoolId(track.pool.id), condition)
        if level <= told.get(condition, Level.CLEAR):
            continue
        name = f"    {condition.value} at {level.label}"
        held = holding.why(key, track.pool.desk, level, now_ns)
        worse = inhibiting(key, level, files.incidents)
        if held is not None and held.silence is not None:
            yield f"{name} is held by {_silence(held.silence, files, now_ns)}"
        elif held is not None:
            yield f"{name} is held by {held.by}: every route that takes it is muted"
        elif worse is not None:
            yield f"{name} is inhibited by {worse.value}, which is worse"
        elif condition is Condition.UNKNOWN and (venue := _venue(track.pool, files)):
            yield f"    unknown is inhibited by {venue}: one fault, one alert"
        else:
            yield f"{name} is so, and was not told when this was written"


def wanted(band: int, venue_band: int, flags: int) -> dict[Condition, Level]:
    """How bad each condition was in an evaluation."""
    if band == RiskBand.UNKNOWN:
        return {Condition.UNKNOWN: Level.CRITICAL}
    found = {
        Condition.MARGIN: Level(band),
        Condition.DEFICIT: Level.CRITICAL if flags & DEFICIT else Level.CLEAR,
        Condition.MARGIN_ERROR: Level.WARNING if flags & MARGIN_ERROR_OPEN else Level.CLEAR,
        Condition.VENUE_WORSE: Level(max(0, venue_band)) if venue_band > band else Level.CLEAR,
    }
    return {condition: level for condition, level in found.items() if level}


def _silence(id_: str, files: Files, now_ns: int) -> str:
    silence = next(each for each in files.silences.lasting(now_ns) if each.id == id_)
    matchers = " ".join(map(str, silence.matchers))
    return (
        f"silence {id_} ({matchers}) of {silence.author}, until {moment(silence.ends_ns)}: {silence.reason}"
    )


def _venue(pool: Pool, files: Files) -> str:
    """The alert of its venue that tells of it, if one is open."""
    key = venue_key(PoolId(pool.id), pool.desk)
    newest = [each.notification for each in files.told if each.notification.key == key]
    is_named = bool(newest) and pool.id in newest[-1].others
    return key.pool if key in files.incidents and is_named else ""


def shown(track: Track, place: int) -> str:
    """An evaluation on a line."""
    row = track.rows[place]
    band = RiskBand(int(row["band"]))
    if band is RiskBand.UNKNOWN:
        return f"UNKNOWN ({', '.join(Reason(int(row['reasons'])).labels)})"
    ratio, distance = _ratio(track, place), float(track.distance[place])
    words = "no equity is left" if ratio is None else f"margin ratio {ratio:.4f}"
    away = f", distance {100 * distance:.3g} %" if np.isfinite(distance) else ""
    return f"{band.label}: {words}{away}"


def _ratio(track: Track, place: int) -> float | None:
    row = track.rows[place]
    maintenance, equity = float(row["maintenance"]), float(row["equity"])
    if maintenance <= 0:
        return 0.0
    return maintenance / equity if equity > 0 else None
