"""The one door to an exchange through ccxt: only reads pass, no secret comes out, each message is heard."""

from __future__ import annotations

import contextlib
from typing import Any

import ccxt
import pytest

from adapters.ccxt_venue.client import ReadOnlyClient, opened
from adapters.ccxt_venue.errors import MISREAD, judged
from adapters.ccxt_venue.exchanges import ENTRIES
from adapters.ccxt_venue.market_share import MarketShare
from adapters.venue import KeyRefused, RateLimited, UnsupportedMode, VenueUnavailable
from monitor.config import Account
from monitor.domain.identity import account_id
from tests.support.ccxt_golden import Answering, account_of, cases, client_of, gate

pytestmark = pytest.mark.slow

GOLDEN = {case.exchange: case for case in cases()}
WRITES: list[tuple[str, list[Any]]] = [
    ("create_order", ["SYMBOL", "market", "sell", 1]),
    ("cancel_all_orders", ["SYMBOL"]),
    ("close_position", ["SYMBOL"]),
    ("set_leverage", [3, "SYMBOL"]),
    ("set_margin_mode", ["cross", "SYMBOL"]),
    ("transfer", ["USDT", 1, "swap", "spot"]),
    ("withdraw", ["USDT", 1, "0x" + "34" * 20]),
]


@pytest.mark.parametrize("exchange", ENTRIES)
async def test_nothing_but_reads_leaves_the_process(exchange: str) -> None:
    """Whatever ccxt offers to write with, called behind our back: no request of it reaches the network."""
    case = GOLDEN[exchange]
    client = await client_of(exchange, case.answers, case.markets)
    network = Answering({"": {}})
    client._send = network.fetch
    symbol = case.markets[0]["symbol"]
    for method, arguments in WRITES:
        given = [symbol if word == "SYMBOL" else word for word in arguments]
        with contextlib.suppress(UnsupportedMode, ccxt.BaseError, *MISREAD):  # whatever stops it
            await getattr(client._exchange, method)(*given)
    await client.close()
    for verb, path in network.asked:
        assert verb == "GET" or path in ENTRIES[exchange].posts, f"{verb} {path}"


async def test_a_write_is_refused_by_name() -> None:
    """At the door, before anything is sent, in words that say what was tried."""
    case = GOLDEN["binanceusdm"]
    client = await client_of("binanceusdm", case.answers, case.markets)
    network = Answering({})
    client._send = network.fetch
    with pytest.raises(UnsupportedMode, match="POST /fapi/v1/order is not among what margind reads with"):
        await client.raw("fapiPrivatePostOrder")
    await client.close()
    assert network.asked == []


def test_the_client_has_no_way_to_write() -> None:
    """Its own methods read, watch, or close."""
    public = {name for name in vars(ReadOnlyClient) if not name.startswith("_")}
    assert public == {
        "has", "markets", "load_markets", "take_markets", "definitions", "balance", "positions", "raw",
        "watch", "fetch_prices", "close", "has_stream", "address",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ccxt.AuthenticationError, KeyRefused),
        (ccxt.PermissionDenied, KeyRefused),
        (ccxt.AccountSuspended, KeyRefused),
        (ccxt.RateLimitExceeded, RateLimited),
        (ccxt.DDoSProtection, RateLimited),
        (ccxt.NotSupported, UnsupportedMode),
        (ccxt.RequestTimeout, VenueUnavailable),
        (ccxt.OnMaintenance, VenueUnavailable),
        (ccxt.InvalidNonce, VenueUnavailable),
        (ccxt.ExchangeError, VenueUnavailable),
        (ccxt.BadResponse, VenueUnavailable),
        (KeyError, VenueUnavailable),
        (TypeError, VenueUnavailable),
        (RuntimeError, VenueUnavailable),
    ],
)
async def test_each_error_of_ccxt_is_one_of_ours(error: type[Exception], kind: type[Exception]) -> None:
    """With the class of ccxt's error in it, and nothing of its words: they hold signed addresses."""
    case = GOLDEN["okx"]
    client = await client_of("okx", case.answers, case.markets)

    async def fails(*_: object) -> Any:
        raise error("https://host/path?signature=abc&apiKey=key")

    client._exchange.fetch_balance = fails
    with pytest.raises(kind) as raised:
        await client.balance({})
    await client.close()
    assert type(raised.value) is kind
    assert "signature" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
    assert error.__name__ in str(raised.value) or kind is UnsupportedMode
    assert type(judged("v", "w", error("x"))) is kind


