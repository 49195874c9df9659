"""The switches of the loopback exchange: what a venue can do to us, on demand.

A switch is a state that lasts until `heal` (or its own off), or an act that happens once. Venue faults are
named by venue, account faults by account id `venue/name`. The faces read the states; listeners are told acts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from adapters.loopback.amounts import Number, exact

StreamKind = Literal["public", "private"]
BOTH: tuple[StreamKind, ...] = ("public", "private")


@dataclass
class VenueFaults:
    """The states of one venue."""

    muted: set[StreamKind] = field(default_factory=set)  # connected, answering pings, saying nothing
    muted_symbols: set[str] = field(default_factory=set)
    heartbeats_only: bool = False  # as muted, while the venue's own pings flow every second
    frozen_symbols: set[str] = field(default_factory=set)  # the last mark again and again, the index moves
    frozen_all: bool = False
    black_hole: bool = False  # accepts, and answers nothing at all
    refusing: bool = False  # connections are refused
    delay_s: float = 0.0
    failing_status: int | None = None
    cut_answers: int = 0  # so many answers still break off in the middle
    rows_per_page: int | None = None  # answers in pages are this short, whatever was asked for
    retry_after_s: float | None = None  # the next call is one too many
    banned: bool = False
    blocked_until_ms: int | None = None  # set by the first refusal
    clock_ahead_ms: int = 0
    duplicate_events: bool = False
    event_age_ms: int = 0  # events carry times this much older

    def is_frozen(self, symbol: str) -> bool:
        """True while the mark of the symbol is not to move."""
        return self.frozen_all or symbol in self.frozen_symbols

    def is_silent(self, kind: StreamKind) -> bool:
        """True while streams of this kind carry no data."""
        return kind in self.muted or self.heartbeats_only or self.black_hole


@dataclass
class OrderFaults:
    """What an exchange does to the orders of one account."""

    lost_answers: int = 0  # so many orders are taken, and the answer says that nobody knows
    cut_answers: int = 0  # so many orders are taken, and the connection is reset instead of an answer
    lost_orders: int = 0  # so many orders are not taken, and the answer says that nobody knows
    fill: Decimal = Decimal(1)  # this part of an order is filled; above 1 is more than was asked for
    position: Decimal = Decimal(1)  # positions are shown as so many times what they are


@dataclass
class AccountFaults:
    """The states of one account."""

    zero_balances: Literal["", "account", "everywhere"] = ""
    key_rejected: bool = False
    listen_key_refused: bool = False  # renewals answer that the key does not exist
    skip_events: int = 0  # so many user events still get lost
    cut_after_pages: int | None = None  # paged answers break off after so many pages
    orders: OrderFaults = field(default_factory=OrderFaults)


@dataclass(frozen=True)
class CloseSockets:
    """Close all sockets of a kind with this code."""

    venue: str
    kinds: tuple[StreamKind, ...]
    code: int


@dataclass(frozen=True)
class Reset:
    """Tear the connections of a kind down without a word."""

    venue: str
    kinds: tuple[StreamKind, ...]


@dataclass(frozen=True)
class HalfOpen:
    """The sockets of today never read or write again; new ones work."""

    venue: str
    kinds: tuple[StreamKind, ...]


@dataclass(frozen=True)
class SendRaw:
    """Say this on every socket of a kind."""

    venue: str
    kinds: tuple[StreamKind, ...]
    frame: str | bytes


@dataclass(frozen=True)
class ExpireListenKey:
    """The stream key of an account ends now."""

    account: str


@dataclass(frozen=True)
class Switched:
    """A state of a venue changed that its listening socket must follow."""

    venue: str


Act = CloseSockets | Reset | HalfOpen | SendRaw | ExpireListenKey | Switched


class Faults:
    """All switches. Nothing is wrong to begin with."""

    def __init__(self) -> None:
        self._venues: dict[str, VenueFaults] = {}
        self._accounts: dict[str, AccountFaults] = {}
        self._listeners: list[Callable[[Act], None]] = []

    def of(self, venue: str) -> VenueFaults:
        """The states of a venue."""
        return self._venues.setdefault(venue, VenueFaults())

    def of_account(self, account: str) -> AccountFaults:
        """The states of an account, by its id."""
        return self._accounts.setdefault(account, AccountFaults())

    def listen(self, listener: Callable[[Act], None]) -> None:
        """`listener` is told every act."""
        self._listeners.append(listener)

    def heal(self, venue: str) -> None:
        """Everything about a venue and its accounts works again; half-open sockets stay dead, as in life."""
        self._venues[venue] = VenueFaults()
        for account in [name for name in self._accounts if name.startswith(f"{venue}/")]:
            self._accounts[account] = AccountFaults()
        self._tell(Switched(venue))

    # --- streams ----------------------------------------------------------------------------------

    def mute(self, venue: str, kind: StreamKind = "public") -> None:
        """Streams of this kind stay open and say nothing; user events of that time are lost."""
        self.of(venue).muted.add(kind)

    def unmute(self, venue: str, kind: StreamKind = "public") -> None:
        """Ends `mute`."""
        self.of(venue).muted.discard(kind)

    def mute_symbol(self, venue: str, symbol: str) -> None:
        """One symbol vanishes from the public streams."""
        self.of(venue).muted_symbols.add(symbol)

    def unmute_symbol(self, venue: str, symbol: str) -> None:
        """Ends `mute_symbol`."""
        self.of(venue).muted_symbols.discard(symbol)

    def heartbeats_only(self, venue: str, on: bool = True) -> None:
        """Streams carry the venue's pings, every second, and no data."""
        self.of(venue).heartbeats_only = on

    def freeze_marks(self, venue: str, *symbols: str) -> None:
        """The marks of these symbols (none named: all) are sent again unchanged while the index moves."""
        self.of(venue).frozen_symbols.update(symbols)
        self.of(venue).frozen_all = self.of(venue).frozen_all or not symbols

    def thaw_marks(self, venue: str) -> None:
        """Ends `freeze_marks`."""
        self.of(venue).frozen_symbols.clear()
        self.of(venue).frozen_all = False

    def half_open(self, venue: str, *kinds: StreamKind) -> None:
        """The sockets of today go dead for ever, without a close; new ones work."""
        self._tell(HalfOpen(venue, kinds or BOTH))

    def close(self, venue: str, code: int = 1001, *kinds: StreamKind) -> None:
        """Closes all sockets with a code."""
        self._tell(CloseSockets(venue, kinds or BOTH, code))

    def reset(self, venue: str, *kinds: StreamKind) -> None:
        """Resets all connections, without a close frame."""
        self._tell(Reset(venue, kinds or BOTH))

    def bad_frame(self, venue: str, frame: str | bytes = '{"e":', *kinds: StreamKind) -> None:
        """Sends these characters on every socket."""
        self._tell(SendRaw(venue, kinds or BOTH, frame))

    def duplicate_events(self, venue: str, on: bool = True) -> None:
        """Every user event comes twice."""
        self.of(venue).duplicate_events = on

    def older_events(self, venue: str, by_ms: int) -> None:
        """Events carry a time that is older by so much; 0 ends it."""
        self.of(venue).event_age_ms = by_ms

    def skip_user_events(self, account: str, count: int = 1) -> None:
        """The next events of an account get lost."""
        self.of_account(account).skip_events = count

    # --- connections and REST ---------------------------------------------------------------------

    def refuse(self, venue: str, on: bool = True) -> None:
        """New connections are refused; those that are open stay."""
        self.of(venue).refusing = on
        self._tell(Switched(venue))

    def black_hole(self, venue: str, on: bool = True) -> None:
        """Everything is accepted and nothing is answered, pings included, as if the process were stopped."""
        self.of(venue).black_hole = on
        self._tell(Switched(venue))

    def slow(self, venue: str, delay_s: float) -> None:
        """Every REST answer waits; 0 ends it."""
        self.of(venue).delay_s = delay_s

    def fail(self, venue: str, status: int | None = 503) -> None:
        """Every REST answer is this status; None ends it."""
        self.of(venue).failing_status = status

    def rate_limit(self, venue: str, retry_after_s: float) -> None:
        """The next call gets 429 and starts the wait; another one before its end makes it a ban, 418."""
        state = self.of(venue)
        state.retry_after_s, state.banned, state.blocked_until_ms = retry_after_s, False, None

    def cut_answers(self, venue: str, count: int = 1) -> None:
        """So many REST answers break off in the middle of their body."""
        self.of(venue).cut_answers = count

    def skew_clock(self, venue: str, ahead_ms: int) -> None:
        """The venue's clock is ahead of ours, or behind."""
        self.of(venue).clock_ahead_ms = ahead_ms

    # --- accounts ---------------------------------------------------------------------------------

    def zero_balances(self, account: str, everywhere: bool = False) -> None:
        """The account endpoint tells of an empty account, which is a lie; `everywhere`: all endpoints do."""
        self.of_account(account).zero_balances = "everywhere" if everywhere else "account"

    def true_balances(self, account: str) -> None:
        """Ends `zero_balances`."""
        self.of_account(account).zero_balances = ""

    def reject_key(self, account: str, on: bool = True) -> None:
        """The key is no longer valid."""
        self.of_account(account).key_rejected = on

    def expire_listen_key(self, account: str, renewable: bool = True) -> None:
        """The stream key ends now; not `renewable`: no new one works until healed."""
        self.of_account(account).listen_key_refused = not renewable
        self._tell(ExpireListenKey(account))

    def cut_pages(self, account: str, after_pages: int = 1, rows_per_page: int = 1) -> None:
        """Answers in pages get so short, and after so many pages the next one fails."""
        self.of(account.partition("/")[0]).rows_per_page = rows_per_page
        self.of_account(account).cut_after_pages = after_pages

    # --- orders -----------------------------------------------------------------------------------

    def lose_order_answers(self, account: str, count: int = 1, *, cut: bool = False) -> None:
        """So many orders are taken, and the answer is an unknown one, or (`cut`) a reset."""
        orders = self.of_account(account).orders
        orders.cut_answers, orders.lost_answers = (count, 0) if cut else (0, count)

    def lose_orders(self, account: str, count: int = 1) -> None:
        """So many orders never come to the book, and the answer is the same unknown one."""
        self.of_account(account).orders.lost_orders = count

    def fill_orders(self, account: str, part: Number) -> None:
        """Orders are filled by this part: 1 as they should, 0.5 half, 2 more than was asked for."""
        self.of_account(account).orders.fill = exact(part)

    def lie_about_positions(self, account: str, times: Number) -> None:
        """REST shows positions as so many times what they are; 1 ends it."""
        self.of_account(account).orders.position = exact(times)

    def event_copies(self, account: str) -> int:
        """How often the next user event is to be sent: once, or not at all, or twice."""
        venue, own = self.of(account.partition("/")[0]), self.of_account(account)
        if venue.is_silent("private"):
            return 0
        if own.skip_events:
            own.skip_events -= 1
            return 0
        return 2 if venue.duplicate_events else 1

    def _tell(self, act: Act) -> None:
        for listener in self._listeners:
            listener(act)
