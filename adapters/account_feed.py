"""One account: may its key be used, what does it hold, and does its stream tell every change.

The order after every (re)connection is StreamGap, AccountSnapshot, what the stream told meanwhile,
StreamReady. What arrives while the snapshot is read waits in a buffer, so that it is neither lost nor laid
on a stale base.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

import structlog

from adapters.backoff import Backoff
from adapters.link import StreamBroken
from adapters.session import Alive, Broken, Flowing, Misheard, Moved, Opened, Session, Signal, Tools
from adapters.upkeep import CALL_TIMEOUT_S, Refused, Upkeep, words
from adapters.venue import (
    KeyRefused,
    Post,
    RateLimited,
    SnapshotSource,
    Stream,
    UnsupportedMode,
    VenueSpec,
    VenueUnavailable,
)
from monitor.config import Account
from monitor.domain.assessment import Reason
from monitor.domain.event import (
    AccountDelta,
    AccountRefused,
    AccountSnapshot,
    Event,
    LeverageChanged,
    StreamAlive,
    StreamGap,
    StreamReady,
    VenueWarning,
)
from monitor.domain.identity import InstrumentId, account_id

log = structlog.get_logger()
RECONCILE_S = 45.0  # minus jitter: the book calls an account stale at 60 s
RECONCILE_JITTER_S = 5.0
RECONCILE_SPACING_S = 2.0
FIRST_SNAPSHOT_S = 5.0  # without a stream; with one, its opening asks for it
OPENING_S = 2.0  # a snapshot waits so long for a stream that is just being opened again
BUFFER_LIMIT = 10_000
ALIVE_EVERY_NS = 500_000_000
Changes = AccountDelta | AccountSnapshot | LeverageChanged | VenueWarning


class AccountFeed:
    """Run one per account, supervised. `held` is told every instrument that the account holds."""

    def __init__(
        self,
        account: Account,
        spec: VenueSpec,
        post: Post,
        tools: Tools,
        held: Callable[[Iterable[InstrumentId]], None],
    ) -> None:
        self.id = account_id(account.venue, account.name)
        self._account = account
        self._spec = spec
        self._post = post
        self._tools = tools
        self._held = held
        self._clock = tools.clock
        self._backoff = Backoff(tools.rng)
        self._upkeep = Upkeep(self.id, self._refuse, tools.rng)
        self._wanted = asyncio.Event()
        self._confirm = False
        self._opening = asyncio.Event()  # set while a connection is subscribed
        self._is_whole = False  # ... and the snapshot that it stands on was posted
        self._gap_told = ""
        self._opened = 0  # counts what makes a snapshot that is under way too old
        self._buffer: list[Changes] = []
        self._alive_ns = 0
        self._tried_ns = 0

    def reconcile_soon(self, reason: str, confirm: bool = False) -> None:
        """Asks for a snapshot at once (at most one in two seconds); with `confirm` from two endpoints."""
        if not self._wanted.is_set():
            log.info("reconcile_wanted", account=self.id, reason=reason)
        self._confirm = self._confirm or confirm
        self._wanted.set()

    async def run(self) -> None:
        """For ever; a bug here ends in the supervisor, everything of the world's is handled."""
        source = self._spec.source(self._account, self._clock, self._tools.metrics, self._tools.gate)
        try:
            while True:
                checked = await self._upkeep.admit(source)
                await self._watch(source, checked)
        finally:
            self._shut()
            await source.close()

    async def _watch(self, source: SnapshotSource, checked: bool) -> None:
        """Everything at once, until the key turns out to be one that we refuse."""
        session = Session(
            self._account.venue,
            "private",
            self.id,
            lambda: self._define(source),
            self._tell,
            self._tools.gate.private_connects,
            self._tools,
        )
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(session.run())
                group.create_task(self._stay_in_step(source))
                renewal = self._upkeep.keep_alive(source, self._spec.keep_alive_every_s, session.reopen)
                group.create_task(renewal)
                group.create_task(self._upkeep.check_again(source, checked))
        except* KeyRefused as refused:
            self._shut()
            self._refuse(KeyRefused(str(refused.exceptions[0])))
        await asyncio.sleep(self._upkeep.slowly_s())

    async def _define(self, source: SnapshotSource) -> Stream:
        """What the session connects to."""
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                return await source.private_stream()
        except (KeyRefused, UnsupportedMode) as refused:
            self._refuse(refused)
            broken = StreamBroken("key_refused", str(refused), retry_after_s=self._upkeep.slowly_s())
        except RateLimited as limited:
            broken = StreamBroken("rate_limited", words(limited), retry_after_s=limited.retry_after_s)
        except (VenueUnavailable, TimeoutError) as failed:
            broken = StreamBroken("unavailable", words(failed))
        raise broken

    def _tell(self, news: Sequence[Event] | Signal) -> None:
        """What the session says."""
        match news:
            case Alive(at_ns) | Flowing(at_ns):
                self._lives(at_ns)
            case Opened(at_ns):
                self._opening.set()
                self._is_whole = False
                self._opened += 1
                self._buffer.clear()
                self._lives(at_ns)
                self.reconcile_soon("stream opened")
            case Moved(_):
                self._opening.set()
                self.reconcile_soon("stream moved")
            case Misheard(reason, at_ns):
                self._lives(at_ns)
                self.reconcile_soon(f"a frame was not understood: {reason}")
            case Broken(_, detail, since_ns):
                self._opening.clear()
                self._gap(detail, since_ns)
            case events:
                for event in events:
                    self._take(event)

    def _take(self, event: Event) -> None:
        if isinstance(event, StreamGap):
            self._opening.clear()  # the session opens a new connection
            self._gap(event.detail, event.received_ns)
            return
        self._lives(event.received_ns)
        if not isinstance(event, Changes):
            self._post(event)
        elif self._is_whole:
            self._pass_on(event)
        elif len(self._buffer) < BUFFER_LIMIT:
            self._buffer.append(event)
        else:
            self._buffer.clear()
            self._opened += 1  # the snapshot under way knows too little
            self.reconcile_soon("buffer full")

    def _pass_on(self, event: Changes) -> None:
        self._post(event)
        if isinstance(event, AccountDelta | AccountSnapshot):
            self._held(fact.instrument for fact in event.positions if fact.quantity)

    def _gap(self, detail: str, since_ns: int) -> None:
        """Tells the book, once for each new detail; the next opening asks for a snapshot."""
        self._is_whole = False
        self._opened += 1
        self._buffer.clear()
        if detail != self._gap_told:
            self._gap_told = detail
            self._post(StreamGap(self._account.venue, self.id, detail, since_ns))

    def _lives(self, at_ns: int) -> None:
        if at_ns - self._alive_ns >= ALIVE_EVERY_NS:
            self._alive_ns = at_ns
            self._post(StreamAlive(self.id, at_ns))

    async def _stay_in_step(self, source: SnapshotSource) -> None:
        """Snapshots: at once after a gap or on request, and every 45 s anyway."""
        pause_s = FIRST_SNAPSHOT_S
        while True:
            await _set_or(self._wanted, pause_s)
            await _set_or(self._opening, OPENING_S)
            await self._space_out()
            confirm, self._confirm = self._confirm, False
            self._wanted.clear()
            failed_pause_s = await self._reconcile(source, confirm)
            if failed_pause_s is None:
                pause_s = RECONCILE_S - self._tools.rng.uniform(0, RECONCILE_JITTER_S)
                continue
            self._confirm = self._confirm or confirm
            self._wanted.set()
            await asyncio.sleep(failed_pause_s)

    async def _space_out(self) -> None:
        """Two seconds between snapshots, but none before one that a reopened stream waits for."""
        since_s = (self._clock.monotonic_ns() - self._tried_ns) / 1e9
        if since_s < RECONCILE_SPACING_S and not self._is_awaited():
            await asyncio.sleep(RECONCILE_SPACING_S - since_s)

    async def _reconcile(self, source: SnapshotSource, confirm: bool) -> float | None:
        """One snapshot; answers how long to wait before the next try, None when it succeeded."""
        opened, self._tried_ns = self._opened, self._clock.monotonic_ns()
        result = self._tools.metrics.snapshots
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                snapshot = await source.snapshot(confirm)
        except (KeyRefused, UnsupportedMode) as refused:
            result.labels(self._account.venue, "refused").inc()
            self._refuse(refused)
            return self._upkeep.slowly_s()
        except RateLimited as limited:
            result.labels(self._account.venue, "rate_limited").inc()
            return limited.retry_after_s + self._tools.rng.uniform(0, RECONCILE_SPACING_S)
        except (VenueUnavailable, TimeoutError) as failed:
            result.labels(self._account.venue, "unavailable").inc()
            log.warning("snapshot_failed", account=self.id, error=words(failed))
            return self._backoff.next_s()
        result.labels(self._account.venue, "ok").inc()
        self._backoff.reset()
        self._post(snapshot)
        self._held(fact.instrument for fact in snapshot.positions)
        if self._is_awaited():
            self._become_whole(snapshot, opened)
        return None

    def _become_whole(self, snapshot: AccountSnapshot, opened: int) -> None:
        """After the snapshot that a gap asked for: what the stream told meanwhile, then StreamReady."""
        if opened != self._opened:
            self.reconcile_soon("the stream broke while the snapshot was read")
            return
        self._is_whole = True
        self._gap_told = ""
        for event in self._buffer:
            if event.venue_ns >= snapshot.venue_ns:
                self._pass_on(event)
        self._buffer.clear()
        self._post(StreamReady(self._account.venue, self.id, self._clock.monotonic_ns()))

    def _is_awaited(self) -> bool:
        """Whether there is a stream that only wants its snapshot."""
        return self._opening.is_set() and not self._is_whole

    def _shut(self) -> None:
        self._opening.clear()
        self._is_whole = False

    def _refuse(self, refused: Refused) -> None:
        reason = Reason.UNSUPPORTED if isinstance(refused, UnsupportedMode) else Reason.REJECTED
        self._tools.metrics.auth_failures.labels(self._account.venue).inc()
        log.error("account_refused", account=self.id, reason=reason.name, detail=str(refused))
        self._post(AccountRefused(self.id, reason, str(refused), self._clock.monotonic_ns()))


async def _set_or(event: asyncio.Event, timeout_s: float) -> None:
    """Waits for the event, but no longer than that."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return
