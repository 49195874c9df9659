"""Everything that may enter the book, through one door. Frozen, decoded once, no dicts.

Times: `venue_ns` is the venue's own clock (wall, UTC), `received_ns` is our monotonic clock when the bytes
arrived. Numbers of holdings are Decimal (facts), prices are float (measurements). A codec has checked
every price: finite and above zero, or it is a `PriceRejected`.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from monitor.domain.accrual import Accrual
from monitor.domain.assessment import Reason, VenueReported
from monitor.domain.identity import AccountId, InstrumentId
from monitor.domain.instrument import CollateralAsset, Instrument


class MarkPrice(msgspec.Struct, frozen=True, gc=False):
    """A mark of one instrument. A None field was not in the frame; a delta that omits the mark still
    confirms it (mark=None)."""

    instrument: InstrumentId
    mark: float | None
    index: float | None
    funding_rate: float | None
    next_funding_ns: int | None
    venue_ns: int
    received_ns: int
    forward: float | None = None  # of an option: the price of its underlying at expiry
    volatility: float | None = None  # of an option: 0.6 is 60 % a year


class AssetPrice(msgspec.Struct, frozen=True, gc=False):
    """The price of a collateral asset as the venue's margin engine uses it, and its haircuts where it
    publishes them."""

    venue: str
    asset: str
    index: float
    bid_buffer: float
    ask_buffer: float
    venue_ns: int
    received_ns: int
    average: float | None = None  # the slow average that some venues hold against it


class PriceHistory(msgspec.Struct, frozen=True):
    """What an instrument's mark was before it was watched here: one price a minute, oldest first."""

    instrument: InstrumentId
    prices: tuple[float, ...]
    received_ns: int


class PriceRejected(msgspec.Struct, frozen=True, gc=False):
    """A price that no venue can mean (zero, negative, not finite, missing). Counted; the age keeps
    running."""

    instrument: InstrumentId
    reason: str
    received_ns: int


class Instruments(msgspec.Struct, frozen=True):
    """Instrument and collateral definitions of one venue; replaces those of the same id."""

    venue: str
    instruments: tuple[Instrument, ...]
    assets: tuple[CollateralAsset, ...]
    received_ns: int


class BalanceFact(msgspec.Struct, frozen=True):
    """One asset of one pool. Where `accrual` says how it grows, what is owed is that, and not `borrowed`;
    of a market that lends (Aave, Compound) what is there as well, and not `wallet`."""

    pool: str  # the last part of the pool id, e.g. "cross-USDT"
    asset: str
    wallet: Decimal
    borrowed: Decimal = Decimal(0)
    order_loss: Decimal = Decimal(0)
    collateral: bool = True
    accrual: Accrual | None = None  # None: the amounts are those of now


class PositionFact(msgspec.Struct, frozen=True):
    """One leg of one pool, known in its account by (instrument, side). Nothing held or ordered removes it."""

    pool: str
    instrument: InstrumentId
    side: str  # "" in one-way mode, else "long" or "short"
    quantity: Decimal  # signed, long is positive
    entry_price: Decimal
    leverage: Decimal | None = None  # None: unchanged by this event
    bids: Decimal = Decimal(0)  # quantity of open orders to buy
    asks: Decimal = Decimal(0)  # quantity of open orders to sell
    funding_index: Decimal | None = None  # of its market when funding was last settled; None: all is settled
    closing_impact: Decimal = Decimal(0)  # price impact of closing it now, below 0 a cost (GMX)


class ToldMargin(msgspec.Struct, frozen=True):
    """Equity and maintenance margin on the venue's word, scaled so that liquidation is equality."""

    equity: Decimal
    maintenance_margin: Decimal


class PoolFact(msgspec.Struct, frozen=True):
    """A pool of an account as a snapshot declares it."""

    pool: str
    model: str  # a name in MODELS
    unit: str
    reported: VenueReported | None = None
    told: ToldMargin | None = None  # what venue_ratio goes by; None for models that compute
    untold: str = ""  # venue_ratio without `told`: what the venue does not say, for the desk
    is_isolated: bool = False  # one position and its own margin, which goes back as the position is closed
    category: int = -1  # e-mode of a lending market; -1 for none
    threshold: Decimal = Decimal(
        1
    )  # where the venue liquidates on its own scale: 1.05 (uniMMR), 1.1 (margin)


class AccountSnapshot(msgspec.Struct, frozen=True):
    """The whole account, read at one moment; applied whole or not at all."""

    account: AccountId
    pools: tuple[PoolFact, ...]
    balances: tuple[BalanceFact, ...]
    positions: tuple[PositionFact, ...]
    marks: dict[InstrumentId, float]  # the marks that the venue's own figures were computed at
    venue_ns: int  # version: a stream event that is newer wins over this snapshot
    received_ns: int
    confirmed: bool = False  # a second endpoint agrees: what looks implausible is real
    prices: tuple[AssetPrice, ...] = ()  # collateral prices that only the account endpoint tells
    streamed: bool = False  # the stream's own word, for venues that push whole states


class AccountDelta(msgspec.Struct, frozen=True):
    """What one stream message changes; balances and positions of one message are applied together."""

    account: AccountId
    balances: tuple[BalanceFact, ...]
    positions: tuple[PositionFact, ...]
    venue_ns: int
    received_ns: int
    cause: str = ""  # the venue's word: ORDER, FUNDING_FEE, ADL, ...


class LeverageChanged(msgspec.Struct, frozen=True):
    """The chosen leverage of one instrument."""

    account: AccountId
    instrument: InstrumentId
    leverage: Decimal
    venue_ns: int
    received_ns: int


class VenueWarning(msgspec.Struct, frozen=True):
    """The venue's own margin call for an account (Binance MARGIN_CALL): raises the venue's figure beside
    ours, and a reconcile."""

    account: AccountId
    detail: str
    venue_ns: int
    received_ns: int


class StreamAlive(msgspec.Struct, frozen=True, gc=False):
    """The account's private stream answered (a pong counts): alive, though nothing happened."""

    account: AccountId
    received_ns: int


class StreamGap(msgspec.Struct, frozen=True):
    """A stream broke or a mode changed: what is held may be wrong until a snapshot. `account` None: all of
    the venue's marks."""

    venue: str
    account: AccountId | None
    detail: str
    received_ns: int
    reason: Reason = Reason.GAP


class StreamReady(msgspec.Struct, frozen=True):
    """The stream is whole again: its snapshot has been applied, later messages follow without a hole."""

    venue: str
    account: AccountId | None
    received_ns: int


class AccountRefused(msgspec.Struct, frozen=True):
    """The venue refuses the key, or the account is in a mode that no model covers. UNKNOWN until a snapshot
    succeeds."""

    account: AccountId
    reason: Reason  # REJECTED or UNSUPPORTED
    detail: str
    received_ns: int


Event = (
    MarkPrice
    | AssetPrice
    | PriceRejected
    | PriceHistory
    | Instruments
    | AccountSnapshot
    | AccountDelta
    | LeverageChanged
    | VenueWarning
    | StreamAlive
    | StreamGap
    | StreamReady
    | AccountRefused
)
