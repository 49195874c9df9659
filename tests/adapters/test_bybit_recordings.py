"""What real frames become; without the recordings, which lie elsewhere, these tests are skipped."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from adapters.bybit.codec import BybitLinearCodec, BybitSpotCodec
from adapters.bybit.contracts import instruments_of
from adapters.bybit.frames import Answer, Contract, Page, Position, RiskLimit, Wallet
from adapters.bybit.private import BybitPrivateCodec
from adapters.bybit.spec import SPOT_PAIRS
from adapters.bybit.state import Terms, isolated_balance
from adapters.venue import Codec
from monitor.domain.event import AssetPrice, MarkPrice
from monitor.domain.identity import AccountId, instrument_id
from tests.support.bybit_answers import BTC_LIMITS
from tests.support.frames import RECEIVED_NS, Tally, events_of, recorded

LINEAR = "recordings/public/BYBIT/cryptofeed_bybit_2_v3.jsonl.gz"
SPOT = "recordings/public/BYBIT/cryptofeed_bybit_3_v3.jsonl.gz"
FIXTURES = "recordings/public/BYBIT/{}.jsonl.gz"
ACCOUNT = AccountId("bybit/desk")


def tally(codec: Codec, path: Path) -> Tally:
    """Every frame of a recording through one codec."""
    counts = Tally()
    for _, frame in recorded(path):
        counts.add(codec.decode(frame, RECEIVED_NS))
    print(f"{path.name}: {counts}")
    return counts


def raws(folder: Path, pattern: str) -> list[tuple[str, str]]:
    """The raw messages of private recordings, by file name."""
    found = []
    for path in sorted(folder.glob(pattern)):
        document = json.loads(path.read_text(encoding="utf-8"))
        for entry in document if isinstance(document, list) else [document]:
            texts = entry["raw"] if isinstance(entry["raw"], list) else [entry["raw"]]
            found += [(path.name, text) for text in texts]
    return found


def test_a_recorded_linear_connection_is_understood_whole(shared: Path) -> None:
    """Every ticker of a real connection is a mark or confirms one, and nothing is bad."""
    counts = tally(BybitLinearCodec(), shared / LINEAR)
    assert counts.events == {"MarkPrice": 542}
    assert counts.bad == {}
    assert set(counts.ignored) == {"orderbook", "publicTrade", "kline", "subscribe"}


def test_recorded_marks_are_those_of_the_wire(shared: Path) -> None:
    """Marks, index prices and times equal what a plain JSON reader finds in the same frames."""
    codec = BybitLinearCodec()
    for _, frame in recorded(shared / LINEAR):
        message = json.loads(frame)
        if not message.get("topic", "").startswith("tickers."):
            continue
        (event,) = events_of(codec.decode(frame, RECEIVED_NS))
        assert isinstance(event, MarkPrice)
        data = message["data"]
        assert event.instrument == f"bybit:{data['symbol']}"
        assert event.mark == (float(data["markPrice"]) if "markPrice" in data else None)
        assert event.index == (float(data["indexPrice"]) if "indexPrice" in data else None)
        assert event.venue_ns == message["ts"] * 1_000_000


def test_no_recorded_symbol_is_silent_for_long(shared: Path) -> None:
    """Deltas keep every symbol's age far below the limit, though most of them leave the mark out."""
    seen: dict[str, float] = {}
    longest = 0.0
    codec = BybitLinearCodec()
    for _, frame in recorded(shared / LINEAR):
        decoded = codec.decode(frame, RECEIVED_NS)
        for event in decoded if isinstance(decoded, list) else []:
            assert isinstance(event, MarkPrice)
            at_s = event.venue_ns / 1e9
            longest = max(longest, at_s - seen.get(event.instrument, at_s))
            seen[event.instrument] = at_s
    print(f"{len(seen)} symbols, longest silence {longest:.2f} s")
    assert len(seen) == 3
    assert 0 < longest < 5


def test_a_recorded_spot_connection_tells_usd_prices(shared: Path) -> None:
    """Spot tickers carry the price at which a unified account values its coins, not the linear index.

    One of the 41 leaves it out: rejected, and the age runs on.
    """
    counts = tally(BybitSpotCodec(SPOT_PAIRS), shared / SPOT)
    assert counts.events == {"AssetPrice": 40, "PriceRejected": 1}
    assert counts.bad == {}
    assert set(counts.ignored) <= {"orderbook", "publicTrade", "kline", "subscribe"}
    spot = {e.asset: e for _, f in recorded(shared / SPOT) for e in asset_prices(f)}
    linear = [
        float(json.loads(f)["data"]["indexPrice"])
        for _, f in recorded(shared / LINEAR)
        if '"tickers.BTCUSDT","type":"snapshot"' in f
    ]
    assert 0.0003 < linear[0] / spot["BTC"].index - 1 < 0.0015  # USDT stood below a dollar


