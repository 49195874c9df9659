from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from aiohttp import web

from adapters.bybit.rest import BybitSource
from adapters.bybit.spec import SPEC
from adapters.venue import KeyRefused, RateLimited
from monitor.clock import ManualClock
from tests.support.bybit_answers import (
    fault,
    ok,
)
from tests.support.venue_server import KEY, SECRET_TEXT, Given, VenueServer, account_at

pytestmark = pytest.mark.integration


async def test_a_key_that_may_trade_is_refused_by_its_scopes(
    server: VenueServer, source: BybitSource
) -> None:
    """readOnly 0 is refused, and the text names what the key may do but not the key."""
    rights = {"ContractTrade": ["Order", "Position"], "Wallet": ["Withdraw"], "Options": [], "NFT": None}
    server.replies["/v5/user/query-api"] = ok({"readOnly": 0, "permissions": rights, "apiKey": KEY})
    with pytest.raises(KeyRefused) as refused:
        await source.check_key()
    assert "ContractTrade (Order, Position); Wallet (Withdraw)" in str(refused.value)
    assert KEY not in str(refused.value)


async def test_a_read_only_key_is_taken(source: BybitSource) -> None:
    """readOnly 1 is what we ask for, whatever else the key lists."""
    await source.check_key()


@pytest.mark.parametrize("code", [10003, 10004, 10005, 10007, 10010, 33004])
async def test_a_key_that_the_venue_refuses_is_refused(
    server: VenueServer, source: BybitSource, code: int
) -> None:
    """Unknown, expired or foreign keys are told apart from a venue that is down, without a secret."""
    server.replies["/v5/account/info"] = fault(code, f"{KEY} {SECRET_TEXT}")
    with pytest.raises(KeyRefused, match=str(code)) as refused:
        await source.snapshot()
    assert KEY not in str(refused.value)
    assert SECRET_TEXT not in str(refused.value)


@pytest.mark.parametrize(
    ("reply", "pause_s"),
    [
        (fault(10006), 5.0),
        (fault(10018), 600.0),
        (web.Response(status=403, text="access too frequent"), 600.0),
        (web.Response(status=429, headers={"Retry-After": "7"}, text="slow down"), 7.0),
    ],
    ids=["10006", "10018", "403", "429"],
)
async def test_a_rate_limit_stops_every_call(
    server: VenueServer, source: BybitSource, given: Given, reply: Any, pause_s: float
) -> None:
    """After a limit nothing is sent to the venue by any account until the pause is over."""
    server.replies["/v5/account/info"] = lambda _: reply
    with pytest.raises(RateLimited) as limited:
        await source.snapshot()
    assert pause_s <= limited.value.retry_after_s <= pause_s + 1
    asked = len(server.asked)
    with pytest.raises(RateLimited):
        await source.snapshot()
    other = SPEC.source(account_at("bybit", server.url), given.clock, given.metrics, given.gate)
    with pytest.raises(RateLimited):
        await other.snapshot()
    await other.close()
    assert len(server.asked) == asked


async def test_a_wrong_clock_is_corrected_by_the_venues(server: VenueServer) -> None:
    """A refused timestamp makes us ask for the time, and the next request is right."""
    given = Given(manual=True)
    clock = given.clock
    assert isinstance(clock, ManualClock)
    skew_ms = 25_000
    stamps: list[int] = []
    server.replies["/v5/market/time"] = lambda _: ok({}, clock.wall_ns() // 1_000_000 + skew_ms)

    def checked(_: dict[str, Any]) -> Any:
        stamps.append(int(server.headers[-1]["X-BAPI-TIMESTAMP"]))
        is_right = abs(stamps[-1] - clock.wall_ns() // 1_000_000 - skew_ms) < 1_000
        return ok({"marginMode": "REGULAR_MARGIN", "unifiedMarginStatus": 5}) if is_right else fault(10002)

    server.replies["/v5/account/info"] = checked
    source = SPEC.source(account_at("bybit", server.url), clock, given.metrics, given.gate)
    await source.snapshot()
    await source.close()
    assert len(stamps) == 2
    assert given.metrics.clock_offset.labels("bybit")._value.get() == pytest.approx(25.0)


async def test_the_private_stream_signs_in_for_each_connection(source: BybitSource) -> None:
    """The signature is that of GET/realtime and its expiry, and the address of the stream holds no secret."""
    stream = await source.private_stream()
    auth, subscribe = (json.loads(frame) for frame in stream.subscribe)
    key, expires_ms, signature = auth["args"]
    expected = hmac.new(SECRET_TEXT.encode(), f"GET/realtime{expires_ms}".encode(), hashlib.sha256)
    assert (auth["op"], key, signature) == ("auth", KEY, expected.hexdigest())
    assert subscribe == {"op": "subscribe", "args": ["wallet", "position"]}
    assert stream.url.endswith("/v5/private")
    assert (stream.heartbeat, stream.heartbeat_every_s) == ('{"op":"ping"}', 20.0)
