"""Hyperliquid's messages as on the wire: fields by the venue's own names, numbers still as text."""

from __future__ import annotations

from decimal import Decimal

import msgspec


class AssetContext(msgspec.Struct, frozen=True):
    """A coin's market state. `markPx` decides margin, `oraclePx` is the index."""

    markPx: str | None = None
    oraclePx: str | None = None
    funding: str | None = None


class CoinContext(msgspec.Struct, frozen=True):
    """The data of `activeAssetCtx`."""

    coin: str
    ctx: AssetContext


class Leverage(msgspec.Struct, frozen=True):
    """`rawUsd` is the isolated position's own cash."""

    type: str
    value: Decimal
    rawUsd: Decimal | None = None


class Position(msgspec.Struct, frozen=True):
    """One position; `szi` is signed."""

    coin: str
    szi: Decimal
    leverage: Leverage
    positionValue: Decimal
    unrealizedPnl: Decimal
    marginUsed: Decimal
    entryPx: Decimal | None = None
    liquidationPx: Decimal | None = None


class AssetPosition(msgspec.Struct, frozen=True):
    """`type` is oneWay: the venue has no hedge mode."""

    type: str
    position: Position


class MarginSummary(msgspec.Struct, frozen=True):
    """`accountValue` is `totalRawUsd` and the signed notional together."""

    accountValue: Decimal
    totalNtlPos: Decimal
    totalRawUsd: Decimal
    totalMarginUsed: Decimal


class ClearinghouseState(msgspec.Struct, frozen=True):
    """One address on one dex; `time` in milliseconds."""

    crossMarginSummary: MarginSummary
    crossMaintenanceMarginUsed: Decimal
    assetPositions: tuple[AssetPosition, ...]
    time: int


class AllDexsState(msgspec.Struct, frozen=True):
    """The data of `allDexsClearinghouseState`: dex name ("" is the main one) and state."""

    user: str
    clearinghouseStates: tuple[tuple[str, ClearinghouseState], ...]


class Coin(msgspec.Struct, frozen=True):
    """One entry of a dex's universe."""

    name: str
    szDecimals: int
    maxLeverage: int
    marginTableId: int | None = None
    isDelisted: bool = False


class MarginTier(msgspec.Struct, frozen=True):
    """From `lowerBound` of notional up."""

    lowerBound: Decimal
    maxLeverage: int


class MarginTable(msgspec.Struct, frozen=True):
    """A schedule that coins share."""

    description: str
    marginTiers: tuple[MarginTier, ...]


class Meta(msgspec.Struct, frozen=True):
    """The contracts of one dex."""

    universe: tuple[Coin, ...]
    marginTables: tuple[tuple[int, MarginTable], ...] = ()
    collateralToken: int = 0


class PerpDex(msgspec.Struct, frozen=True):
    """A builder's dex."""

    name: str


class Envelope(msgspec.Struct, frozen=True):
    """Every websocket message: the channel decides what the data is."""

    channel: str
    data: msgspec.Raw = msgspec.Raw(b"null")
