"""Bybit's REST answers in their documented shapes, for a small account of ours."""

from __future__ import annotations

from typing import Any

TIME_MS = 1_780_000_000_000


def ok(result: Any, time_ms: int = TIME_MS) -> dict[str, Any]:
    """A good answer."""
    return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": time_ms}


def fault(code: int, message: str = "no") -> dict[str, Any]:
    """A refusal."""
    return {"retCode": code, "retMsg": message, "result": {}, "retExtInfo": {}, "time": TIME_MS}


def page(*rows: dict[str, Any], cursor: str = "") -> dict[str, Any]:
    """One page of a list."""
    return ok({"category": "linear", "list": list(rows), "nextPageCursor": cursor})


def coin(name: str, wallet: str, equity: str, usd: str, **more: Any) -> dict[str, Any]:
    """A coin of a wallet."""
    plain = {
        "coin": name,
        "walletBalance": wallet,
        "equity": equity,
        "usdValue": usd,
        "spotBorrow": "0",
        "accruedInterest": "0",
        "borrowAmount": "0",
        "totalOrderIM": "0",
        "totalPositionIM": "0",
        "totalPositionMM": "0",
        "unrealisedPnl": "0",
        "locked": "0",
        "bonus": "0",
        "marginCollateral": True,
        "collateralSwitch": True,
    }
    return {**plain, **more}


def wallet(*coins: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The answer of wallet-balance."""
    account = {
        "accountType": "UNIFIED",
        "accountIMRate": "0.21",
        "accountMMRate": "0.0123",
        "totalEquity": "30500",
        "totalWalletBalance": "30000",
        "totalMarginBalance": "30400.5",
        "totalAvailableBalance": "24000",
        "totalPerpUPL": "400.5",
        "totalInitialMargin": "6400.25",
        "totalMaintenanceMargin": "374.5",
        "coin": list(coins),
    }
    return ok({"list": [{**account, **more}]})


def position(symbol: str, side: str, size: str, index: int = 0, **more: Any) -> dict[str, Any]:
    """An open position."""
    plain = {
        "positionIdx": index,
        "riskId": 1,
        "riskLimitValue": "2000000",
        "symbol": symbol,
        "side": side,
        "size": size,
        "avgPrice": "64000",
        "sessionAvgPrice": "",
        "positionValue": "64000",
        "tradeMode": 0,
        "positionStatus": "Normal",
        "autoAddMargin": 0,
        "adlRankIndicator": 2,
        "leverage": "10",
        "positionBalance": "0",
        "markPrice": "64010.5",
        "liqPrice": "58000.1",
        "bustPrice": "",
        "positionMM": "351.7",
        "positionIM": "6432.8",
        "unrealisedPnl": "10.5",
        "createdTime": "1780000000000",
        "updatedTime": "1780000000000",
        "seq": 5,
        "isReduceOnly": False,
    }
    return {**plain, **more}


def contract(symbol: str, **more: Any) -> dict[str, Any]:
    """An entry of instruments-info."""
    plain = {
        "symbol": symbol,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": symbol.removesuffix("USDT").removesuffix("PERP"),
        "quoteCoin": "USDT",
        "settleCoin": "USDT",
        "priceScale": "2",
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": "0.10", "maxPrice": "1999999.80", "tickSize": "0.10"},
        "lotSizeFilter": {"maxOrderQty": "1190.000", "minOrderQty": "0.001", "qtyStep": "0.001"},
    }
    return {**plain, **more}


def limit(symbol: str, upper: str, maintenance: str, initial: str, leverage: str, deduction: str) -> dict:
    """A tier of risk-limit."""
    return {
        "id": 1,
        "symbol": symbol,
        "riskLimitValue": upper,
        "maintenanceMargin": maintenance,
        "initialMargin": initial,
        "isLowestRisk": 0,
        "maxLeverage": leverage,
        "mmDeduction": deduction,
    }


def ratios(name: str, *steps: tuple[str, str, str]) -> dict[str, Any]:
    """A coin of the tiered collateral ratios, by (minQty, maxQty, ratio)."""
    rows = [{"minQty": low, "maxQty": high, "collateralRatio": ratio} for low, high, ratio in steps]
    return {"currency": name, "collateralRatioList": rows}


BTC_LIMITS = (
    limit("BTCUSDT", "2000000", "0.005", "0.01", "100.00", ""),
    limit("BTCUSDT", "2600000", "0.0056", "0.0111", "90.00", "1200"),
    limit("BTCUSDT", "3200000", "0.0062", "0.0125", "80.00", "2760"),
)


def replies() -> dict[str, Any]:
    """A unified account in cross margin: USDT and BTC, one long BTCUSDT."""

    def positions(asked: dict[str, Any]) -> dict[str, Any]:
        is_usdt = asked["category"] == "linear" and asked.get("settleCoin") == "USDT"
        return page(position("BTCUSDT", "Buy", "1")) if is_usdt else page()

    return {
        "/v5/market/time": ok({"timeSecond": "1780000000", "timeNano": "1780000000000000000"}),
        "/v5/user/query-api": ok({"readOnly": 1, "permissions": {"ContractTrade": ["Order"]}, "ips": ["*"]}),
        "/v5/account/info": ok({"marginMode": "REGULAR_MARGIN", "unifiedMarginStatus": 5}),
        "/v5/account/wallet-balance": wallet(
            coin("USDT", "10000", "10010.5", "9990.479", totalPositionIM="6432.8"),
            coin("BTC", "0.5", "0.3", "19200", spotBorrow="0.2", accruedInterest="0.0001"),
        ),
        "/v5/position/list": positions,
        "/v5/account/fee-rate": page({"symbol": "BTCUSDT", "takerFeeRate": "0.0004", "makerFeeRate": "0"}),
        "/v5/market/instruments-info": page(contract("BTCUSDT")),
        "/v5/market/risk-limit": page(*BTC_LIMITS),
        "/v5/spot-margin-trade/collateral": ok(
            {
                "list": [
                    ratios("USDT", ("0", "", "1")),
                    ratios("BTC", ("0", "100", "0.95"), ("100", "200", "0.9"), ("200", "", "0")),
                ]
            }
        ),
        "/v5/asset/transfer/query-account-coins-balance": ok(
            {
                "accountType": "UNIFIED",
                "balance": [
                    {"coin": "USDT", "walletBalance": "10000", "transferBalance": "1", "bonus": ""},
                    {"coin": "BTC", "walletBalance": "0.5", "transferBalance": "0", "bonus": ""},
                    {"coin": "ETH", "walletBalance": "0", "transferBalance": "0", "bonus": ""},
                ],
            }
        ),
    }
