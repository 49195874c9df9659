"""One account of an exchange that only ccxt knows: read in full every few seconds, and at once when it stirs.

What the exchange says of its margin it says by REST, so the readings are what the account stands on, and the
streams of ccxt only say when to read sooner. A stream that breaks is a gap until the next reading.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

import structlog

from adapters.backoff import Backoff
from adapters.ccxt_venue.client import ReadOnlyClient, opened
from adapters.ccxt_venue.entry import Entry
from adapters.ccxt_venue.market_share import MarketShare
from adapters.ccxt_venue.source import CcxtSource
from adapters.session import Tools
from adapters.upkeep import CALL_TIMEOUT_S, Refused, Upkeep, words
from adapters.venue import KeyRefused, Post, RateLimited, UnsupportedMode, VenueUnavailable
from monitor.config import Account
from monitor.domain.assessment import Reason
from monitor.domain.event import (
    AccountRefused,
    AccountSnapshot,
    MarkPrice,
    StreamAlive,
    StreamGap,
    StreamReady,
)
from monitor.domain.identity import InstrumentId, account_id

log = structlog.get_logger()
POLL_S = 2.5  # from one reading to the next: an account that told nothing for 6 s is stale
LONGEST_POLL_S = 4.5
POLL_S_AN_ACCOUNT = 0.45  # the exchange counts by our address: many accounts read slower
SPACING_S = 1.0  # at least, between readings that news ask for
START_AGAIN_AFTER = 5  # failed readings in a row
HEALTHY_S = 10.0  # a stream that lasted so long was one
WATCHES = {"watchPositions": "watch_positions", "watchBalance": "watch_balance"}
SPEAKS_AGAIN_S = 0.1  # between two waits for news: every message is heard anyway


class _StartAgainError(Exception):
    """ccxt decides some things once for all (a classic or a unified account): a new client decides again."""


class CcxtAccountFeed:
    """Run one per account, supervised. `held` is told every instrument that the account holds."""

    def __init__(
        self,
        account: Account,
        name: str,
        entry: Entry | None,
        post: Post,
        tools: Tools,
        held: Callable[[Iterable[InstrumentId]], None],
        share: MarketShare,
    ) -> None:
        self.id = account_id(account.venue, account.name)
        self._account = account
        self._name = name
        self._entry = entry
        self._post = post
        self._tools = tools
        self._held = held
        self._share = share
        self._clock = tools.clock
        self._upkeep = Upkeep(self.id, self._refuse, tools.rng)
        self._backoff = Backoff(tools.rng)
        self._wanted = asyncio.Event()
        self._confirm = False
        self._is_gap = False
        self._is_whole = False  # the book was told that what it has is whole
        self._gaps = 0  # counts what makes a reading that is under way too old
        self._began_ns = 0

    def reconcile_soon(self, reason: str, confirm: bool = False) -> None:
        """Asks for a reading at once; with `confirm` for two that agree."""
        if not self._wanted.is_set():
            log.info("reconcile_wanted", account=self.id, reason=reason)
        self._confirm = self._confirm or confirm
        self._wanted.set()

    async def run(self) -> None:
        """For ever; an exchange that tells its ratio nobody knows where is refused by name."""
        if self._entry is None:
            await self._refuse_for_good(
                f"ccxt:{self._name}: margind does not know where this exchange tells its margin ratio"
            )
        if self._account.subaccount is not None:
            await self._refuse_for_good(
                "a subaccount through ccxt: use a key of its own, without `subaccount`"
            )
        assert self._entry is not None
        with self._share.member(self.id):
            while True:
                client = await self._opened(self._entry)
                source = CcxtSource(self.id, client, self._entry, self._clock)
                try:
                    checked = await self._upkeep.admit(source)
                    await self._follow(client, source, checked)
                finally:
                    await source.close()

    async def _refuse_for_good(self, why: str) -> None:
        self._refuse(UnsupportedMode(why))
        await asyncio.Event().wait()

    async def _opened(self, entry: Entry) -> ReadOnlyClient:
        """A client with markets, however long it takes."""
        while True:
            try:
                client = await opened(self._name, self._account, entry, self._tools.gate)
            except (KeyRefused, UnsupportedMode) as refused:
                self._refuse(refused)
                await asyncio.sleep(self._upkeep.slowly_s())
                continue
            pause_s = await self._tried(partial(self._share.load, client), "markets", CALL_TIMEOUT_S * 3)
            if pause_s is None:
                return client
            await client.close()
            await asyncio.sleep(pause_s)

    async def _follow(self, client: ReadOnlyClient, source: CcxtSource, checked: bool) -> None:
        """Everything at once, until the key turns out to be one that we refuse."""
        frames = self._tools.metrics.frames.labels(self._account.venue, "private")

        def heard() -> None:
            frames.inc()
            self._wanted.set()

        client.heard, client.broken = heard, self._gap
        pause_s = 0.0
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._stay_in_step(source))
                group.create_task(self._upkeep.check_again(source, checked))
                for name, method in WATCHES.items():
                    if client.has(name):
                        group.create_task(self._listen(client, method))
        except* KeyRefused as refused:
            self._refuse(KeyRefused(str(refused.exceptions[0])))
            pause_s = self._upkeep.slowly_s()
        except* _StartAgainError:
            pause_s = self._backoff.next_s()
        await asyncio.sleep(pause_s)

    async def _stay_in_step(self, source: CcxtSource) -> None:
        """One reading after another: when one is asked for, and every few seconds anyway."""
        failures = 0
        while True:
            self._began_ns = self._clock.monotonic_ns()
            confirm, self._confirm = self._confirm, False
            self._wanted.clear()  # what is heard from here on asks for another reading
            read = partial(self._read, source, confirm, self._gaps)
            pause_s = await self._tried(read, "snapshot", CALL_TIMEOUT_S)
            failures = 0 if pause_s is None else failures + 1
            if failures == START_AGAIN_AFTER:
                raise _StartAgainError
            if pause_s is not None:
                self._confirm = self._confirm or confirm
                await asyncio.sleep(pause_s)
                continue
            await self._until_due()

    async def _until_due(self) -> None:
        """A second apart at least, and no longer than the poll; both longer where many accounts are read."""
        share_s = min(POLL_S_AN_ACCOUNT * self._share.members, LONGEST_POLL_S)
        spacing_s, poll_s = max(SPACING_S, share_s), max(POLL_S, share_s)
        await asyncio.sleep(max(0.0, spacing_s - self._age_s(self._began_ns)))
        try:
            async with asyncio.timeout(max(0.0, poll_s - self._age_s(self._began_ns))):
                await self._wanted.wait()
        except TimeoutError:
            return

    async def _read(self, source: CcxtSource, confirm: bool, gaps: int) -> None:
        snapshot = await source.snapshot(confirm)
        self._post(snapshot)
        self._post(StreamAlive(self.id, snapshot.received_ns))
        self._held(fact.instrument for fact in snapshot.positions)
        self._tell_marks(snapshot)
        if gaps == self._gaps and not self._is_whole:  # no gap began while it was read
            self._is_gap, self._is_whole = False, True
            self._post(StreamReady(self._account.venue, self.id, snapshot.received_ns))

    def _tell_marks(self, snapshot: AccountSnapshot) -> None:
        for instrument, mark in snapshot.marks.items():
            self._post(MarkPrice(instrument, mark, None, None, None, 0, snapshot.received_ns))

    async def _tried(self, call: Callable[[], Awaitable[None]], what: str, timeout_s: float) -> float | None:
        """Answers how long to wait before the next try, None when it succeeded."""
        result = self._tools.metrics.snapshots
        try:
            async with asyncio.timeout(timeout_s):
                await call()
        except (KeyRefused, UnsupportedMode) as refused:
            result.labels(self._account.venue, "refused").inc()
            self._refuse(refused)
            return self._upkeep.slowly_s()
        except RateLimited as limited:
            result.labels(self._account.venue, "rate_limited").inc()
            return limited.retry_after_s + self._tools.rng.uniform(0, 2.0)
        except (VenueUnavailable, TimeoutError) as failed:
            result.labels(self._account.venue, "unavailable").inc()
            log.warning(f"{what}_failed", account=self.id, error=words(failed))
            return self._backoff.next_s()
        result.labels(self._account.venue, "ok").inc()
        self._backoff.reset()
        return None

    async def _listen(self, client: ReadOnlyClient, method: str) -> None:
        """One of ccxt's streams, kept; what it says is heard elsewhere, here is only whether it lives."""
        backoff = Backoff(self._tools.rng)
        while True:
            began_ns = self._clock.monotonic_ns()
            try:
                await client.watch(method)
            except UnsupportedMode as unsupported:
                log.info("not_watched", account=self.id, what=method, error=str(unsupported))
                return
            except (VenueUnavailable, KeyRefused) as failed:
                log.info("watch_failed", account=self.id, what=method, error=words(failed))
                if self._age_s(began_ns) > HEALTHY_S:
                    backoff.reset()
                    self._gap(words(failed))
                await asyncio.sleep(max(getattr(failed, "retry_after_s", 0.0), backoff.next_s()))
            else:
                await asyncio.sleep(SPEAKS_AGAIN_S)

    def _gap(self, detail: str) -> None:
        """A stream that was one is over: what happened until it is back, the next reading tells."""
        self._tools.metrics.reconnects.labels(self._account.venue, "private", "closed").inc()
        log.warning("stream_broken", venue=self._account.venue, who=self.id, reason="closed", detail=detail)
        self._gaps += 1
        self._is_whole = False
        if not self._is_gap:
            self._is_gap = True
            self._post(StreamGap(self._account.venue, self.id, detail, self._clock.monotonic_ns()))
        self._wanted.set()

    def _refuse(self, refused: Refused) -> None:
        reason = Reason.UNSUPPORTED if isinstance(refused, UnsupportedMode) else Reason.REJECTED
        self._tools.metrics.auth_failures.labels(self._account.venue).inc()
        log.error("account_refused", account=self.id, reason=reason.name, detail=str(refused))
        self._post(AccountRefused(self.id, reason, str(refused), self._clock.monotonic_ns()))

    def _age_s(self, since_ns: int) -> float:
        return (self._clock.monotonic_ns() - since_ns) / 1e9
