"""Hyperliquid's answers in their documented shapes, for a small account of ours."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

TIME_MS = 1_780_000_000_000


def leg(coin: str, size: str, kind: str = "cross", raw_usd: str | None = None) -> dict[str, Any]:
    """A position of 3,000 entered, now at 3,100."""
    value = str(abs(Decimal(size)) * 3100) if len(size) < 6 and size != "NaN" else "1"
    return {
        "type": "oneWay",
        "position": {
            "coin": coin,
            "szi": size,
            "leverage": {"type": kind, "value": 10, **({"rawUsd": raw_usd} if raw_usd else {})},
            "entryPx": "3000.0",
            "positionValue": value,
            "unrealizedPnl": "0.0",
            "returnOnEquity": "0.0",
            "liquidationPx": "2700.5",
            "marginUsed": "620.0",
            "maxLeverage": 25,
            "cumFunding": {"allTime": "0", "sinceOpen": "0", "sinceChange": "0"},
        },
    }


def state(*legs: dict[str, Any], value: str = "5200.0", raw: str = "-1000.0") -> dict[str, Any]:
    """A clearinghouse state."""
    summary = {"accountValue": value, "totalNtlPos": "6200.0", "totalRawUsd": raw, "totalMarginUsed": "620.0"}
    return {
        "marginSummary": summary,
        "crossMarginSummary": summary,
        "crossMaintenanceMarginUsed": "124.0",
        "withdrawable": "4000.0",
        "assetPositions": list(legs),
        "time": TIME_MS,
    }


EMPTY = state(value="0.0", raw="0.0")
META = {
    "universe": [
        {"name": "BTC", "szDecimals": 5, "maxLeverage": 40, "marginTableId": 56},
        {"name": "SOL", "szDecimals": 2, "maxLeverage": 20, "marginTableId": 20},
        {"name": "OLD", "szDecimals": 0, "maxLeverage": 3, "isDelisted": True},
        {"name": "ODD", "szDecimals": 0, "maxLeverage": 5, "marginTableId": 57},
    ],
    "marginTables": [
        [
            56,
            {
                "description": "tiered 40x",
                "marginTiers": [
                    {"lowerBound": "0.0", "maxLeverage": 40},
                    {"lowerBound": "150000000.0", "maxLeverage": 20},
                ],
            },
        ],
        [57, {"description": "odd", "marginTiers": [{"lowerBound": "5.0", "maxLeverage": 5}]}],
    ],
    "collateralToken": 0,
}