def asset_prices(frame: str) -> list[AssetPrice]:
    """The USD prices of one spot frame."""
    decoded = BybitSpotCodec(SPOT_PAIRS).decode(frame, RECEIVED_NS)
    return [event for event in decoded if isinstance(event, AssetPrice)] if isinstance(decoded, list) else []


@pytest.mark.parametrize("name", ["tardis_bybit", "gct_wsTicker", "jkorf_ws", "nautilus_ws", "cmp_bybit"])
def test_other_collections_crash_nothing(shared: Path, name: str) -> None:
    """Frames of other times and other products are events, ignored, or bad for a listed reason."""
    counts = tally(BybitLinearCodec(), shared / FIXTURES.format(name))
    assert set(counts.events) <= {"MarkPrice", "PriceRejected"}
    listed = {
        "shape",
        "unknown topic",
        "unknown message",
        "auth refused",
    }  # old API versions; a private answer
    assert set(counts.bad) <= listed


@pytest.mark.parametrize(
    ("pattern", "events"),
    [
        ("*Subscriptions_V5_Private_Balance.json", {"AccountDelta": 1, "AssetPrice": 1}),
        ("nautilus_ws_account_wallet*.json", None),
        ("*Subscriptions_V5_Private_Position.json", {"AccountDelta": 1}),
        ("nautilus_ws_account_position*.json", {"AccountDelta": 2}),
        ("xchange_positionChangeResponse.json", {"AccountDelta": 1}),
    ],
)
def test_private_messages_of_wallet_and_position_are_understood(
    shared: Path, pattern: str, events: dict[str, int] | None
) -> None:
    """Every collected message of the topics that we subscribe becomes a delta."""
    counts = Tally()
    for _, raw in raws(shared / "recordings/private/BYBIT", pattern):
        counts.add(BybitPrivateCodec(ACCOUNT, Terms()).decode(raw, RECEIVED_NS))
    print(f"{pattern}: {counts}")
    assert counts.ignored == {}
    assert counts.bad == {}
    assert counts.events["AccountDelta"] > 0
    if events is not None:
        assert counts.events == events


def test_every_collected_private_message_has_an_outcome(shared: Path) -> None:
    """No private or REST document of any API version makes the codec raise."""
    counts = Tally()
    for _, raw in raws(shared / "recordings/private/BYBIT", "*.json"):
        counts.add(BybitPrivateCodec(ACCOUNT, Terms()).decode(raw, RECEIVED_NS))
    print(counts)
    assert counts.events["AccountDelta"] >= 6


def test_recorded_contracts_are_defined(shared: Path) -> None:
    """Of 800 real linear contracts each has digits and coins that we understand, given a table of tiers."""
    path = shared / "recordings/rest/BYBIT/cryptofeed_bybit_v3.json.gz"
    with gzip.open(path) as file:
        linear = next(entry for entry in json.load(file) if "category=linear" in entry["url"])
    contracts = msgspec.json.decode(linear["raw"], type=Answer[Page[Contract]]).result.list
    tiers = [
        msgspec.convert({**row, "symbol": contract.symbol}, RiskLimit)
        for contract in contracts
        for row in BTC_LIMITS
    ]
    found = {i.id: i for i in instruments_of(contracts, tiers, Terms())}
    assert len(found) == len(contracts) == 800
    assert {i.settle_asset for i in found.values()} <= {"USDT", "USDC"}
    bitcoin = found[instrument_id("bybit", "BTCUSDT")]
    assert (bitcoin.price_digits, bitcoin.quantity_digits, bitcoin.underlying) == (1, 3, "BTC")


@pytest.mark.parametrize(
    "pattern", ["nautilus_http_get_wallet_balance*.json", "jkorf_Endpoints_V5Api_Account_GetBalances.json"]
)
def test_collected_wallets_have_the_shape_that_we_read(shared: Path, pattern: str) -> None:
    """Answers of wallet-balance decode as they stand."""
    for _, raw in raws(shared / "recordings/private/BYBIT", pattern):
        wallets = msgspec.json.decode(raw, type=Answer[Page[Wallet]]).result.list
        assert wallets[0].accountType == "UNIFIED"


def test_position_margin_holds_the_fee_to_close(shared: Path) -> None:
    """A published position's margin is value / leverage and the fee to close, which we take off."""
    name = "jkorf_JsonResponses_Derivatives_Contract_Socket_PositionUpdate.json"
    ((_, raw),) = raws(shared / "recordings/private/BYBIT", name)
    (position,) = msgspec.json.decode(raw, type=tuple[Position, ...])
    terms = Terms(is_isolated=True, taker_fees={"BTCUSDT": Decimal("0.0006")})
    initial = float(json.loads(raw)[0]["positionValue"]) / float(position.leverage)
    assert float(isolated_balance(position, terms).wallet) == pytest.approx(initial, rel=1e-6)
    assert float(position.positionBalance) != pytest.approx(initial, rel=1e-4)
