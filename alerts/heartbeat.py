"""A sign of life to a watcher outside, which pages when it stays away: the last word when this machine, its
network or every receiver is gone.

It is sent only while the alerts do their work: the book was evaluated and decisions were made just now, and
what was to be told got out. Else it is withheld, and outside somebody is woken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

import aiohttp
import msgspec
import structlog

from alerts.notify.answers import ATTEMPT_S, outcome_of, outcome_of_failure
from alerts.notify.destination import checked_url, open_session
from alerts.notify.notifier import Delivered, Outcome, Rejected, Retry
from alerts.wording import utc
from monitor.clock import Clock
from monitor.config import Heartbeat as HeartbeatConfig
from monitor.names import Metrics

log = structlog.get_logger()
SECOND_NS = 1_000_000_000
FRESH_S = 5.0  # what is older was not done just now
LONGEST_PENDING_S = 60.0  # a message that nobody has for so long
TRIES = 3  # beats that fail one after the other before it is paged


class Vitals(NamedTuple):
    """How the daemon fares. Times are monotonic but `as_of_ns`; 0 for never."""

    evaluated_ns: int  # the newest turn of the book
    decided_ns: int  # the newest look at what is to be told
    as_of_ns: int  # wall clock of that turn
    oldest_pending_s: float  # age of the oldest message that nobody has


class Heartbeat:
    """`run` as a task. `trouble` says what is to be paged of it, "" for nothing."""

    def __init__(
        self, config: HeartbeatConfig, clock: Clock, metrics: Metrics, vitals: Callable[[], Vitals]
    ) -> None:
        assert config.url is not None
        self._url = checked_url(config.url.reveal(), allow_private=config.allow_private_destinations)
        self._allow_private = config.allow_private_destinations
        self._every_s = config.every_s
        self._clock = clock
        self._metrics = metrics
        self._vitals = vitals
        self._failed = 0
        self.trouble = ""

    async def run(self) -> None:
        """A beat each so many seconds, for ever."""
        async with open_session(allow_private=self._allow_private) as session:
            while True:
                await self.beat(session)
                await asyncio.sleep(self._every_s)

    async def beat(self, session: aiohttp.ClientSession) -> None:
        """One beat, or none where the daemon does not do its work."""
        vitals = self._vitals()
        why = ailment(vitals, self._clock.monotonic_ns())
        if why:
            self._metrics.heartbeat.labels("withheld").inc()
            log.error("heartbeat_withheld", why=why)
            return
        outcome = await self._send(session, vitals)
        self._metrics.heartbeat.labels(type(outcome).__name__.lower()).inc()
        if isinstance(outcome, Delivered):
            self._metrics.heartbeat_last_success.set(self._clock.wall_ns() / 1e9)
            self._failed, self.trouble = 0, ""
            return
        self._failed += 1
        log.warning("heartbeat_failed", reason=outcome.reason, times=self._failed)
        if self._failed >= TRIES:
            self.trouble = f"{self._failed} heartbeats in a row were not taken: {outcome.reason}"

    async def _send(self, session: aiohttp.ClientSession, vitals: Vitals) -> Outcome:
        body = msgspec.json.encode({"as_of": utc(vitals.as_of_ns)})
        headers = {"content-type": "application/json", "user-agent": "margind"}
        try:
            async with (
                asyncio.timeout(ATTEMPT_S),
                session.post(self._url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                return outcome_of(answer.status, None)
        except TimeoutError:
            return Retry(f"no answer within {ATTEMPT_S:g} s")
        except (aiohttp.ClientError, OSError) as error:
            return outcome_of_failure(error)
        except ValueError:  # a name that can't be looked up: no reason to end the alerts
            return Rejected("the URL can't be used")


def ailment(vitals: Vitals, now_ns: int) -> str:
    """Why the daemon may not call itself alive, "" when it may."""
    for what, at_ns in (("evaluated", vitals.evaluated_ns), ("decided", vitals.decided_ns)):
        if at_ns == 0:
            return f"nothing was {what} yet"
        age_s = (now_ns - at_ns) / SECOND_NS
        if age_s > FRESH_S:
            return f"nothing was {what} for {age_s:.0f} s"
    if vitals.oldest_pending_s > LONGEST_PENDING_S:
        return f"a message has not got out for {vitals.oldest_pending_s:.0f} s"
    return ""
