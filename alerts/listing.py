"""What is open now, as a person or a program asks for it."""

from __future__ import annotations

import msgspec

from alerts.alert import AlertKey, Level
from alerts.incidents import Incidents
from alerts.silences import Silence, Silences

SCHEMA = 1


class Alert(msgspec.Struct, frozen=True):
    """One condition of one pool: an incident, or what would be one but is held back."""

    pool: str
    condition: str
    desk: str
    level: str
    incident: int | None  # None: not told of, because it is held back
    opened_ns: int | None  # wall clock
    told_ns: int | None
    acknowledged_by: str | None
    acknowledged_ns: int | None
    silenced_by: str | None  # the id of the silence
    held_by: str | None = None  # in words: a silence, quiet hours, something worse of the same pool
    escalated_after_s: float | None = None  # unacknowledged for so long, further receivers were told


class SilenceTold(msgspec.Struct, frozen=True):
    """A silence that lasts."""

    id: str
    matchers: tuple[str, ...]
    author: str
    reason: str
    starts_ns: int
    ends_ns: int


class SilenceAnswer(msgspec.Struct, frozen=True):
    """The silence that has begun, and whether it hides what is critical too."""

    silence: Silence
    hides_critical: bool


class Listing(msgspec.Struct, frozen=True):
    """The worst first; silences as they end."""

    schema: int
    alerts: tuple[Alert, ...]
    silences: tuple[SilenceTold, ...]


def listing(incidents: Incidents, silences: Silences, wall_ns: int) -> Listing:
    """Everything that is open or hidden now."""
    hidden = {key: (desk, level, held) for key, desk, level, held in incidents.held(wall_ns)}
    alerts: list[tuple[Level, AlertKey, Alert]] = []
    for incident in incidents.open:
        key, ack = incident.key, incidents.ack(incident.key)
        held = hidden.pop(key, (None, None, None))[2]
        told = Alert(
            key.pool,
            key.condition.value,
            incident.desk,
            incident.level.label,
            incident.number,
            incident.opened_ns,
            incident.told_ns,
            None if ack is None else ack.author,
            None if ack is None else ack.at_ns,
            None if held is None else held.silence,
            None if held is None else held.by,
            incident.reached_s or None,
        )
        alerts.append((incident.level, key, told))
    for key, (desk, level, held) in hidden.items():
        names = (key.pool, key.condition.value, desk, level.label)
        nobody = (None, None, None, None, None)
        alerts.append((level, key, Alert(*names, *nobody, held.silence, held.by)))
    alerts.sort(key=lambda each: (-each[0], each[1].pool, each[1].condition.value))
    return Listing(
        SCHEMA,
        tuple(alert for _, _, alert in alerts),
        tuple(map(_told, silences.lasting(wall_ns))),
    )


def _told(silence: Silence) -> SilenceTold:
    matchers = tuple(map(str, silence.matchers))
    times = (silence.starts_ns, silence.ends_ns)
    return SilenceTold(silence.id, matchers, silence.author, silence.reason, *times)
