"""Binance's websocket messages, by the venue's own names. Prices stay text, holdings are Decimal."""

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
