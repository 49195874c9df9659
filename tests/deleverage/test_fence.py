"""The lease with an epoch, against a real server."""

from __future__ import annotations

import pytest
import redis

from monitor.clock import ManualClock
from monitor.deleverage.fence import Fence, fence_key, flag_killed, kill_key
from monitor.sinks.store_link import StoreLink

pytestmark = pytest.mark.integration


def a_fence(url: str, clock: ManualClock, lease_s: float = 5.0) -> Fence:
    """A daemon's fence."""
    return Fence(StoreLink(url), "main", lease_s, clock)


async def test_one_holds_it_and_the_epoch_rises_with_each_change_of_hands(store):
    """The second of two is refused until the first gives it back, and has a higher epoch then."""
    clock = ManualClock()
    first, second = a_fence(store.url, clock), a_fence(store.url, clock)
    assert (await first.renew(0)).epoch == 1
    assert (await first.renew(0)) == first.held
    assert first.held.epoch == 1 and not first.held.is_new
    assert "another margind" in (await second.renew(0)).trouble
    await first.leave()
    assert (await second.renew(0)).epoch == 2
    assert first.held.epoch is None
    await second.leave()


async def test_the_epoch_is_never_below_what_the_audit_log_saw(store):
    """A Redis that lost its data does not bring an old epoch back."""
    clock = ManualClock()
    fence = a_fence(store.url, clock)
    assert (await fence.renew(41)).epoch == 42
    assert (await fence.renew(42)).epoch == 42
    redis.Redis.from_url(store.url).flushall()
    assert (await fence.renew(42)).epoch == 43
    await fence.leave()


async def test_a_lease_ends_by_our_own_clock(store):
    """Nothing is held once the lease may have ended, whatever was said before."""
    clock = ManualClock()
    fence = a_fence(store.url, clock, lease_s=5.0)
    await fence.renew(0)
    clock.advance_s(4.9)
    assert fence.held.epoch == 1
    clock.advance_s(0.2)
    assert fence.held.epoch is None and "in time" in fence.held.trouble
    await fence.leave()


async def test_without_redis_there_is_no_right(tmp_path):
    """A server that is not there is a reason, and no epoch."""
    fence = a_fence(f"unix://{tmp_path}/nobody", ManualClock())
    assert (await fence.renew(0)).epoch is None
    assert "no action without it" in fence.held.trouble
    assert await flag_killed(StoreLink(f"unix://{tmp_path}/nobody"), "main", True) == "connection"


async def test_the_kill_flag_is_seen(store):
    """A flag that anybody sets in Redis is seen at the next renewal, and taken back by us."""
    fence = a_fence(store.url, ManualClock())
    client = redis.Redis.from_url(store.url)
    client.set(kill_key("main"), "1")
    assert (await fence.renew(0)).is_killed
    assert await flag_killed(StoreLink(store.url), "main", False) == ""
    assert not (await fence.renew(0)).is_killed
    assert client.get(fence_key("main")) == b"1"
    await fence.leave()
