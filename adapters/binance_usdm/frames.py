"""Binance's messages and answers, by the venue's own names. Prices stay text, holdings are Decimal."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from adapters.numbers import check_facts

Price = str | float | int | None  # the venue writes text; whatever else stands there is judged, not trusted
ZERO = Decimal(0)
ABSENT = msgspec.Raw(b"")

# --- websocket, public --------------------------------------------------------------------------------


class MarkPriceUpdate(msgspec.Struct, tag_field="e", tag="markPriceUpdate", gc=False):
    """`p` mark, `i` index, `r` funding rate, `T` next funding, `E` event time. Old frames have no `i`."""

    s: str
    E: int
    p: Price = None
    i: Price = None
    r: Price = None
    T: int = 0


class AssetIndexUpdate(msgspec.Struct, tag_field="e", tag="assetIndexUpdate", gc=False):
    """Multi-assets mode: `s` "ADAUSD", `i` index, `b` and `a` the buffers (haircut and surcharge)."""

    s: str
    E: int
    i: Price = None
    b: Price = None
    a: Price = None


MarketEvent = MarkPriceUpdate | AssetIndexUpdate


class BareElement(msgspec.Struct):
    """What is left of an element that could not be read: what it was, and whose."""

    e: str
    s: str = ""


class Head(msgspec.Struct):
    """Enough of an object frame to know what it is: combined, an event, an answer, an error."""

    e: str | None = None
    data: msgspec.Raw = ABSENT
    id: int | str | None = None
    error: msgspec.Raw = ABSENT


# --- websocket, private -------------------------------------------------------------------------------


class BalanceUpdate(msgspec.Struct, frozen=True):
    """`wb` wallet balance, `cw` cross wallet balance: what the cross pool has."""

    a: str
    wb: Decimal
    cw: Decimal

    def __post_init__(self) -> None:
        check_facts(self)


class PositionUpdate(msgspec.Struct, frozen=True):
    """`pa` signed amount, `ep` entry, `mt` margin type, `iw` isolated wallet, `ma` margin asset."""

    s: str
    pa: Decimal
    ep: Decimal
    mt: str
    iw: Decimal = ZERO
    ps: str = "BOTH"
    ma: str | None = None

    def __post_init__(self) -> None:
        check_facts(self)


class AccountChange(msgspec.Struct, frozen=True):
    """`m` the cause, `B` balances, `P` positions: only what changed."""

    m: str = ""
    B: tuple[BalanceUpdate, ...] = ()
    P: tuple[PositionUpdate, ...] = ()


class AccountUpdate(msgspec.Struct, frozen=True):
    """ACCOUNT_UPDATE; `T` is the time of the transaction, by which stream and snapshot are ordered."""

    T: int
    a: AccountChange


class LeverageSetting(msgspec.Struct, frozen=True):
    """`l` leverage of `s`."""

    s: str
    l: Decimal  # noqa: E741  the venue's name

    def __post_init__(self) -> None:
        check_facts(self)


class AccountSetting(msgspec.Struct, frozen=True):
    """`j` multi-assets mode."""

    j: bool


class AccountConfigUpdate(msgspec.Struct, frozen=True):
    """ACCOUNT_CONFIG_UPDATE: one of the two is there."""

    T: int
    ac: LeverageSetting | None = None
    ai: AccountSetting | None = None


class MarginCallPosition(msgspec.Struct, frozen=True):
    """`mm` maintenance margin at mark `mp`."""

    s: str
    ps: str = "BOTH"
    mm: str = ""
    mp: str = ""


class MarginCall(msgspec.Struct, frozen=True):
    """MARGIN_CALL has no transaction time, only `E`."""

    E: int
    p: tuple[MarginCallPosition, ...] = ()


# --- REST ---------------------------------------------------------------------------------------------


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
