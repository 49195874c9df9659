"""Answers that other projects pinned are read like those that we wrote. Needs the shared folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.ccxt_golden import Case, cases, snapshot_of

MARKETS = {case.exchange: case.markets for case in cases()}
STATE = "HYPERLIQUID/nautilus_http_clearinghouse_state_negative_total_raw_usd.json"
BITGET = "BITGET/jkorf_Endpoints_Futures_"
CLASSIC = {"account/mode": {"code": "200000", "data": {"selfAccountMode": "CLASSIC"}}}
NO_CURRENCY = {"code": "200000", "data": {"accountEquity": 0, "currency": "USDC"}}


class Pinned(NamedTuple):
    """Which file answers which path, what is written beside it, and the ratios that come of it."""

    exchange: str
    files: dict[str, str]
    beside: dict[str, Any]
    ratios: dict[str, float | None]


PINNED = [
    Pinned(
        "okx",
        {
            "account/balance": "OKX/jkorf_Endpoints_UnifiedApi_Account_GetAccountBalance.json",
            "account/positions": "OKX/nautilus_http_get_positions.json",
        },
        {},
        {"cross": 1 / 143682.59776662575},
    ),
    Pinned(
        "deribit",
        {"get_account_summaries": "DERIBIT/nautilus_http_get_account_summaries.json"},
        {"get_positions": {"result": []}},
        {"cross-BTC": 0.8857841 / 302.62729214},
    ),
    Pinned(
        "deribit",
        {"get_account_summaries": "DERIBIT/nautilus_http_get_account_summaries_cross_margin.json"},
        {"get_positions": {"result": []}},
        {"cross-collateral": 0.2671726792 / 25.710502678},
    ),
    Pinned(
        "gate",
        {"/unified/accounts": "GATE/jkorf_Endpoints_Spot_Account_GetUnifiedAccountInfo.json"},
        {"account/detail": {"key": {"mode": 2}}, "positions": []},
        {"unified": 1 / 16499.135678363399},
    ),
    Pinned(
        "krakenfutures",
        {
            "/accounts": "KRAKEN/jkorf_JsonResponses_FuturesAccount_GetBalancesAsync.json",
            "/openpositions": "KRAKEN/jkorf_Endpoints_Futures_Trading_GetOpenPositions.json",
        },
        {},
        {"flex": 0.0, "fi_xbtusd": 39.6 / 153.73891563},
    ),
    Pinned(
        "kucoinfutures",
        {"api/v1/positions": "KUCOIN/jkorf_Endpoints_Futures_Account_GetPositions.json"},
        CLASSIC | {"account-overview": NO_CURRENCY},
        {"isolated-XBTUSDTM": 0.23284656 / 8.03733576},
    ),
    Pinned(
        "bitget",
        {
            "mix/account/accounts productType=USDT": BITGET + "Account_GetBalances.json",
            "all-position productType=USDT": BITGET + "Trading_GetPositions.json",
        },
        {
            "account/settings": {"raises": "ExchangeError"},
            "mix/account/accounts": {"code": "00000", "data": []},
            "all-position": {"code": "00000", "data": []},
        },
        {"cross-USDT": 0.0, "isolated-BTCUSDT-long": 0.1082149545822005},
    ),
    Pinned(
        "hyperliquid",
        {"/info clearinghouseState": STATE},
        {"/info userAbstraction": "disabled"},
        {"cross": None},  # it leaves the maintenance margin out
    ),
    Pinned(
        "bybit",
        {"wallet-balance": "BYBIT/jkorf_Endpoints_V5Api_Account_GetBalances.json"},
        {
            "query-api": {"result": {"readOnly": 1, "uta": 1, "unified": 0}},
            "account/info": {"result": {"unifiedMarginStatus": 5}},
            "position/list": {"retCode": 0, "result": {"list": []}},
        },
        {"unified": 0.0},
    ),
]


@pytest.mark.parametrize("pinned", PINNED, ids=lambda pinned: f"{pinned.exchange} {len(pinned.ratios)}")
async def test_pinned_answers_are_read(shared: Path, pinned: Pinned) -> None:
    """Each pool's ratio on our scale is that of the figures in the file."""
    answers = {key: _raw(shared / "recordings" / "private" / name) for key, name in pinned.files.items()}
    case = Case(pinned.exchange, "pinned", MARKETS[pinned.exchange], answers | pinned.beside, {}, [])
    snapshot = await snapshot_of(case)
    found = {pool.pool: pool.told for pool in snapshot.pools}
    for name, ratio in pinned.ratios.items():
        told = found[name]
        if ratio is None:
            assert told is None
            continue
        assert told is not None
        assert float(told.maintenance_margin / told.equity) == pytest.approx(ratio, rel=1e-9)


def _raw(path: Path) -> Any:
    kept = json.loads(path.read_text())
    raw = (kept[0] if isinstance(kept, list) else kept)["raw"]
    return json.loads(raw[0] if isinstance(raw, list) else raw)