async def test_a_rate_limit_closes_the_gate_for_all_accounts() -> None:
    """The next call of anybody at this address is not sent."""
    case = GOLDEN["okx"]
    client = await client_of("okx", {"": {"raises": "RateLimitExceeded"}}, case.markets)
    with pytest.raises(RateLimited):
        await client.balance({})
    network = Answering(case.answers)
    client._send = network.fetch
    with pytest.raises(RateLimited, match="no calls for another 30 s"):
        await client.balance({})
    await client.close()
    assert network.asked == []


async def test_every_message_is_heard_once_though_nobody_waits() -> None:
    """The tap lies where ccxt's connection hands a message over: none is lost between two returns of a watch,
    nor behind one that ccxt can't read."""
    case = GOLDEN["okx"]
    client = await client_of("okx", case.answers, case.markets)
    heard: list[int] = []
    client.heard = lambda: heard.append(client.messages)
    connection = client._exchange.client("wss://127.0.0.1:9/private")
    for number in range(295):
        row = {
            "arg": {"channel": "positions", "instType": "ANY"},
            "data": [{"pos": str(number), "instId": 5}],
        }
        connection.on_message_callback(connection, row if number % 7 else {"event": 5, "arg": []})
    await client.close()
    assert heard == list(range(1, 296))


async def test_a_connection_that_ends_while_nobody_waits_is_told_once() -> None:
    """ccxt itself opens another one without a word."""
    case = GOLDEN["okx"]
    client = await client_of("okx", case.answers, case.markets)
    told: list[str] = []
    client.broken = told.append
    never = client._exchange.client("wss://127.0.0.1:9/never-open")
    never.on_close_callback(never, 1006)
    connection = client._exchange.client("wss://127.0.0.1:9/private")
    connection.isConnected = True
    connection.on_close_callback(connection, 1006)
    connection.on_close_callback(connection, 1006)
    await client.close()
    assert told == ["ccxt:okx: stream closed"]


async def test_what_an_exchange_wants_and_the_config_lacks_is_named() -> None:
    """A missing passphrase is told by the key of the config, before anything is sent."""
    account = Account("alpha", "ccxt:okx", "majors", credentials=account_of("okx").credentials)
    assert account.credentials is not None
    bare = Account("alpha", "ccxt:okx", "majors", credentials=type(account.credentials)(
        account.credentials.key, account.credentials.secret
    ))  # fmt: skip
    with pytest.raises(KeyRefused, match=r"ccxt:okx wants credentials\.passphrase_file"):
        await opened("okx", bare, ENTRIES["okx"], gate())


async def test_every_address_of_the_exchange_is_the_accounts_own() -> None:
    """With endpoints a key goes nowhere else: no host of ccxt's is left, REST or websocket."""
    for exchange, entry in ENTRIES.items():
        account = account_of(exchange)
        endpoints = {"rest": "http://127.0.0.1:1", "ws": "ws://127.0.0.1:2"}
        mine = Account(
            "alpha",
            account.venue,
            "majors",
            "loopback",
            account.credentials,
            account.address,
            endpoints=endpoints,
        )
        client = await opened(exchange, mine, entry, gate())
        hosts = set(_texts(client._exchange.urls["api"]))
        await client.close()
        assert all(host.startswith(("http://127.0.0.1:1", "ws://127.0.0.1:2")) for host in hosts), exchange


def _texts(tree: Any) -> list[str]:
    if isinstance(tree, dict):
        return [text for value in tree.values() for text in _texts(value)]
    return [tree] if isinstance(tree, str) else []


async def test_markets_are_read_once_for_all_accounts_of_an_exchange() -> None:
    """The second client is given what the first has read, and nothing is asked for it."""
    case = GOLDEN["okx"]
    first, second = [await client_of("okx", case.answers, markets) for markets in (case.markets, [])]
    network = Answering({})
    second._send = network.fetch
    share = MarketShare()
    await share.load(first)
    await share.load(second)
    assert set(second.markets()) == set(first.markets()) == {market["symbol"] for market in case.markets}
    assert network.asked == []
    with share.member(account_id("ccxt:okx", "a")), share.member(account_id("ccxt:okx", "b")):
        assert share.members == 2
    assert share.members == 0
    await first.close()
    await second.close()
