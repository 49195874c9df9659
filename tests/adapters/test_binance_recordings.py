"""Recorded traffic of others: nothing crashes, and nothing on the channels that we read is passed over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.binance_usdm.answers import (
    AccountConfig,
    AccountInfo,
    AssetIndex,
    Balance,
    Bracket,
    ExchangeInfo,
    ListenKey,
    SymbolBrackets,
    SymbolConfig,
)
from adapters.binance_usdm.codec import BinanceCodec
from adapters.binance_usdm.contracts import contracts
from adapters.binance_usdm.layout import Layout
from adapters.venue import BadFrame, Ignored
from monitor.domain.event import AccountDelta, Event, LeverageChanged, StreamGap
from monitor.domain.identity import AccountId
from tests.support.frames import Tally, recorded

OURS = ("markPrice", "mark_price", "funding_rate", "assetIndex", "AssetIndex")  # as recorders named channels
NOT_OURS = ("option", "Option")  # another venue under the same roof
PRIVATE_WS = {
    "jkorf_Subscriptions_UsdFutures_AccountUpdate": AccountDelta,
    "jkorf_Subscriptions_UsdFutures_Leverage": LeverageChanged,
    "jkorf_Subscriptions_UsdFutures_MultiAssetMode": StreamGap,
    "jkorf_Subscriptions_UsdFutures_OrderUpdate": Ignored,
    "nautilus_futures_user_data_json_account_update": AccountDelta,
    "nautilus_futures_user_data_json_account_update_bnfcr": AccountDelta,
    "nautilus_futures_user_data_json_order_update_adl": Ignored,
    "nautilus_futures_user_data_json_trade_lite": Ignored,
    "nautilus_futures_user_data_json_algo_update_new": Ignored,
    "ufy_testbinancecomwebsocketfutures_account_config_update_asset_mode_futures": StreamGap,
    "ufy_testbinancecomwebsocketfutures_account_config_update_leverage_futures": LeverageChanged,
    "ufy_testbinancecomwebsocketfutures_account_update_futures": AccountDelta,
    "ufy_testbinancecomwebsocketfutures_order_trade_update_futures": Ignored,
}
PRIVATE_REST = {
    "jkorf_Endpoints_UsdFutures_Account_GetAccountInfoV3": AccountInfo,
    "jkorf_Endpoints_UsdFutures_Account_GetAccountConfiguration": AccountConfig,
    "jkorf_Endpoints_UsdFutures_Account_GetSymbolConfiguration": tuple[SymbolConfig, ...],
    "jkorf_Endpoints_UsdFutures_Account_GetBalances": tuple[Balance, ...],
    "jkorf_Endpoints_UsdFutures_Account_GetBrackets": tuple[SymbolBrackets, ...],
}
PUBLIC_REST = {
    "jkorf_Endpoints_UsdFutures_ExchangeData_GetAssetIndexes": tuple[AssetIndex, ...],
    "jkorf_Endpoints_UsdFutures_Account_StartUserStream": ListenKey,
    "nautilus_pyit_http_responses_http_futures_market_exchange_info": ExchangeInfo,
}


def raw_of(path: Path) -> Iterator[str]:
    """The texts of a private or REST recording."""
    entries = json.loads(path.read_text(encoding="utf-8"))
    for entry in entries if isinstance(entries, list) else [entries]:
        raws = entry["raw"] if isinstance(entry["raw"], list) else [entry["raw"]]
        yield from (raw if isinstance(raw, str) else json.dumps(raw) for raw in raws)


def test_no_recorded_frame_crashes_and_none_of_ours_is_passed_over(shared: Path) -> None:
    """Recorded public frames: one outcome each, and prices from every frame of a channel of ours."""
    total, ours = Tally(), Tally()
    count = 0
    for path in sorted((shared / "recordings/public/BINANCE").glob("*.jsonl.gz")):
        codec = BinanceCodec()
        for channel, frame in recorded(path):
            count += 1
            decoded = total.add(codec.decode(frame, 1))
            is_ours = any(word in channel or f'"stream":"!{word}' in frame[:40] for word in OURS)
            if is_ours and not any(word in channel for word in NOT_OURS):
                ours.add(decoded)
    print(f"{count} frames: {total}\non our channels: {ours}")
    assert count >= 4_000
    assert ours.events.total() > 0 and not ours.ignored and not ours.bad
    assert set(ours.events) == {"MarkPrice", "AssetPrice"}


@pytest.mark.parametrize("name", PRIVATE_WS)
def test_recorded_private_frames_are_read(shared: Path, name: str) -> None:
    """Account updates of three other projects become deltas, their orders are known and not needed."""
    codec = BinanceCodec(AccountId("binance_usdm/desk"), Layout(margin_assets={"BTCUSDT": "USDT"}))
    for raw in raw_of(shared / f"recordings/private/BINANCE/{name}.json"):
        decoded: Any = codec.decode(raw, 1)
        first: Event | Ignored | BadFrame = decoded if isinstance(decoded, Ignored | BadFrame) else decoded[0]
        assert isinstance(first, PRIVATE_WS[name]), decoded


@pytest.mark.parametrize("name", [*PRIVATE_REST, *PUBLIC_REST])
def test_recorded_answers_fit_the_frames(shared: Path, name: str) -> None:
    """REST answers of other projects decode into the structs that the snapshot is made of."""
    folder, shape = ("private", PRIVATE_REST) if name in PRIVATE_REST else ("rest", PUBLIC_REST)
    for raw in raw_of(shared / f"recordings/{folder}/BINANCE/{name}.json"):
        assert msgspec.json.decode(raw, type=shape[name])


def test_all_known_brackets_are_believed(shared: Path) -> None:
    """The bracket tables of 60 symbols, the largest among them, pass the check, none is refused."""
    table = json.loads((shared / "vectors/tiers_binance_usdm.json").read_text(encoding="utf-8"))["tiers"]
    symbols = [
        {"symbol": name, "status": "TRADING", "baseAsset": "X", "marginAsset": "USDT"} for name in table
    ]
    rows = [{"symbol": name, "brackets": brackets(rows)} for name, rows in table.items()]
    found = contracts(map(raw, symbols), map(raw, rows))
    print(f"{len(found.instruments)} believed, {len(found.refused)} refused")
    assert len(found.instruments) == len(table) == 60 and not found.refused


def brackets(rows: list[list[float]]) -> tuple[Bracket, ...]:
    """Rows of the table (floor, cap, rate, deduction, leverage) as the venue answers them."""
    exact = [[Decimal(str(number)) for number in row] for row in rows]
    return tuple(Bracket(leverage, floor, rate, cum) for floor, _, rate, cum, leverage in exact)


def raw(entry: object) -> msgspec.Raw:
    """An entry as the answer has it."""
    return msgspec.Raw(msgspec.json.encode(entry))
