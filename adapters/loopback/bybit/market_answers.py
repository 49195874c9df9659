"""Contracts, tiers, tickers and collateral ratios as REST and the public streams show them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from adapters.loopback.amounts import fixed, plain
from adapters.loopback.holdings import AssetPrice, Contract, Quote

Body = dict[str, Any]

FUNDING_EVERY_MS = 8 * 3600 * 1000


def digits_of(step: Decimal) -> int:
    """Decimals of a step: 2 for 0.10."""
    return max(0, -int(step.as_tuple().exponent))


def next_funding_ms(now_ms: int) -> int:
    """The next full eight hours, UTC."""
    return (now_ms // FUNDING_EVERY_MS + 1) * FUNDING_EVERY_MS


def contract(one: Contract) -> Body:
    """One entry of instruments-info, linear"""
    return {
        "symbol": one.symbol,
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": one.underlying,
        "quoteCoin": one.margin_asset,
        "launchTime": "1584230400000",
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(digits_of(one.mark_step)),
        "leverageFilter": {
            "minLeverage": "1",
            "maxLeverage": f"{one.brackets[0].max_leverage:.2f}",
            "leverageStep": "0.01",
        },
        "priceFilter": {"minPrice": f"{one.tick:f}", "maxPrice": "1999999.80", "tickSize": f"{one.tick:f}"},
        "lotSizeFilter": {
            "maxOrderQty": "100000000",
            "minOrderQty": f"{one.step:f}",
            "qtyStep": f"{one.step:f}",
            "postOnlyMaxOrderQty": "100000000",
            "maxMktOrderQty": "10000000",
            "minNotionalValue": "5",
        },
        "unifiedMarginTrade": True,
        "fundingInterval": 480,
        "settleCoin": one.margin_asset,
        "copyTrading": "none",
        "isPreListing": False,
    }


def spot_pair(asset: str) -> Body:
    """One entry of instruments-info, spot"""
    return {
        "symbol": f"{asset}USDT",
        "baseCoin": asset,
        "quoteCoin": "USDT",
        "innovation": "0",
        "status": "Trading",
        "marginTrading": "utaOnly",
        "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": "0.000001",
            "quotePrecision": "0.0000001",
            "minOrderQty": "0.000001",
            "maxOrderQty": "1000000",
            "minOrderAmt": "5",
            "maxOrderAmt": "8000000",
        },
        "priceFilter": {"tickSize": "0.0001"},
        "riskParameters": {"priceLimitRatioX": "0.005", "priceLimitRatioY": "0.01"},
    }


def risk_limits(one: Contract) -> list[Body]:
    """The entries of one symbol of risk-limit; the lowest has an empty deduction, as on the venue"""
    return [
        {
            "id": row.number,
            "symbol": one.symbol,
            "riskLimitValue": plain(row.cap),
            "maintenanceMargin": plain(row.rate),
            "initialMargin": plain((1 / row.max_leverage).quantize(Decimal("0.0001"))),
            "isLowestRisk": 1 if row is one.brackets[0] else 0,
            "maxLeverage": f"{row.max_leverage:.2f}",
            "mmDeduction": "" if row is one.brackets[0] else plain(row.deduction),
        }
        for row in one.brackets
    ]


def ticker(one: Contract, quote: Quote, now_ms: int) -> Body:
    """One linear ticker, whole; sizes change with the time, as in a living book."""
    digits = digits_of(one.mark_step)
    last, tick = fixed(quote.mark, digits), one.tick
    size = one.step * (1 + now_ms // 100 % 997)
    return {
        "symbol": one.symbol,
        "tickDirection": "ZeroPlusTick",
        "price24hPcnt": "0",
        "lastPrice": last,
        "prevPrice24h": last,
        "highPrice24h": last,
        "lowPrice24h": last,
        "prevPrice1h": last,
        "markPrice": last,
        "indexPrice": fixed(quote.index, digits),
        "openInterest": "1000",
        "openInterestValue": fixed(1000 * quote.mark, 2),
        "turnover24h": "1000000",
        "volume24h": "1000",
        "fundingIntervalHour": "8",
        "fundingCap": "0.005",
        "nextFundingTime": str(next_funding_ms(now_ms)),
        "fundingRate": plain(quote.funding_rate),
        "bid1Price": fixed(quote.mark - tick, digits),
        "bid1Size": plain(size),
        "ask1Price": fixed(quote.mark + tick, digits),
        "ask1Size": plain(size + one.step),
    }


def spot_ticker(asset: str, price: AssetPrice, usdt: AssetPrice) -> Body:
    """One spot ticker: the last price in USDT, the index in USD"""
    last = plain((price.index / usdt.index).quantize(Decimal("0.0001")))
    return {
        "symbol": f"{asset}USDT",
        "lastPrice": last,
        "highPrice24h": last,
        "lowPrice24h": last,
        "prevPrice24h": last,
        "volume24h": "1000",
        "turnover24h": "1000000",
        "price24hPcnt": "0",
        "usdIndexPrice": plain(price.index),
    }


def collateral_ratio(asset: str, price: AssetPrice) -> Body:
    """One entry of spot-margin-trade/collateral"""
    tops = [plain(step.floor) for step in price.steps[1:]] + [""]
    return {
        "currency": asset,
        "collateralRatioList": [
            {"minQty": plain(step.floor), "maxQty": top, "collateralRatio": plain(step.ratio)}
            for step, top in zip(price.steps, tops, strict=True)
        ],
    }


def collateral_info(asset: str, price: AssetPrice) -> Body:
    """One entry of account/collateral-info"""
    return {
        "currency": asset,
        "hourlyBorrowRate": "0.00000147",
        "maxBorrowingAmount": "0",
        "freeBorrowingLimit": "0",
        "freeBorrowAmount": "0",
        "borrowAmount": "0",
        "availableToBorrow": "0",
        "borrowable": False,
        "freeBorrowingAmount": "",
        "borrowUsageRate": "0",
        "marginCollateral": True,
        "collateralSwitch": True,
        "collateralRatio": plain(price.steps[0].ratio),
    }
