"""What real frames become; without the recordings, which lie elsewhere, these tests are skipped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.hyperliquid.codec import HyperliquidAccountCodec, HyperliquidMarkCodec
from adapters.hyperliquid.frames import ClearinghouseState, Meta, Role, WebData
from adapters.hyperliquid.state import Watch, account_snapshot, instruments_of
from monitor.domain.identity import AccountId
from tests.support.frames import RECEIVED_NS, Tally, recorded

ACCOUNT = AccountId("hyperliquid/desk")
ADDRESS = "0x0000000000000000000000000000000000000001"


def raw_of(shared: Path, kind: str, name: str) -> str:
    """The raw text of one collected answer."""
    path = shared / "recordings" / kind / "HYPERLIQUID" / f"{name}.json"
    document: Any = json.loads(path.read_text(encoding="utf-8"))
    raw: Any = (document[0] if isinstance(document, list) else document)["raw"]
    return str(raw[0] if isinstance(raw, list) else raw)


@pytest.mark.parametrize(
    "name",
    ["tardis_hyperliquid", "nautilus_ws", "jkorf_ws", "pybotters_hyperliquid"],
)
def test_recorded_public_frames_are_understood(shared: Path, name: str) -> None:
    """No frame is bad, and the channel that we subscribe is never ignored."""
    counts = Tally()
    codec = HyperliquidMarkCodec()
    for _, frame in recorded(shared / f"recordings/public/HYPERLIQUID/{name}.jsonl.gz"):
        counts.add(codec.decode(frame, RECEIVED_NS))
    print(f"{name}: {counts}")
    assert counts.bad == {}
    assert "activeAssetCtx" not in counts.ignored
    assert counts.events == ({"MarkPrice": 1} if name == "tardis_hyperliquid" else {})


def test_collected_private_frames_are_known(shared: Path) -> None:
    """Messages of channels that we did not ask for are ignored by name; none raises."""
    counts = Tally()
    codec = HyperliquidAccountCodec(ACCOUNT, ADDRESS, Watch())
    for path in sorted((shared / "recordings/private/HYPERLIQUID").glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        for entry in document if isinstance(document, list) else [document]:
            for raw in entry["raw"] if isinstance(entry.get("raw"), list) else [entry.get("raw")]:
                if raw:
                    counts.add(codec.decode(raw, RECEIVED_NS))
    print(counts)
    assert set(counts.ignored) == {
        "activeAssetData",
        "orderUpdates",
        "user",
        "userFundings",
        "userNonFundingLedgerUpdates",
        "userTwapSliceFills",
        "webData2",
    }
    assert set(counts.bad) <= {"shape", "unknown channel"}


def test_a_collected_state_adds_up(shared: Path) -> None:
    """An isolated position's wallet and profit are its margin used, the cross wallet what the venue says."""
    raw = raw_of(shared, "rest", "jkorf_Endpoints_Futures_Account_GetAccountInfo")
    state = msgspec.json.decode(raw, type=ClearinghouseState)
    snapshot = account_snapshot(ACCOUNT, [("", state)], RECEIVED_NS)
    wallets = {balance.pool: float(balance.wallet) for balance in snapshot.balances}
    (position,) = snapshot.positions
    mark = snapshot.marks[position.instrument]
    profit = float(position.quantity) * (mark - float(position.entry_price))
    held = state.assetPositions[0].position
    assert wallets["isolated-HYPE"] + profit == pytest.approx(float(held.marginUsed), rel=1e-9)
    assert wallets["cross"] == pytest.approx(float(state.crossMarginSummary.accountValue), rel=1e-9)


def test_collected_states_have_the_shape_that_we_read(shared: Path) -> None:
    """States with borrowed cash, the second way's answer and an address's role decode as they stand."""
    negative = raw_of(shared, "private", "nautilus_http_clearinghouse_state_negative_total_raw_usd")
    assert msgspec.json.decode(negative, type=ClearinghouseState).crossMarginSummary.totalRawUsd < 0
    page = json.loads(raw_of(shared, "private", "pybotters_webData2"))["data"]
    assert msgspec.convert(page, WebData, strict=False).clearinghouseState.assetPositions == ()
    assert msgspec.json.decode(raw_of(shared, "private", "hlsdk_user_role_0"), type=Role).role == "vault"


def test_contracts_that_settle_in_something_else_are_left_out(shared: Path) -> None:
    """Of three collected dexes the one with USDC is defined."""
    raw = raw_of(shared, "private", "nautilus_http_all_perp_metas_non_usdc_collateral")
    metas = msgspec.json.decode(raw, type=tuple[Meta, ...])
    assert [i.id for meta in metas for i in instruments_of(meta)] == ["hyperliquid:BTC"]


def test_documented_samples_give_the_documented_margin(shared: Path) -> None:
    """The venue's own samples: margin used is signed value and raw USD; the rate is half of 1/leverage."""
    vectors = json.loads(
        (shared / "vectors/hyperliquid_docs_and_api_samples.json").read_text(encoding="utf-8")
    )
    for case in vectors["cases"]:
        given, wanted, off = case["inputs"], case["expected"], case["tolerance"].get("abs", 1e-6)
        if case["formula"] == "hyperliquid_iso_equity":
            position = isolated(given["position_value"], given["raw_usd"])
            (balance,) = [b for b in position.balances if b.pool != "cross"]
            assert float(balance.wallet) == pytest.approx(wanted["equity"], abs=off)
        elif case["formula"] == "hyperliquid_mmr":
            meta = {"universe": [{"name": "X", "szDecimals": 1, "maxLeverage": given["max_leverage"]}]}
            (defined,) = instruments_of(msgspec.convert(meta, Meta))
            assert float(defined.tiers.tiers[0].maintenance_rate) == pytest.approx(wanted["mmr"], abs=off)


def isolated(value: float, raw_usd: float) -> Any:
    """The snapshot of one long isolated position that stands at its entry price."""
    zero = {"accountValue": "0", "totalNtlPos": "0", "totalRawUsd": "0", "totalMarginUsed": "0"}
    held = {
        "coin": "ETH",
        "szi": "1",
        "leverage": {"type": "isolated", "value": 20, "rawUsd": str(raw_usd)},
        "entryPx": str(value),
        "positionValue": str(value),
        "unrealizedPnl": "0",
        "marginUsed": "0",
    }
    legs = [{"type": "oneWay", "position": held}]
    document = {"crossMarginSummary": zero, "assetPositions": legs, "time": 1_780_000_000_000}
    state = msgspec.convert(document, ClearinghouseState, strict=False)
    return account_snapshot(ACCOUNT, [("", state)], RECEIVED_NS)


def test_documented_tables_become_the_documented_tiers(shared: Path) -> None:
    """Rates and deductions of the published margin tables follow from bounds and leverages alone."""
    vectors = json.loads((shared / "vectors/tiers_hyperliquid.json").read_text(encoding="utf-8"))
    for coin, rows in vectors["tiers"].items():
        steps = [{"lowerBound": str(row[0]), "maxLeverage": row[4]} for row in rows]
        table = [[9, {"description": coin, "marginTiers": steps}]]
        listed = [{"name": coin, "szDecimals": 1, "maxLeverage": rows[0][4], "marginTableId": 9}]
        meta = msgspec.convert({"universe": listed, "marginTables": table}, Meta)
        (defined,) = instruments_of(meta)
        for tier, row in zip(defined.tiers.tiers, rows, strict=True):
            assert float(tier.maintenance_rate) == pytest.approx(row[2], rel=1e-9)
            assert float(tier.deduction) == pytest.approx(row[3], rel=1e-9, abs=1e-6)
