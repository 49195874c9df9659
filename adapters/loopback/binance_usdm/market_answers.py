"""REST answers about the market, as the venue documents them; prices as text with 8 decimals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from adapters.loopback.amounts import fixed
from adapters.loopback.binance_usdm.catalog import VENUE
from adapters.loopback.holdings import Contract, Quote
from adapters.loopback.world import World

Body = dict[str, Any]

NEVER_MS = 4_133_404_800_000  # the delivery date of a perpetual
ONBOARDED_MS = 1_569_398_400_000
FUNDING_EVERY_MS = 8 * 3600 * 1000
ORDER_TYPES = ["LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"]


def next_funding_ms(now_ms: int) -> int:
    """The next full eight hours, UTC."""
    return (now_ms // FUNDING_EVERY_MS + 1) * FUNDING_EVERY_MS


def exchange_info(world: World) -> Body:
    """GET /fapi/v1/exchangeInfo"""
    return {
        "timezone": "UTC",
        "serverTime": world.now_ms(),
        "futuresType": "U_MARGINED",
        "rateLimits": [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400},
            {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
        ],
        "exchangeFilters": [],
        "assets": [
            {"asset": asset, "marginAvailable": True, "autoAssetExchange": "-10000"}
            for asset in world.assets_of(VENUE)
        ],
        "symbols": [_symbol(contract) for contract in world.contracts_of(VENUE)],
    }


def _symbol(contract: Contract) -> Body:
    return {
        "symbol": contract.symbol,
        "pair": contract.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": NEVER_MS,
        "onboardDate": ONBOARDED_MS,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": contract.underlying,
        "quoteAsset": contract.margin_asset,
        "marginAsset": contract.margin_asset,
        "pricePrecision": _digits(contract.tick),
        "quantityPrecision": _digits(contract.step),
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "filters": _filters(contract),
        "orderTypes": ORDER_TYPES,
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
    }


def _filters(contract: Contract) -> list[Body]:
    tick, step = f"{contract.tick:f}", f"{contract.step:f}"
    return [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "10000000", "tickSize": tick},
        {"filterType": "LOT_SIZE", "stepSize": step, "minQty": step, "maxQty": "10000000"},
        {"filterType": "MARKET_LOT_SIZE", "stepSize": step, "minQty": step, "maxQty": "1000000"},
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MIN_NOTIONAL", "notional": "5"},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": "1.0500",
            "multiplierDown": "0.9500",
            "multiplierDecimal": "4",
        },
    ]


def _digits(step: Decimal) -> int:
    return max(0, -int(step.normalize().as_tuple().exponent))


def premium_index(contract: Contract, quote: Quote, now_ms: int) -> Body:
    """One entry of GET /fapi/v1/premiumIndex"""
    return {
        "symbol": contract.symbol,
        "markPrice": fixed(quote.mark, 8),
        "indexPrice": fixed(quote.index, 8),
        "estimatedSettlePrice": fixed(quote.index, 8),
        "lastFundingRate": fixed(quote.funding_rate, 8),
        "interestRate": "0.00010000",
        "nextFundingTime": next_funding_ms(now_ms),
        "time": now_ms,
    }


def funding_rate(contract: Contract, quote: Quote, now_ms: int) -> Body:
    """One entry of GET /fapi/v1/fundingRate: the funding before this one, at the rate of now."""
    return {
        "symbol": contract.symbol,
        "fundingTime": next_funding_ms(now_ms) - FUNDING_EVERY_MS,
        "fundingRate": fixed(quote.funding_rate, 8),
        "markPrice": fixed(quote.mark, 8),
    }


def leverage_bracket(contract: Contract) -> Body:
    """One entry of GET /fapi/v1/leverageBracket; numbers are numbers here."""
    return {
        "symbol": contract.symbol,
        "brackets": [
            {
                "bracket": row.number,
                "initialLeverage": int(row.max_leverage),
                "notionalCap": int(row.cap),
                "notionalFloor": int(row.floor),
                "maintMarginRatio": float(row.rate),
                "cum": float(row.deduction),
            }
            for row in contract.brackets
        ],
    }


def asset_index(world: World, asset: str) -> Body:
    """One entry of GET /fapi/v1/assetIndex"""
    price = world.assets_of(VENUE)[asset]
    bid, ask = price.index * (1 - price.bid_buffer), price.index * (1 + price.ask_buffer)
    half_bid, half_ask = price.index * (1 - price.bid_buffer / 2), price.index * (1 + price.ask_buffer / 2)
    return {
        "symbol": f"{asset}USD",
        "time": world.now_ms(),
        "index": fixed(price.index, 8),
        "bidBuffer": fixed(price.bid_buffer, 8),
        "askBuffer": fixed(price.ask_buffer, 8),
        "bidRate": fixed(bid, 8),
        "askRate": fixed(ask, 8),
        "autoExchangeBidBuffer": fixed(price.bid_buffer / 2, 8),
        "autoExchangeAskBuffer": fixed(price.ask_buffer / 2, 8),
        "autoExchangeBidRate": fixed(half_bid, 8),
        "autoExchangeAskRate": fixed(half_ask, 8),
    }
