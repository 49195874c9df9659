"""What the last run left behind in the ledger, in the words of the alerts."""

from __future__ import annotations

import time
from typing import NamedTuple

import msgspec

from alerts.alert import Ack, AlertKey, Incident
from alerts.ledger_rows import (
    Contents,
    Remembered,
    Unsettled,
    acks_of,
    incidents_of,
    named_of,
    remembered_of,
    silences_of,
    unsettled_of,
)
from alerts.silences import Silence
from monitor.domain.identity import PoolId


class Restored(NamedTuple):
    """What the last run left behind."""

    incidents: tuple[Incident, ...]  # that are open
    numbers: dict[AlertKey, int]  # of the newest incident of each key
    first_number: int  # for a key that is not among them
    unsettled: tuple[Unsettled, ...]
    damage: tuple[str, ...]  # in words, for a page
    acks: tuple[Ack, ...] = ()
    silences: tuple[Silence, ...] = ()
    remembered: tuple[Remembered, ...] = ()  # by receivers
    named: dict[AlertKey, tuple[PoolId, ...]] = {}  # noqa: RUF012  by the newest notice of each venue


def restored_from(contents: Contents, lost: int, damage: tuple[str, ...]) -> Restored:
    """After damage numbers go on where none can have been, so that no new page has the id of an old one."""
    known = [(_past(incident, lost), is_open) for incident, is_open in incidents_of(contents)]
    return Restored(
        incidents=tuple(incident for incident, is_open in known if is_open),
        numbers={incident.key: incident.number + lost for incident, _ in known},
        first_number=time.time_ns() // 1_000_000_000 if damage else 1,
        unsettled=tuple(unsettled_of(contents)),
        damage=damage,
        acks=tuple(acks_of(contents)),
        silences=tuple(silences_of(contents)),
        remembered=tuple(remembered_of(contents)),
        named=named_of(contents),
    )


def _past(incident: Incident, lost: int) -> Incident:
    return msgspec.structs.replace(incident, occasion=incident.occasion + lost)
