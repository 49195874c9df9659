"""Hyperliquid's messages as on the wire: fields by the venue's own names.

Prices stay text until the codec reads them: an impossible one costs its symbol, not the frame. Facts
are Decimal, and a struct that holds one checks that it is finite and of a sane size.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from adapters.numbers import LAST_MILLISECOND, check_facts

Millisecond = Annotated[int, msgspec.Meta(gt=0, lt=LAST_MILLISECOND)]
LeverageLimit = Annotated[int, msgspec.Meta(ge=1, le=1000)]
Decimals = Annotated[int, msgspec.Meta(ge=0, le=18)]


class AssetContext(msgspec.Struct, frozen=True, gc=False):
    """A coin's market state. `markPx` decides margin, `oraclePx` is the index."""

    markPx: str | None = None
    oraclePx: str | None = None
    funding: str | None = None


class CoinContext(msgspec.Struct, frozen=True, gc=False):
    """The data of `activeAssetCtx`."""

    coin: str
    ctx: AssetContext


class Leverage(msgspec.Struct, frozen=True):
    """`rawUsd` is the isolated position's own cash."""

    type: Literal["cross", "isolated"]
    value: Decimal
    rawUsd: Decimal | None = None

    def __post_init__(self) -> None:
        check_facts(self)


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

    def __post_init__(self) -> None:
        check_facts(self)


class AssetPosition(msgspec.Struct, frozen=True):
    """`type` is oneWay: the venue has no hedge mode."""

    type: Literal["oneWay"]
    position: Position


class MarginSummary(msgspec.Struct, frozen=True):
    """`accountValue` is `totalRawUsd` and the signed notional together."""

    accountValue: Decimal
    totalNtlPos: Decimal
    totalRawUsd: Decimal
    totalMarginUsed: Decimal

    def __post_init__(self) -> None:
        check_facts(self)


class ClearinghouseState(msgspec.Struct, frozen=True):
    """One address on one dex; `time` in milliseconds."""

    crossMarginSummary: MarginSummary
    assetPositions: tuple[AssetPosition, ...]
    time: Millisecond
    crossMaintenanceMarginUsed: Decimal | None = None

    def __post_init__(self) -> None:
        check_facts(self)


class AllDexsState(msgspec.Struct, frozen=True):
    """The data of `allDexsClearinghouseState`: dex name ("" is the main one) and state."""

    user: str
    clearinghouseStates: tuple[tuple[str, ClearinghouseState], ...]


class Coin(msgspec.Struct, frozen=True):
    """One entry of a dex's universe."""

    name: str
    szDecimals: Decimals
    maxLeverage: LeverageLimit
    marginTableId: int | None = None
    isDelisted: bool = False


class MarginTier(msgspec.Struct, frozen=True):
    """From `lowerBound` of notional up."""

    lowerBound: Decimal
    maxLeverage: LeverageLimit

    def __post_init__(self) -> None:
        check_facts(self)


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


class Role(msgspec.Struct, frozen=True):
    """What an address is: user, subAccount, vault, agent (an API wallet of somebody) or missing."""

    role: str


class WebData(msgspec.Struct, frozen=True):
    """What the venue's own page reads: the second way to the main dex's state."""

    clearinghouseState: ClearinghouseState


class Envelope(msgspec.Struct, frozen=True):
    """Every websocket message: the channel decides what the data is."""

    channel: str
    data: msgspec.Raw = msgspec.Raw(b"null")
