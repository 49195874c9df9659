"""Hyperliquid, main dex. Cross: liquidated when account value is below maintenance margin; lower is safer,
1.

Fields: info `clearinghouseState`
(hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint/perpetuals, stored copy and the
sample in ccxt 4.5.90, read 2026-11-23). Threshold: hyperliquid-docs/trading/liquidations. There is no
field with the ratio itself: it is the quotient of two told figures. What an isolated position has to keep
is told nowhere, and an account that shares spot collateral answers in another shape.
"""

from __future__ import annotations

from typing import Any

import msgspec

from adapters.ccxt_venue.entry import Entry, Names, Second
from adapters.ccxt_venue.told import Answers, Figure, Json, Told, number, quotient, shaped

CROSS = "cross"
RATIO = "crossMaintenanceMarginUsed / crossMarginSummary.accountValue"
UNIT = "USDC"


class Summary(msgspec.Struct):
    """`crossMarginSummary`"""

    accountValue: Figure = None
    totalMarginUsed: Figure = None


class State(msgspec.Struct):
    """`clearinghouseState`; of an account with a unified balance it is not the answer."""

    crossMarginSummary: Summary | None = None
    crossMaintenanceMarginUsed: Figure = None
    assetPositions: list[Any] = []


class Leverage(msgspec.Struct):
    """`cross` or `isolated`"""

    type: str


class Position(msgspec.Struct):
    """One position."""

    coin: str
    leverage: Leverage


class Holder(msgspec.Struct):
    """What ccxt hands on as a position."""

    position: Position


def read(answers: Answers) -> list[Told]:
    """The cross pool; an isolated position is a pool of which nothing is told."""
    state = shaped(answers.balances[0], State, "clearinghouseState")
    names = sorted({pool_of(info, frozenset()) for info in answers.positions} - {CROSS})
    untold = "hyperliquid does not tell the maintenance margin of an isolated position"
    return [_cross(state), *(Told(name, UNIT, untold=untold) for name in names)]


def _cross(state: State) -> Told:
    if state.crossMarginSummary is None:
        return Told(CROSS, UNIT, untold="the account shares spot collateral: no margin figure of it is told")
    equity = number(state.crossMarginSummary.accountValue)
    maintenance = number(state.crossMaintenanceMarginUsed)
    ratio = quotient(maintenance, equity)
    initial = number(state.crossMarginSummary.totalMarginUsed)
    return Told(CROSS, UNIT, equity, maintenance, initial, ratio, RATIO, ours=ratio)


def pool_of(info: Json, _: Names) -> str:
    """Cross, or the isolated position's own pool."""
    position = shaped(info, Holder, "assetPositions").position
    return CROSS if position.leverage.type == "cross" else f"isolated-{position.coin}"


def liquidation_price(info: Json) -> object:
    """Null where there is none."""
    position = info.get("position")
    return position.get("liquidationPx") if isinstance(position, dict) else None


class Page(msgspec.Struct):
    """`webData2`, what the venue's own page reads."""

    clearinghouseState: State


def is_empty(answer: Any) -> tuple[bool, bool]:
    """No account value, and no position, on the page."""
    state = shaped(answer, Page, "webData2").clearinghouseState
    money = number(state.crossMarginSummary.accountValue) if state.crossMarginSummary else None
    return not money, not state.assetPositions


ENTRY = Entry(
    read=read,
    pool_of=pool_of,
    liquidation_price=liquidation_price,
    source="hyperliquid.gitbook.io/hyperliquid-docs/trading/liquidations, read 2026-11-22",
    posts=("/info",),
    options={"fetchMarkets": {"types": ["swap"]}},
    second=Second("publicPostInfo", lambda address: {"type": "webData2", "user": address}, is_empty),
    not_read="builders' dexes",
)
