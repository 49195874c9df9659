"""What a person commands: arm, disarm, kill, release, confirm; each in the audit log.

What makes it act is refused where the log takes no record. What stops it is done first and written then.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from monitor.clock import Clock
from monitor.deleverage.fence import flag_killed
from monitor.deleverage.guards import asked
from monitor.deleverage.request import DeleverageRequest
from monitor.deleverage.service import Deleveraging
from monitor.deleverage.switch import Armed
from monitor.deleverage.trail import NotWritten
from monitor.sinks.store_link import StoreLink


class CommandRefused(Exception):
    """It is not done; the text says what would be right."""


class Waits(msgspec.Struct, frozen=True):
    """A request that waits for a person."""

    token: str
    pool: str
    usd: float
    reason: str
    left_s: float


class Standing(msgspec.Struct, frozen=True):
    """How it stands."""

    is_on: bool  # any pool is covered
    dry_run: bool
    armed_in_config: bool
    armed_by: str  # "" nobody
    armed_left_s: float
    killed: str  # where the kill switch is thrown; "" nowhere
    redis: str  # why the flag in Redis could not be changed; "" where it was, or was not to be
    fence: int | None
    fence_trouble: str
    audit_trouble: str
    waiting: tuple[Waits, ...]


class Controls:
    """Over the running service."""

    def __init__(
        self, actions: Deleveraging, shard: str, new_link: Callable[[], StoreLink], *, is_on: bool
    ) -> None:
        self._actions, self._shard, self._new_link, self._is_on = actions, shard, new_link, is_on
        self._clock: Clock = actions.known.clock

    async def arm(self, seconds: float, by: str) -> Standing:
        """From now on for so long; raises CommandRefused."""
        config = self._actions.known.config
        if not self._is_on:
            raise CommandRefused("[deleverage] covers no pool: name desks, accounts or pools in the config")
        if config.dry_run or not config.armed:
            raise CommandRefused("the config has to say dry_run = false and armed = true, and be loaded")
        if not 0 < seconds <= config.arm_longest_s:
            raise CommandRefused(f"for more than nothing, and at most {config.arm_longest_s:g} seconds")
        if where := self._actions.killed:
            raise CommandRefused(f"the kill switch is thrown ({where}): margind kill --release")
        try:
            await self._actions.known.trail.append("arm", by, {"seconds": seconds})
        except NotWritten as error:
            raise CommandRefused(str(error)) from None
        self._actions.armed = Armed(by, self._clock.monotonic_ns() + round(seconds * 1e9))
        return self.standing()

    async def disarm(self, by: str) -> Standing:
        """At once; what waits for a person waits no more."""
        self._actions.disarm()
        await self._actions.known.trail.note("disarm", by, {})
        return self.standing()

    async def kill(self, by: str, why: str) -> Standing:
        """The file first, then the flag in Redis, for those who do not see the file."""
        self._actions.disarm()
        try:
            self._actions.known.kill_file.throw(f"{by}: {why}")
        except OSError as error:
            trouble = f"disarmed, but the file can't be written: {error.strerror}"
            raise CommandRefused(trouble) from None
        redis = await flag_killed(self._new_link(), self._shard, True)
        await self._actions.known.trail.note("kill", by, {"why": why, "redis": redis})
        return self.standing(redis)

    async def release(self, by: str) -> Standing:
        """Takes the kill switch back; it stays disarmed. Raises CommandRefused."""
        try:
            await self._actions.known.trail.append("release", by, {})
            self._actions.known.kill_file.release()
        except NotWritten as error:
            raise CommandRefused(str(error)) from None
        except OSError as error:
            raise CommandRefused(f"the file can't be removed: {error.strerror}") from None
        redis = await flag_killed(self._new_link(), self._shard, False)
        return self.standing(redis)

    async def confirm(self, token: str, by: str) -> DeleverageRequest:
        """Says yes to what waits; raises CommandRefused."""
        try:
            found = await self._actions.confirm(token, by)
        except NotWritten as error:
            raise CommandRefused(str(error)) from None
        if found is None:
            raise CommandRefused("nothing waits under that word: it was said already, or a minute has passed")
        past = self._actions.known.history.find(found.id)
        if past is None or past.is_void:
            why = self._actions.known.trail.trouble if past is None else past.void_why
            raise CommandRefused(f"confirmed, and nothing is cut: refused by {why}")
        return found

    def standing(self, redis: str = "") -> Standing:
        """How it stands now."""
        actions, held = self._actions, self._actions.known.fence.held
        now_ns = self._clock.monotonic_ns()
        armed = actions.armed if actions.is_armed else None
        return Standing(
            is_on=self._is_on,
            dry_run=actions.known.config.dry_run,
            armed_in_config=actions.known.config.armed,
            armed_by="" if armed is None else armed.by,
            armed_left_s=0.0 if armed is None else (armed.until_ns - now_ns) / 1e9,
            killed=actions.killed,
            redis=redis,
            fence=held.epoch,
            fence_trouble=held.trouble,
            audit_trouble=actions.known.trail.trouble,
            waiting=tuple(
                Waits(
                    token,
                    waiting.request.pool,
                    asked(waiting.request),
                    waiting.request.reason,
                    (waiting.until_ns - now_ns) / 1e9,
                )
                for token, waiting in actions.waiting.items()
            ),
        )
