"""States, contexts and metas as /info and the websocket show them; numbers as text with a point."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from adapters.loopback.amounts import ZERO, plain
from adapters.loopback.holdings import Account, Contract, Quote
from adapters.loopback.hyperliquid.catalog import MAIN_DEX, USDC, dex_of
from adapters.loopback.hyperliquid.figures import DexFigures, LegFigures

Body = dict[str, Any]

CASH_DECIMALS = Decimal("0.000001")
PRICE_DECIMALS = Decimal("0.0000000001")
TIERED_TABLES_FROM = 51  # tables below are of one tier, and their number is its leverage


def number(amount: Decimal) -> str:
    """As the venue prints floats: never without a point."""
    text = plain(amount)
    return text if "." in text else f"{text}.0"


def cash(amount: Decimal) -> str:
    """An amount of USDC, six decimals at most."""
    return number(amount.quantize(CASH_DECIMALS))


# --- markets ----------------------------------------------------------------------------------------


def context(contract: Contract, quote: Quote) -> Body:
    """The asset context of one coin"""
    mark = number(quote.mark)
    premium = (quote.mark - quote.index) / quote.index if quote.index else ZERO
    return {
        "funding": number(quote.funding_rate),
        "openInterest": "1000.0",
        "prevDayPx": mark,
        "dayNtlVlm": "1000000.0",
        "premium": number(premium.quantize(PRICE_DECIMALS)),
        "oraclePx": number(quote.index),
        "markPx": mark,
        "midPx": mark,
        "impactPxs": [number(quote.mark - contract.tick), number(quote.mark + contract.tick)],
        "dayBaseVlm": "1000.0",
    }


def meta(contracts: Sequence[Contract]) -> Body:
    """The universe of one dex and the margin tables that it uses"""
    tables = table_numbers(contracts)
    return {
        "universe": [
            {
                "szDecimals": size_decimals(contract),
                "name": contract.symbol,
                "maxLeverage": int(contract.brackets[0].max_leverage),
                "marginTableId": tables[_tiers(contract)],
            }
            for contract in contracts
        ],
        "marginTables": [[identifier, _table(tiers)] for tiers, identifier in tables.items()],
        "collateralToken": 0,
    }


Tiers = tuple[tuple[Decimal, Decimal], ...]


def table_numbers(contracts: Sequence[Contract]) -> dict[Tiers, int]:
    """A number for each different schedule; one of a single tier has its leverage as number."""
    numbers: dict[Tiers, int] = {}
    tiered = TIERED_TABLES_FROM
    for contract in contracts:
        tiers = _tiers(contract)
        if tiers in numbers:
            continue
        if len(tiers) == 1:
            numbers[tiers] = int(tiers[0][1])
        else:
            numbers[tiers], tiered = tiered, tiered + 1
    return numbers


def _tiers(contract: Contract) -> Tiers:
    return tuple((bracket.floor, bracket.max_leverage) for bracket in contract.brackets)


def _table(tiers: Tiers) -> Body:
    return {
        "description": f"tiered {int(tiers[0][1])}x" if len(tiers) > 1 else "",
        "marginTiers": [{"lowerBound": number(floor), "maxLeverage": int(top)} for floor, top in tiers],
    }


def size_decimals(contract: Contract) -> int:
    """szDecimals"""
    return max(0, -int(contract.step.as_tuple().exponent))


def spot_meta() -> Body:
    """The tokens that exist; there is no spot market here"""
    token = {
        "name": USDC,
        "szDecimals": 8,
        "weiDecimals": 8,
        "index": 0,
        "tokenId": "0x6d1e7cde53ba9467b783cb7c530ce054",
        "isCanonical": True,
        "evmContract": None,
        "fullName": None,
    }
    return {"tokens": [token], "universe": []}


def perp_dexs(dexes: Sequence[str]) -> list[Body | None]:
    """null for the main dex, then the builders'"""
    deployer = "0x" + "11" * 20
    return [
        {"name": dex, "full_name": dex.upper(), "deployer": deployer, "oracle_updater": None}
        if dex != MAIN_DEX
        else None
        for dex in dexes
    ]


# --- accounts ---------------------------------------------------------------------------------------


def state(figures: DexFigures) -> Body:
    """clearinghouseState"""
    cross, isolated = figures.cross, figures.isolated
    cross_summary = _summary(figures.cross_value, figures.cross_raw_usd, cross)
    all_value = figures.cross_value + sum((leg.margin_used for leg in isolated), ZERO)
    all_raw = figures.cross_raw_usd + sum((leg.raw_usd for leg in isolated), ZERO)
    return {
        "marginSummary": _summary(all_value, all_raw, [*cross, *isolated]),
        "crossMarginSummary": cross_summary,
        "crossMaintenanceMarginUsed": cash(figures.cross_maintenance),
        "withdrawable": cash(figures.withdrawable),
        "assetPositions": [{"type": "oneWay", "position": _position(leg)} for leg in figures.legs],
        "time": figures.time_ms,
    }


def _summary(value: Decimal, raw_usd: Decimal, legs: Sequence[LegFigures]) -> Body:
    return {
        "accountValue": cash(value),
        "totalNtlPos": cash(sum((leg.value for leg in legs), ZERO)),
        "totalRawUsd": cash(raw_usd),
        "totalMarginUsed": cash(sum((leg.margin_used for leg in legs), ZERO)),
    }


def _position(leg: LegFigures) -> Body:
    leverage: Body = {"type": "cross" if leg.is_cross else "isolated", "value": int(leg.leverage)}
    if not leg.is_cross:
        leverage["rawUsd"] = cash(leg.raw_usd)
    price = leg.liquidation_price
    cost = leg.value / leg.leverage
    return {
        "coin": leg.position.symbol,
        "szi": number(leg.position.quantity),
        "leverage": leverage,
        "entryPx": number(leg.position.entry),
        "positionValue": cash(leg.value),
        "unrealizedPnl": cash(leg.profit),
        "returnOnEquity": number((leg.profit / cost).quantize(PRICE_DECIMALS)),
        "liquidationPx": None if price is None else number(price.quantize(PRICE_DECIMALS)),
        "marginUsed": cash(leg.margin_used),
        "maxLeverage": int(leg.contract.brackets[0].max_leverage),
        "cumFunding": {"allTime": "0.0", "sinceOpen": "0.0", "sinceChange": "0.0"},
    }


def spot_state(account: Account | None) -> Body:
    """spotClearinghouseState: what the world keeps under "spot:TOKEN" """
    held = account.wallets if account is not None else {}
    return {
        "balances": [
            {
                "coin": name.removeprefix("spot:"),
                "token": 0,
                "total": number(amount),
                "hold": "0.0",
                "entryNtl": "0.0",
            }
            for name, amount in held.items()
            if name.startswith("spot:")
        ]
    }


def contracts_of_dex(contracts: Sequence[Contract], dex: str) -> list[Contract]:
    """The universe of one dex."""
    return [contract for contract in contracts if dex_of(contract.symbol) == dex]
