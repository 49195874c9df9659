"""The nouns of the loopback exchange: contracts, prices, accounts, and what changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from adapters.loopback.amounts import ZERO

LegKey = tuple[str, str]  # symbol, side


class Cause(StrEnum):
    """Why an account changed; each face has the venue's own word for it."""

    ORDER = "order"
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    FUNDING = "funding"
    MARGIN_TRANSFER = "margin transfer"
    MARGIN_MODE = "margin mode"
    LEVERAGE = "leverage"
    ACCOUNT_MODE = "account mode"
    DELEVERAGED = "auto-deleveraging"


@dataclass(frozen=True)
class Bracket:
    """From `floor` to `cap` of notional: maintenance = notional x rate - deduction."""

    floor: Decimal
    cap: Decimal
    rate: Decimal
    deduction: Decimal
    max_leverage: Decimal
    number: int = 1  # the venue's own id of the bracket


@dataclass(frozen=True)
class Contract:
    """A linear perpetual contract of one venue."""

    venue: str
    symbol: str
    underlying: str
    margin_asset: str
    tick: Decimal
    step: Decimal  # of quantity
    mark_step: Decimal  # marks are published on this grid
    taker_fee: Decimal
    brackets: tuple[Bracket, ...]


@dataclass
class Quote:
    """What the venue publishes of a contract."""

    mark: Decimal
    index: Decimal
    funding_rate: Decimal


@dataclass(frozen=True)
class CollateralStep:
    """From `floor` coins up, `ratio` of the worth counts, slice by slice."""

    floor: Decimal
    ratio: Decimal


@dataclass
class AssetPrice:
    """A collateral asset in USD, with its haircut in the way of its venue."""

    index: Decimal
    bid_buffer: Decimal = ZERO
    ask_buffer: Decimal = ZERO
    steps: tuple[CollateralStep, ...] = ()


@dataclass
class Position:
    """One leg. `isolated_wallet` None means cross."""

    symbol: str
    side: str
    quantity: Decimal  # signed, long is positive
    entry: Decimal
    isolated_wallet: Decimal | None = None
    updated_ms: int = 0

    @property
    def key(self) -> LegKey:
        """Symbol and side."""
        return (self.symbol, self.side)


@dataclass
class PlacedOrder:
    """An order as the exchange keeps it: what was asked for, and what became of it."""

    number: int
    client_id: str
    symbol: str
    side: str  # of the order: "buy" or "sell"
    position_side: str
    quantity: Decimal
    limit_price: Decimal | None
    is_reduce_only: bool
    at_ms: int
    filled: Decimal = ZERO
    average_price: Decimal | None = None
    is_open: bool = False


@dataclass
class Account:
    """Credentials, modes and holdings. `wallets` are the cross wallets, before unrealised profit."""

    venue: str
    name: str
    key: str
    secret: str
    address: str
    can_trade: bool = False
    can_withdraw: bool = False
    hedge: bool = False
    multi_assets: bool = False
    isolated_margin: bool = False  # of the whole account, where a venue has that
    wallets: dict[str, Decimal] = field(default_factory=dict)
    borrowed: dict[str, Decimal] = field(default_factory=dict)
    positions: dict[LegKey, Position] = field(default_factory=dict)
    leverages: dict[str, Decimal] = field(default_factory=dict)
    margin_modes: dict[str, str] = field(default_factory=dict)  # symbol -> "cross" or "isolated"
    orders: list[PlacedOrder] = field(default_factory=list)  # every order that was taken, in order
    trading_key: str = ""  # a second key of the same account, which may trade
    trading_secret: str = ""
    updated_ms: int = 0

    @property
    def id(self) -> str:
        """`venue/name`."""
        return f"{self.venue}/{self.name}"

    def behind(self, key: str) -> Account | None:
        """The account as this key may use it: holdings are the same, rights and secret are the key's own."""
        if key == self.key:
            return self
        if not key or key != self.trading_key:
            return None
        return replace(self, key=key, secret=self.trading_secret, can_trade=True)

    def orders_of(self, client_id: str) -> list[PlacedOrder]:
        """The orders of one client id: more than one is what must never be."""
        return [order for order in self.orders if order.client_id == client_id]


@dataclass(frozen=True)
class Change:
    """What one act changed on one account."""

    account: Account
    cause: Cause
    at_ms: int
    assets: tuple[str, ...] = ()
    legs: tuple[Position, ...] = ()  # as they are now; quantity 0 when closed
    deposited: Decimal = ZERO  # money that came from or went outside


def legs_by_symbol(account: Account) -> Iterator[tuple[str, list[Position]]]:
    """The legs of each symbol together: in hedge mode there may be two."""
    symbols = dict.fromkeys(leg.symbol for leg in account.positions.values())
    for symbol in symbols:
        yield symbol, [leg for leg in account.positions.values() if leg.symbol == symbol]


def filled(
    quantity: Decimal, entry: Decimal, amount: Decimal, price: Decimal
) -> tuple[Decimal, Decimal, Decimal]:
    """A position after a fill: its size, its entry price, and the profit that was realised."""
    after = quantity + amount
    if quantity * amount >= 0:
        return after, (quantity * entry + amount * price) / after, ZERO
    closed = min(abs(amount), abs(quantity)) * (1 if quantity > 0 else -1)
    turned = abs(amount) > abs(quantity)
    return after, price if turned else entry, closed * (price - entry)
