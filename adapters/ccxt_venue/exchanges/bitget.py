"""Bitget futures, classic account. `crossedRiskRate` and a position's `marginRatio`: lower is safer,
liquidation at 1.

Fields: GET /api/v2/mix/account/accounts and /mix/position/all-position (bitget.com/api-doc, stored copies
and the samples in ccxt 4.5.90, read 2026-11-23). marginRatio = size x mark x (keepMarginRate + 0.0006) /
equity: help centre 12560603808759, reproduced from samples (MARGIN section 12). Of the unified account
(UTA) no direction was found.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from adapters.ccxt_venue.entry import Entry, Names, field
from adapters.ccxt_venue.told import Answers, Figure, Json, Told, number, shaped, total

RISK_RATE, MARGIN_RATIO = "crossedRiskRate", "marginRatio"
UNIFIED = "unified"
PRODUCTS = ("USDT-FUTURES", "USDC-FUTURES", "COIN-FUTURES")


class Account(msgspec.Struct):
    """One margin coin."""

    marginCoin: str
    accountEquity: Figure = None
    crossedRiskRate: Figure = None


class Position(msgspec.Struct):
    """One position."""

    symbol: str
    marginCoin: str
    marginMode: str
    holdSide: str = ""
    posMode: str = ""
    marginSize: Figure = None
    unrealizedPL: Figure = None
    marginRatio: Figure = None


def read(answers: Answers) -> list[Told]:
    """A pool for each isolated position, and one for each margin coin."""
    if any(isinstance(answer, dict) for answer in answers.balances):  # the classic account answers lists
        return [Told(UNIFIED, "USD", untold="of bitget's unified account the ratio's direction is not known")]
    positions = [shaped(info, Position, "all-position") for info in answers.positions]
    isolated = [_isolated(position) for position in positions if position.marginMode == "isolated"]
    rows = [row for answer in answers.balances for row in shaped(answer, list[Account], "accounts")]
    return isolated + [_cross(row) for row in rows if number(row.accountEquity) or _is_in_use(row, positions)]


def pool_of(info: Json, names: Names) -> str:
    """The isolated position's own pool, or that of its margin coin."""
    if UNIFIED in names:
        return UNIFIED
    position = shaped(info, Position, "all-position")
    return _name(position) if position.marginMode == "isolated" else f"cross-{position.marginCoin}"


def _is_in_use(row: Account, positions: list[Position]) -> bool:
    return any(position.marginCoin == row.marginCoin for position in positions)


def _cross(row: Account) -> Told:
    rate, equity = number(row.crossedRiskRate), number(row.accountEquity)
    maintenance = Decimal(0) if rate == 0 else None  # the margin itself is not told
    return Told(f"cross-{row.marginCoin}", row.marginCoin, equity, maintenance, None, rate, RISK_RATE, rate)


def _name(position: Position) -> str:
    side = f"-{position.holdSide}" if position.posMode == "hedge_mode" else ""
    return f"isolated-{position.symbol}{side}"


def _isolated(position: Position) -> Told:
    ratio = number(position.marginRatio)
    equity = total([number(position.marginSize), number(position.unrealizedPL)])
    return Told(_name(position), position.marginCoin, equity, None, None, ratio, MARGIN_RATIO, ratio)


ENTRY = Entry(
    read=read,
    pool_of=pool_of,
    liquidation_price=field("liquidationPrice"),
    source="bitget.com help 12560603808759, read 2026-11-22",
    balances=tuple({"type": "swap", "productType": product} for product in PRODUCTS),
    positions=({"productType": PRODUCTS[0]}, {"productType": PRODUCTS[1]}),
    not_read="positions of COIN-FUTURES",
)
