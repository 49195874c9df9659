"""What a receiver may use of the rest: its memory, who has an incident, how a pool fared. Best effort all of
it; a receiver without delivers the same words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from alerts.duty import Duty
from alerts.memory import Memory
from alerts.notify.notifier import Notifier
from alerts.trend import Trend
from monitor.clock import Clock
from monitor.config import Config
from monitor.domain.assessment import MarginAssessment
from monitor.domain.identity import PoolId
from monitor.names import Metrics
from monitor.thresholds import row_for

Levels = tuple[float, ...]  # ratios: warning, margin call, critical, liquidation


class Aids(NamedTuple):
    """All of them."""

    memory: Memory
    duty: Callable[[], Duty]
    trend: Trend
    levels: Callable[[MarginAssessment], Levels]
    working: Callable[[PoolId], Sequence[str]]  # every input and step behind the figures of a pool, in lines
    clock: Clock
    metrics: Metrics


@runtime_checkable
class Aided(Notifier, Protocol):
    """A receiver that uses them."""

    def aid(self, aids: Aids) -> None:
        """Takes them, before anything is delivered."""


@runtime_checkable
class Listening(Notifier, Protocol):
    """A receiver with work besides deliveries: what people answer, and what is shown of an incident."""

    async def listen(self) -> None:
        """Works until it is cancelled; a crash is counted, and begun again."""


def levels_from(config: Callable[[], Config]) -> Callable[[MarginAssessment], Levels]:
    """The levels of a pool, by the config of now."""

    def levels(assessment: MarginAssessment) -> Levels:
        account, _, _ = assessment.pool.rpartition("/")
        return row_for(config().thresholds, account, assessment.desk, assessment.model).raise_at

    return levels


def aid(notifiers: Iterable[Notifier], aids: Aids) -> None:
    """Hands them to those who use them."""
    for notifier in notifiers:
        if isinstance(notifier, Aided):
            notifier.aid(aids)
