"""From Bybit's bytes to a band: through source, codec and book, against arithmetic by hand."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.bybit.rest import BybitSource
from adapters.bybit.spec import SPEC
from adapters.venue import BadFrame, Ignored
from monitor.domain.assessment import RiskBand
from monitor.domain.event import AccountSnapshot, Event, Instruments
from monitor.domain.identity import AccountId, pool_id
from tests.support.books import Desk
from tests.support.bybit_answers import TIME_MS, coin, ok, page, position, replies, wallet
from tests.support.frames import events_of, golden
from tests.support.mangling import mangled
from tests.support.venue_server import Given, VenueServer, account_at, serving

ACCOUNT = AccountId("bybit/desk")
NOW_NS = TIME_MS * 1_000_000
GOLDEN = [frame for frame in golden("bybit") if frame["stream"] in ("private", "isolated")]


@pytest.fixture
async def source() -> AsyncIterator[tuple[BybitSource, VenueServer]]:
    """A venue with one account, and the account's REST side."""
    server = VenueServer(lambda request, _: request.path)
    server.replies = replies()
    async with serving(server):
        given_ = Given()
        made = SPEC.source(account_at("bybit", server.url), given_.clock, given_.metrics, given_.gate)
        (await made._rest._made()).enableRateLimit = False
        yield made, server
        await made.close()


def at_once(event: Any) -> Any:
    """The event as received at the venue's own time, so that ages are those of the test."""
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    if "prices" in fields:
        fields["prices"] = tuple(at_once(price) for price in fields["prices"])
    return type(event)(**{**fields, "received_ns": NOW_NS})


def ticker(symbol: str, mark: str, index: str, later_ms: int = 0) -> list[Event]:
    """The events of a whole ticker."""
    data = {"symbol": symbol, "markPrice": mark, "indexPrice": index, "fundingRate": "0.0001"}
    message = {"topic": f"tickers.{symbol}", "type": "snapshot", "data": data, "ts": TIME_MS + later_ms}
    linear, _ = SPEC.public_streams(account_at("bybit", "http://127.0.0.1:1"), [f"bybit:{symbol}"])  # type: ignore[list-item]
    return events_of(linear.codec.decode(json.dumps(message), NOW_NS + later_ms * 1_000_000))


def figures(desk: Desk, pool: str) -> Any:
    """What the sweep wrote of a pool."""
    return desk.book.assessor.figures[desk.book.placing.pools[pool_id(ACCOUNT, pool)].row]


async def a_desk(source: BybitSource) -> Desk:
    """A book that has heard definitions and a snapshot."""
    desk = Desk(accounts=(ACCOUNT,))
    desk.tell(at_once(await source.instruments()), at_once(await source.snapshot(confirm=True)))
    return desk


async def test_a_cross_account_is_weighed_in_dollars(source: tuple[BybitSource, VenueServer]) -> None:
    """Equity, margins and band of a small account equal what a hand computes from the same answers."""
    desk = await a_desk(source[0])
    desk.tell(*ticker("BTCUSDT", "64010.5", "64020"))
    desk.turn(NOW_NS / 1e9)
    usdt, btc, value = 9990.479 / 10010.5, 64000.0, 64010.5
    fee = 64000.0 * (1 - 1 / 10) * 0.0004  # at the bankruptcy price, which comes from the entry
    owned = (0.5 - 0.2001) * btc * 0.95
    seen = figures(desk, "unified")
    assert seen.equity == pytest.approx((10000 + 10.5) * usdt + owned, rel=1e-12)
    assert seen.initial_margin == pytest.approx((value / 10 + fee) * usdt, rel=1e-12)
    assert seen.maintenance_margin == pytest.approx((value * 0.005 + fee) * usdt, rel=1e-12)
    assert RiskBand(int(seen.band)) is RiskBand.CLEAR


async def test_an_isolated_leg_dies_where_the_venue_says(source: tuple[BybitSource, VenueServer]) -> None:
    """Liquidation of an isolated long is entry - (initial - maintenance) / size, to the dollar."""
    made, server = source
    server.replies["/v5/account/info"] = ok({"marginMode": "ISOLATED_MARGIN", "unifiedMarginStatus": 5})
    margin = 6400 + 64000 * 0.9 * 0.0004
    held = page(position("BTCUSDT", "Buy", "1", positionBalance=str(margin)))
    server.replies["/v5/position/list"] = lambda asked: held if asked.get("settleCoin") == "USDT" else page()
    desk = await a_desk(made)
    dies_at = 64000 - (6400 - 320)
    for later_ms, mark, band in (
        (0, dies_at + 1, RiskBand.CRITICAL),
        (100, dies_at - 1, RiskBand.LIQUIDATION),
    ):
        desk.tell(*ticker("BTCUSDT", f"{mark}", f"{mark}", later_ms))
        desk.turn((NOW_NS + later_ms * 1_000_000) / 1e9)
        assert RiskBand(int(figures(desk, "isolated-BTCUSDT").band)) is band
    assert RiskBand(int(figures(desk, "wallet-USDT").band)) is RiskBand.CLEAR


async def test_an_empty_account_is_clear(source: tuple[BybitSource, VenueServer]) -> None:
    """No money, debt or position, and a second endpoint that says so: nothing in danger, nothing unknown."""
    made, server = source
    server.replies["/v5/account/wallet-balance"] = wallet(coin("BTC", "0", "0", "0"))
    server.replies["/v5/position/list"] = page()
    server.replies["/v5/asset/transfer/query-account-coins-balance"] = ok({"balance": []})
    desk = await a_desk(made)
    desk.turn(NOW_NS / 1e9)
    assert RiskBand(int(figures(desk, "unified").band)) is RiskBand.CLEAR


@pytest.mark.slow
async def test_no_mangled_frame_breaks_the_book(source: tuple[BybitSource, VenueServer]) -> None:
    """What the codec lets through of spoilt frames the book takes in, and it speaks afterwards."""
    made, _ = source
    definitions, first = at_once(await made.instruments()), at_once(await made.snapshot())
    assert isinstance(definitions, Instruments)
    assert isinstance(first, AccountSnapshot)
    codec = (await made.private_stream()).codec
    desk = Desk(accounts=(ACCOUNT,))

    @settings(max_examples=300, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.sampled_from(GOLDEN).flatmap(lambda frame: mangled(frame["frame"])), max_size=4))
    def check(frames: list[bytes]) -> None:
        desk.tell(definitions, first)
        for number, frame in enumerate(frames):
            decoded = codec.decode(frame, NOW_NS + number)
            if not isinstance(decoded, Ignored | BadFrame):
                desk.tell(*decoded)
        assert desk.turn(NOW_NS / 1e9 + 1).view.pools

    check()
