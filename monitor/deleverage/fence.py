"""The right to act: a lease in Redis with an epoch that rises whenever it changes hands. A lone daemon takes
it too, because it can't know that it is alone. No Redis, no right.

Who held an older epoch and wakes up again is refused by whoever takes its request. The epoch never falls
below the highest that our own audit log has seen, also where Redis has lost its data.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

from alerts.failpoints import reach
from monitor.clock import Clock
from monitor.sinks.store_link import STORE_ERRORS, StoreLink, error_kind

COMMAND_S = 1.0
# Keys: fence, holder. Arguments: who asks, its lease in ms, the highest epoch it knows. Answers the epoch and
# whether it is new, or
# {-1, 0} where somebody else holds it. A holder whose epoch is not that of the fence holds nothing.
TAKE = """
local epoch = tonumber(redis.call('GET', KEYS[1]) or '0')
local holder = redis.call('GET', KEYS[2])
local mine = ARGV[1] .. ':' .. string.format('%.0f', epoch)
if holder == mine and epoch >= tonumber(ARGV[3]) then
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
  return {epoch, 0}
end
if holder and holder ~= mine then return {-1, 0} end
epoch = math.max(epoch, tonumber(ARGV[3])) + 1
redis.call('SET', KEYS[1], string.format('%.0f', epoch))
redis.call('SET', KEYS[2], ARGV[1] .. ':' .. string.format('%.0f', epoch), 'PX', ARGV[2])
return {epoch, 1}
"""
LEAVE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class Held(NamedTuple):
    """What Redis said a moment ago."""

    epoch: int | None
    trouble: str = ""
    is_new: bool = False  # taken just now, and not held before
    is_killed: bool = False  # the flag in Redis


def fence_key(shard: str) -> str:
    """Where the epoch in force stands."""
    return f"margind:{{{shard}}}:deleverage:fence"


def kill_key(shard: str) -> str:
    """What exists while the kill switch is thrown."""
    return f"margind:{{{shard}}}:deleverage:kill"


async def flag_killed(link: StoreLink, shard: str, killed: bool) -> str:
    """Throws the switch in Redis too, or takes it back; answers why not, or "". The link is its own."""
    try:
        await link.open()
        command = ("SET", kill_key(shard), "1") if killed else ("DEL", kill_key(shard))
        await link.ask(*command, deadline_s=COMMAND_S)
    except STORE_ERRORS as error:
        return error_kind(error)
    finally:
        await link.close()
    return ""


class Fence:
    """Asks for the lease and keeps it; `held` is what was said last, while that holds by our own clock."""

    def __init__(self, link: StoreLink, shard: str, lease_s: float, clock: Clock) -> None:
        self._link = link
        self._keys = (fence_key(shard), f"margind:{{{shard}}}:deleverage:holder")
        self._kill_key = kill_key(shard)
        self._lease_s = lease_s
        self._clock = clock
        self._name = secrets.token_hex(8)
        self._last = Held(None, "Redis was not asked yet")
        self._until_ns = 0

    @property
    def held(self) -> Held:
        """What was said last; nothing is held once the lease may have ended."""
        if self._last.epoch is not None and self._clock.monotonic_ns() >= self._until_ns:
            return Held(None, "the lease in Redis was not renewed in time", is_killed=self._last.is_killed)
        return self._last

    async def renew(self, highest: int) -> Held:
        """Takes or keeps the lease; `highest` is the greatest epoch that the audit log has seen. Looks at the
        kill flag in the same breath."""
        asked_ns = self._clock.monotonic_ns()
        try:
            if not self._link.is_open:
                await self._link.open()
            lease_ms = round(1000 * self._lease_s)
            asked = ("EVAL", TAKE, 2, *self._keys, self._name, lease_ms, highest)
            epoch, is_new = await self._link.ask(*asked, deadline_s=COMMAND_S)
            is_killed = bool(await self._link.ask("EXISTS", self._kill_key, deadline_s=COMMAND_S))
        except STORE_ERRORS as error:
            await self._link.close()
            self._last = Held(None, f"Redis does not answer ({error_kind(error)}): no action without it")
            return self._last
        if epoch < 0:
            self._last = Held(None, "another margind holds the right to act", is_killed=is_killed)
        else:
            self._last = Held(int(epoch), "", bool(is_new), is_killed)
            self._until_ns = asked_ns + round(self._lease_s * 1e9)
            reach("lease_kept")
        return self._last

    async def leave(self) -> None:
        """Gives the lease back, so that the next one need not wait for its end."""
        last, self._last = self._last, Held(None, "given back")
        if last.epoch is not None and self._link.is_open:
            try:
                await self._link.ask("EVAL", LEAVE, 1, self._keys[1], f"{self._name}:{last.epoch}")
            except STORE_ERRORS:
                pass  # it ends by itself
        await self._link.close()
