"""Bybit's messages and answers as on the wire: fields by the venue's own names, numbers still as text.

A number may be "" wherever the venue has nothing to say, so they stay text until `adapters.numbers` reads
them.
"""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

import msgspec

from adapters.numbers import LAST_MILLISECOND

Millisecond = Annotated[int, msgspec.Meta(gt=0, lt=LAST_MILLISECOND)]


class Ticker(msgspec.Struct, frozen=True, gc=False):
    """The data of `tickers.SYMBOL`; a delta leaves out what has not changed."""

    symbol: str
    markPrice: str | None = None
    indexPrice: str | None = None
    usdIndexPrice: str | None = None  # spot only
    fundingRate: str | None = None
    nextFundingTime: str | None = None


class TickerMessage(msgspec.Struct, frozen=True, gc=False):
    """A ticker; `type` is snapshot or delta."""

    topic: str
    type: str
    ts: Millisecond
    data: Ticker


class Other(msgspec.Struct, frozen=True):
    """Any message: enough to say what it is."""

    topic: str = ""
    op: str = ""
    success: bool | None = None


class Coin(msgspec.Struct, frozen=True):
    """One asset of a wallet, by stream and REST alike."""

    coin: str
    walletBalance: str
    equity: str = ""
    usdValue: str = ""
    spotBorrow: str = ""
    accruedInterest: str = ""
    totalPositionIM: str = ""
    marginCollateral: bool | None = None
    collateralSwitch: bool | None = None


class Wallet(msgspec.Struct, frozen=True):
    """An account: totals in USD (empty where they do not apply) and its coins."""

    coin: tuple[Coin, ...]
    accountType: str = "UNIFIED"
    accountMMRate: str = ""
    totalMarginBalance: str = ""
    totalInitialMargin: str = ""
    totalMaintenanceMargin: str = ""


class Position(msgspec.Struct, frozen=True):
    """One leg. The stream calls the entry price `entryPrice`, REST `avgPrice`."""

    symbol: str
    side: str
    size: str
    positionIdx: int
    category: str = "linear"
    entryPrice: str = ""
    avgPrice: str = ""
    sessionAvgPrice: str = ""
    leverage: str = ""
    positionBalance: str = ""
    positionIM: str = ""
    positionMM: str = ""
    markPrice: str = ""
    liqPrice: str = ""
    positionStatus: str = ""


class WalletMessage(msgspec.Struct, frozen=True):
    """Topic `wallet`."""

    creationTime: Millisecond
    data: tuple[Wallet, ...]


class PositionMessage(msgspec.Struct, frozen=True):
    """Topic `position`."""

    creationTime: Millisecond
    data: tuple[Position, ...]


class PriceFilter(msgspec.Struct, frozen=True):
    """`tickSize` says how many decimals a price has."""

    tickSize: str


class LotSizeFilter(msgspec.Struct, frozen=True):
    """`qtyStep` says how many decimals a quantity has."""

    qtyStep: str


class Contract(msgspec.Struct, frozen=True):
    """One entry of instruments-info."""

    symbol: str
    contractType: str
    baseCoin: str
    settleCoin: str
    priceFilter: PriceFilter
    lotSizeFilter: LotSizeFilter
    status: str = "Trading"
    fundingInterval: int | None = None  # minutes


class RiskLimit(msgspec.Struct, frozen=True):
    """One tier of one symbol: up to `riskLimitValue` of notional."""

    symbol: str
    riskLimitValue: str
    maintenanceMargin: str | float
    initialMargin: str | float
    maxLeverage: str
    mmDeduction: str = ""


class CollateralStep(msgspec.Struct, frozen=True):
    """From `minQty` coins up."""

    minQty: str
    collateralRatio: str
    maxQty: str = ""


class CollateralRatio(msgspec.Struct, frozen=True):
    """How much of a coin's worth counts, falling with its amount."""

    currency: str
    collateralRatioList: tuple[CollateralStep, ...]


class FeeRate(msgspec.Struct, frozen=True):
    """The account's own fee of one symbol."""

    symbol: str
    takerFeeRate: str


class AccountInfo(msgspec.Struct, frozen=True):
    """`marginMode` holds for the whole account; `unifiedMarginStatus` 1 is a classic account."""

    marginMode: str
    unifiedMarginStatus: int


class ApiKey(msgspec.Struct, frozen=True):
    """What the key may do: `readOnly` 1 can only read, whatever `permissions` lists."""

    readOnly: int
    permissions: dict[str, tuple[str, ...] | None] = {}


class CoinAmount(msgspec.Struct, frozen=True):
    """One coin of the asset endpoint, the second way to a balance."""

    coin: str
    walletBalance: str


class CoinAmounts(msgspec.Struct, frozen=True):
    """The answer of the asset endpoint."""

    balance: tuple[CoinAmount, ...]


Result = TypeVar("Result")


class Answer(msgspec.Struct, Generic[Result], frozen=True):
    """Every REST answer; `retCode` other than 0 is judged before this is read."""

    result: Result
    time: Millisecond


class Page(msgspec.Struct, Generic[Result], frozen=True):
    """A list that may go on: the cursor asks for the next page, and is empty on the last."""

    list: tuple[Result, ...]
    nextPageCursor: str | None = None


class Fault(msgspec.Struct, frozen=True):
    """Whether an answer is one: 0, or the venue's error code."""

    retCode: int
