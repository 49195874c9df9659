"""The gauges of what is open, acknowledged and silenced."""

from __future__ import annotations

from alerts.alert import Condition
from alerts.incidents import Incidents
from alerts.silences import Silences
from monitor.names import Metrics


def count(metrics: Metrics, incidents: Incidents, silences: Silences, wall_ns: int) -> None:
    """Sets them to what is so now."""
    for condition in Condition:
        is_open = sum(incident.key.condition is condition for incident in incidents.open)
        metrics.incidents_open.labels(condition.value).set(is_open)
    acks = (incidents.ack(incident.key) for incident in incidents.open)
    metrics.incidents_acknowledged.set(sum(ack is not None for ack in acks))
    metrics.silences.set(len(silences.lasting(wall_ns)))
