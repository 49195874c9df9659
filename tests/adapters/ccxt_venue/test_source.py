"""What may be believed to be gone, and that no pool or position hides another."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from adapters.ccxt_venue import source as source_module
from adapters.ccxt_venue.client import ReadOnlyClient
from adapters.ccxt_venue.exchanges import ENTRIES
from adapters.ccxt_venue.source import CcxtSource
from monitor.clock import ManualClock
from monitor.domain.identity import account_id
from tests.support.ccxt_golden import Answering, cases, client_of

pytestmark = pytest.mark.slow

CASE = next(case for case in cases() if case.exchange == "binanceusdm")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second reading follows the first without a pause."""
    monkeypatch.setattr(source_module, "CONFIRM_AFTER_S", 0.0)


async def reader(exchange: str = "binanceusdm") -> tuple[ReadOnlyClient, CcxtSource]:
    """A source whose answers are set by `answer`."""
    case = next(case for case in cases() if case.exchange == exchange)
    client = await client_of(exchange, case.answers, case.markets)
    return client, CcxtSource(account_id(client.venue, "alpha"), client, ENTRIES[exchange], ManualClock())


def answer(client: ReadOnlyClient, *, money: bool = True, positions: bool = True) -> None:
    """What the exchange says from now on."""
    answers: dict[str, Any] = copy.deepcopy(CASE.answers)
    if not money:
        answers["/fapi/v3/account"]["assets"] = []
    answers["positionRisk"] = answers["positionRisk"][:1] if positions else []  # the cross one
    client._send = Answering(answers).fetch


@pytest.mark.parametrize(
    ("money", "positions", "confirmed"),
    [(True, True, True), (True, False, True), (False, True, False), (False, False, True)],
)
async def test_two_endpoints_have_to_agree_on_what_is_gone(
    money: bool, positions: bool, confirmed: bool
) -> None:
    """A position without money is a lie of one of them; both gone, or money left over, may be true."""
    client, source = await reader()
    answer(client, money=money, positions=positions)
    snapshot = await source.snapshot(confirm=True)
    await client.close()
    assert snapshot.confirmed is confirmed


async def test_a_requirement_without_a_position_is_no_agreement() -> None:
    """Told by Hyperliquid's one endpoint and denied by its other."""
    client, source = await reader("hyperliquid")
    case = next(case for case in cases() if case.exchange == "hyperliquid")
    state = copy.deepcopy(case.answers["/info clearinghouseState"])
    state["assetPositions"] = []
    client._send = Answering(case.answers | {"/info clearinghouseState": state}).fetch
    snapshot = await source.snapshot(confirm=True)
    await client.close()
    assert (snapshot.positions, snapshot.confirmed) == ((), False)


@pytest.mark.parametrize(("page_is_empty", "confirmed"), [(True, True), (False, False)])
async def test_where_a_stream_speaks_anyway_another_endpoint_is_asked(
    page_is_empty: bool, confirmed: bool
) -> None:
    """Hyperliquid: gone is only what its own page does not show either."""
    client, source = await reader("hyperliquid")
    case = next(case for case in cases() if case.exchange == "hyperliquid")
    full = case.answers["/info clearinghouseState"]
    empty = copy.deepcopy(full) | {"assetPositions": [], "crossMaintenanceMarginUsed": "0.0"}
    empty["crossMarginSummary"] = full["crossMarginSummary"] | {"accountValue": "0.0"}
    page = {"/info webData2": {"clearinghouseState": empty if page_is_empty else full}}
    client._send = Answering(case.answers | {"/info clearinghouseState": empty} | page).fetch
    snapshot = await source.snapshot(confirm=True)
    await client.close()
    assert snapshot.confirmed is confirmed


async def test_the_stream_vouches_only_if_it_spoke_since() -> None:
    """An open stream that said nothing since the money was there speaks against its vanishing; where none is
    open there is nobody to ask."""
    client, source = await reader()
    answer(client)
    assert (await source.snapshot()).streamed, "no stream is open"
    connection = client._exchange.client("wss://127.0.0.1:9/private")
    connection.isConnected = True
    connection.on_message_callback(connection, {"e": "unknown"})
    await source.snapshot()
    answer(client, money=False)
    assert not (await source.snapshot()).streamed
    assert not (await source.snapshot()).streamed
    connection.on_message_callback(connection, {"e": "unknown"})
    assert (await source.snapshot()).streamed
    await client.close()


async def test_an_account_without_positions_is_watched_for_its_money_alike() -> None:
    """That there was no position before does not make the stream vouch for the money."""
    client, source = await reader()
    connection = client._exchange.client("wss://127.0.0.1:9/private")
    connection.isConnected = True
    connection.on_message_callback(connection, {"e": "unknown"})
    answer(client, positions=False)
    await source.snapshot()
    answer(client, money=False, positions=False)
    assert not (await source.snapshot()).streamed
    await client.close()


async def test_two_pools_of_one_name_do_not_hide_each_other() -> None:
    """The second gets a number, and both are judged."""
    case = next(case for case in cases() if case.exchange == "okx" and "futures" in case.what)
    client = await client_of("okx", case.answers, case.markets)
    answers = copy.deepcopy(case.answers)
    rows = answers["/api/v5/account/positions"]["data"]
    rows.append(rows[1] | {"ccy": "USDT", "mgnRatio": "1.1"})
    client._send = Answering(answers).fetch
    source = CcxtSource(account_id(client.venue, "alpha"), client, ENTRIES["okx"], ManualClock())
    snapshot = await source.snapshot()
    await client.close()
    names = [pool.pool for pool in snapshot.pools]
    assert len(names) == len(set(names)) == 3
    assert "isolated-ETH-USD-SWAP-long-2" in names
    legs = [(leg.instrument, leg.side) for leg in snapshot.positions]
    assert len(legs) == len(set(legs)) == 3
