"""What is said of a pool: its band, why it may be unknown, and the figures beside them."""

from __future__ import annotations

from enum import IntEnum, IntFlag

import msgspec

from monitor.domain.identity import AccountId, InstrumentId, PoolId


class RiskBand(IntEnum):
    """Five fixed names, worse is higher, and UNKNOWN beside them. The names are in schemas and labels: never
    rename."""

    UNKNOWN = -1
    CLEAR = 0
    WARNING = 1
    MARGIN_CALL = 2
    CRITICAL = 3
    LIQUIDATION = 4

    @property
    def label(self) -> str:
        """The word in schemas, labels and messages: `margin_call`, and `UNKNOWN` in capitals."""
        return self.name if self is RiskBand.UNKNOWN else self.name.lower()


class Reason(IntFlag):
    """Why a pool is UNKNOWN. Bits, so that several hold at once; the values are in the Redis schema."""

    STALE = 1  # a mark or the account's own data is too old
    GAP = 2  # a stream broke; a snapshot is on its way
    PARTIAL = 4  # something that the model needs has not arrived yet
    IMPLAUSIBLE = 8  # an input contradicts another one, or is no finite number
    UNSUPPORTED = 16  # a mode that no model covers
    REJECTED = 32  # the venue refuses our key or our request

    @property
    def labels(self) -> tuple[str, ...]:
        """The words, in the order of the bits."""
        return tuple(str(reason.name).lower() for reason in Reason if reason in self)


class VenueReported(msgspec.Struct, frozen=True):
    """The venue's own figures, in the venue's own scale and words. Never mixed with ours."""

    equity: float | None = None
    initial_margin: float | None = None
    maintenance_margin: float | None = None
    ratio: float | None = None  # as published by the venue
    ratio_name: str = ""  # what the venue calls it, e.g. "marginRatio"
    liquidation_prices: dict[str, float] = {}  # by position key "INSTRUMENT" or "INSTRUMENT/long"


class Contributor(msgspec.Struct, frozen=True):
    """One position as it weighs on its pool."""

    instrument: InstrumentId
    side: str  # "", "long", "short": the side key of hedge mode
    quantity: float
    mark_price: float
    notional: float
    maintenance_margin: float
    unrealised_profit: float
    liquidation_price: float | None  # the venue's convention: this price moves, the others are held
    price_digits: int
    quantity_digits: int
    bankruptcy_price: float | None = None  # where nothing is left of the pool, the others held at mark


class UnderlyingMove(msgspec.Struct, frozen=True):
    """How far one underlying may move, with all of its instruments and collateral, until the pool is
    liquidated."""

    underlying: str
    lower_percent: float | None  # negative; None when no fall liquidates
    upper_percent: float | None  # positive; None when no rise liquidates


class TimeLeft(msgspec.Struct, frozen=True):
    """How long until liquidation if every minute goes against the pool as far as minutes move: a bound for
    who must act, and no forecast."""

    underlying: str  # whose move comes first
    percent: float  # the move that liquidates, signed
    speed_percent: float  # what a minute moves
    minutes: float


class TransferRoute(msgspec.Struct, frozen=True):
    """A way by which the desk moves collateral from one of its accounts to another, as configured."""

    from_account: AccountId
    to_account: AccountId
    asset: str
    takes_s: float  # until it counts as margin
    cost: float | None = None  # of one transfer, in the asset; None: not told


class Deadline(msgspec.Struct, frozen=True):
    """Until when a transfer by a route still arrives before liquidation."""

    route: TransferRoute
    latest_ns: int | None  # wall clock, at the present speed; None while that is not known
    bad_hour_ns: int | None  # the same at the speed of one bad hour


class RescueOption(msgspec.Struct, frozen=True):
    """One way back to the clear level, and the ratio after it as the model assesses it. Amounts of money are
    in the pool's unit."""

    action: str  # "add" (from outside), "move" (from another account), "cut", "reduce" (all) or "hedge"
    target: str  # asset to add or move, or instrument to cut or open
    amount: float  # in the asset, in the instrument's quantity (signed for a hedge), or in worth (all)
    fraction: float | None  # of the position, for a cut; of every one, for a reduction
    ratio_after: float
    digits: int
    cost: float | None = None  # fees alone; None: not known
    worth: float | None = None  # of what is traded or brought, before any haircut
    freed: float | None = None  # maintenance margin; negative where more is required
    equity_gained: float | None = None  # after the haircut of what is brought
    from_account: AccountId | None = None  # of a move
    takes_s: float | None = None  # of a move
    is_late: bool = False  # at the present speed it arrives after liquidation
    giver_ratio_after: float | None = None  # of the account that gives


class Scale(msgspec.Struct, frozen=True):
    """One scale that a pool is judged by: the worst of them is its band."""

    name: str  # "ratio", "distance", "volatilities", "minutes", "funding" or "depeg"
    value: float | None  # None: not known, so this scale is silent
    levels: tuple[float, float, float]  # warning, margin call, critical
    band: RiskBand | None  # where the value stands


class Coming(msgspec.Struct, frozen=True):
    """What happens to a pool at a known instant, all prices as they are now: funding (where it is continuous
    all until then), a daily settlement (what is received goes from profit to wallet), or an expiry."""

    kind: str  # "funding", "settlement" or "expiry"
    at_ns: int  # wall clock
    instruments: tuple[InstrumentId, ...]
    received: float  # by the pool, in its unit; negative where it pays
    ratio_before: float | None
    ratio_after: float | None
    accrued_share: float | None = None  # of the running interval; None where it is not known or no funding


class MarginAssessment(msgspec.Struct, frozen=True):
    """Everything shown of one pool at one moment. Built only for rows that a sink asks for."""

    pool: PoolId
    unit: str  # what equity and margins are counted in: "USDT", never "USD" by assumption
    model: str
    desk: str
    band: RiskBand
    reasons: Reason
    deficit: bool
    equity: float | None
    initial_margin: float | None
    maintenance_margin: float | None
    margin_ratio: float | None  # None when unknown, or when equity <= 0 < maintenance
    margin_error: (
        float | None
    )  # ours at the snapshot's marks against the venue's; None before the first snapshot
    as_of_ns: int  # wall clock of the turn
    price_age_s: float | None
    account_age_s: float | None
    venue_reported: VenueReported | None = None
    venue_margin_ratio: float | None = None  # the venue's figure on our scale (1 is liquidation)
    distance_volatilities: float | None = None  # the same in volatilities of a day; None where not known
    distance_percent: float | None = None  # nearest liquidating move over the underlyings, unsigned
    moves: tuple[UnderlyingMove, ...] = ()
    contributors: tuple[Contributor, ...] = ()  # worst by maintenance margin first
    rescue: tuple[RescueOption, ...] = ()
    market_lower_percent: float | None = None  # the fall of the whole market that liquidates; negative
    market_upper_percent: float | None = None  # the rise that does
    venue_figure: float | None = None  # ours in the venue's own words and direction
    venue_figure_name: str = ""
    coming: tuple[Coming, ...] = ()  # the nearest first
    is_liquidatable: bool | None = None  # by the venue's rule on equality; None while unknown
    at_present_speed: TimeLeft | None = None  # None: no speed is known yet, or no move liquidates
    at_bad_hour: TimeLeft | None = None
    scales: tuple[Scale, ...] = ()
    deadlines: tuple[Deadline, ...] = ()  # of each route into the pool's account, the quickest first

    @property
    def headroom(self) -> float | None:
        """Equity above maintenance margin, in the pool's unit."""
        if self.equity is None or self.maintenance_margin is None:
            return None
        return self.equity - self.maintenance_margin
