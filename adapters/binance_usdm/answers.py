"""Binance's REST answers, by the venue's own names. Only what is used is named."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from adapters.numbers import check_facts

ZERO = Decimal(0)


class ServerTime(msgspec.Struct, frozen=True):
    """GET /fapi/v1/time"""

    serverTime: int


class Filter(msgspec.Struct, frozen=True):
    """PRICE_FILTER has tickSize, LOT_SIZE has stepSize."""

    filterType: str
    tickSize: Decimal | None = None
    stepSize: Decimal | None = None


class Symbol(msgspec.Struct, frozen=True):
    """One contract of GET /fapi/v1/exchangeInfo."""

    symbol: str
    status: str
    baseAsset: str
    marginAsset: str
    contractType: str = ""
    pricePrecision: int = 0
    quantityPrecision: int = 0
    filters: tuple[Filter, ...] = ()


class SymbolName(msgspec.Struct, frozen=True):
    """Whose an entry is that could not be read."""

    symbol: str = ""


class ExchangeInfo(msgspec.Struct, frozen=True):
    """GET /fapi/v1/exchangeInfo. Symbols are read one by one: a new kind must not cost the others."""

    symbols: tuple[msgspec.Raw, ...]


class Bracket(msgspec.Struct, frozen=True):
    """One step; `cum` is the deduction."""

    initialLeverage: Decimal
    notionalFloor: Decimal
    maintMarginRatio: Decimal
    cum: Decimal


class SymbolBrackets(msgspec.Struct, frozen=True):
    """One contract of GET /fapi/v1/leverageBracket; `notionalCoef`: brackets of this account only."""

    symbol: str
    brackets: tuple[Bracket, ...]
    notionalCoef: Decimal | None = None


class AssetIndex(msgspec.Struct, frozen=True):
    """One asset of GET /fapi/v1/assetIndex."""

    symbol: str
    time: int
    index: str
    bidBuffer: str
    askBuffer: str


class AccountConfig(msgspec.Struct, frozen=True):
    """GET /fapi/v1/accountConfig; its can... flags are the account's, not the key's."""

    multiAssetsMargin: bool
    dualSidePosition: bool


class SymbolConfig(msgspec.Struct, frozen=True):
    """One contract of GET /fapi/v1/symbolConfig."""

    symbol: str
    leverage: Decimal


class AccountAsset(msgspec.Struct, frozen=True):
    """One asset of GET /fapi/v3/account. Margins count cross and isolated positions together."""

    asset: str
    walletBalance: Decimal
    crossWalletBalance: Decimal
    crossUnPnl: Decimal
    updateTime: int = 0

    def __post_init__(self) -> None:
        check_facts(self)


class AccountPosition(msgspec.Struct, frozen=True):
    """One position of GET /fapi/v3/account."""

    symbol: str
    positionSide: str
    positionAmt: Decimal
    updateTime: int = 0

    def __post_init__(self) -> None:
        check_facts(self)


class AccountInfo(msgspec.Struct, frozen=True):
    """GET /fapi/v3/account; the totals are in USD in multi-assets mode, of USDT alone otherwise."""

    totalInitialMargin: Decimal
    totalMaintMargin: Decimal
    totalMarginBalance: Decimal
    assets: tuple[AccountAsset, ...]
    positions: tuple[AccountPosition, ...]

    def __post_init__(self) -> None:
        check_facts(self)


class PositionRisk(msgspec.Struct, frozen=True):
    """One position of GET /fapi/v3/positionRisk. `isolatedMargin` has the unrealised profit in it."""

    symbol: str
    positionSide: str
    positionAmt: Decimal
    entryPrice: Decimal
    markPrice: Decimal
    unRealizedProfit: Decimal
    liquidationPrice: Decimal
    isolatedMargin: Decimal
    marginAsset: str
    initialMargin: Decimal
    maintMargin: Decimal
    isolatedWallet: Decimal = ZERO
    updateTime: int = 0

    def __post_init__(self) -> None:
        check_facts(self)


class Balance(msgspec.Struct, frozen=True):
    """One asset of GET /fapi/v3/balance."""

    asset: str
    balance: Decimal
    crossWalletBalance: Decimal

    def __post_init__(self) -> None:
        check_facts(self)


class ListenKey(msgspec.Struct, frozen=True):
    """POST /fapi/v1/listenKey"""

    listenKey: str


class AccountInformation(msgspec.Struct, frozen=True):
    """GET /sapi/v1/account/info"""

    isPortfolioMarginRetailEnabled: bool = False
