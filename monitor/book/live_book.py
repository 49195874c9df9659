"""The book: events in, bands out. The one owner of the columns; no I/O, no clock of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from monitor.book.accounts import PLACEHOLDER, AccountState
from monitor.book.assessor import Assessor
from monitor.book.beside import Beside
from monitor.book.cutting import Cutting, cutting_of, warm_up
from monitor.book.describe import USUAL, Ask, Describer
from monitor.book.holdings import SnapshotVerdict
from monitor.book.placing import Placing
from monitor.book.publishing import Publishing
from monitor.book.quotes import Quotes
from monitor.book.settings import NO_MODELS, BookSettings, LevelsFor
from monitor.domain.assessment import MarginAssessment, Reason, TransferRoute
from monitor.domain.event import (
    AccountDelta,
    AccountRefused,
    AccountSnapshot,
    AssetPrice,
    Event,
    Instruments,
    LeverageChanged,
    MarkPrice,
    PriceHistory,
    PriceRejected,
    StreamAlive,
    StreamGap,
    StreamReady,
    VenueWarning,
)
from monitor.domain.identity import AccountId, PoolId
from monitor.domain.turn import Reconcile, Turn

ACCOUNT_TICK_NS = 250_000_000
BESIDE_TICK_NS = 1_000_000_000
ACCRUAL_TICK_NS = 60_000_000_000  # at 100 % a year a minute is two millionths of a debt


class LiveBook:
    """All accounts of this daemon. `declare` them first; then `apply` events and ask for a `turn`."""

    def __init__(self, settings: BookSettings) -> None:
        settings = settings._replace(models=settings.models or NO_MODELS)
        self.counts: dict[tuple[str, str], int] = {}  # (what, why) -> how often; read by the metrics
        self.quotes = Quotes(settings.index_gap_limit)
        self.accounts: dict[AccountId, AccountState] = {}
        self.placing = Placing(settings, self.quotes)
        self.assessor = Assessor(settings, self.quotes, self.placing)
        self._publishing = Publishing(settings, self.quotes, self.placing, self.assessor, self.accounts)
        self._beside = Beside(self.quotes, self.placing, self.assessor, settings.uses_beside)
        self._describer = Describer(self.quotes, self.placing, self.assessor, self.accounts)
        self._reconcile: dict[AccountId, Reconcile] = {}
        self._accounts_due_ns = 0
        self._accruals_due_ns = 0
        self._beside_due_ns = 0
        self._apply: dict[type, Callable[[Any, int], None]] = {
            Instruments: self._apply_instruments,
            AccountSnapshot: self._apply_snapshot,
            AccountDelta: self._apply_delta,
            LeverageChanged: self._apply_leverage,
            VenueWarning: self._apply_warning,
            StreamAlive: self._apply_alive,
            StreamGap: self._apply_gap,
            StreamReady: self._apply_ready,
            AccountRefused: self._apply_refused,
            PriceRejected: self._apply_rejected,
            PriceHistory: self._apply_history,
        }

    def declare(self, account: AccountId, desk: str, now_ns: int) -> None:
        """An account that must have a verdict from now on, UNKNOWN until its first snapshot."""
        state = AccountState(account, account.split("/", 1)[0], desk, now_ns)
        self.accounts[account] = state
        self._place(state, {PLACEHOLDER}, 0)

    def relevel(self, levels_for: LevelsFor) -> None:
        """Other levels from now on; the next turn tells what they change."""
        self.placing.relevel(levels_for)

    def reroute(self, routes: tuple[TransferRoute, ...]) -> None:
        """By which ways the desk moves collateral, from now on."""
        self._describer.routes = routes

    def apply(self, event: Event, wall_received_ns: int) -> None:
        """Takes one fact in. Prices go through `apply_prices`."""
        if isinstance(event, MarkPrice):
            self.apply_prices((event,), (), wall_received_ns - event.received_ns)
        elif isinstance(event, AssetPrice):
            self.apply_prices((), (event,), wall_received_ns - event.received_ns)
        else:
            self._apply[type(event)](event, wall_received_ns)

    def apply_prices(
        self, marks: Iterable[MarkPrice], assets: Iterable[AssetPrice], wall_offset_ns: int
    ) -> None:
        """Takes prices in; `wall_offset_ns` turns our monotonic times into wall times."""
        for mark in marks:
            row = self.quotes.find(mark.instrument)
            if row is None:
                continue  # an instrument that nobody holds, or that is not defined yet
            why_not = self.quotes.apply_mark(row, mark, mark.received_ns + wall_offset_ns)
            self._priced(row, "mark", why_not)
            if why_not is None:
                beside = self.placing.definitions.apply_beside(row, mark, mark.received_ns + wall_offset_ns)
                for quote in beside:
                    self.placing.touch_reader(quote)
        for asset in assets:
            self._apply_asset(asset, asset.received_ns + wall_offset_ns)

    def _apply_asset(self, event: AssetPrice, wall_ns: int) -> None:
        row = self.placing.asset_price_row(event)
        why_not = self.quotes.apply_value(row, event.index, event.venue_ns, event.received_ns, wall_ns)
        self._priced(row, "asset", why_not)
        average = self.placing.definitions.average_quote(event.venue, event.asset)
        if average is not None and event.average is not None and why_not is None:
            self.quotes.apply_value(average, event.average, event.venue_ns, event.received_ns, wall_ns)
            self.placing.touch_reader(average)

    def turn(self, now_ns: int, wall_ns: int, oldest_received_ns: int | None) -> Turn:
        """Ages, assesses what was touched, and says what changed."""
        if now_ns >= self._accounts_due_ns:
            self._accounts_due_ns = now_ns + ACCOUNT_TICK_NS
            for state in self.accounts.values():
                self._refresh(state, now_ns)
            self.placing.definitions.age_options(wall_ns)
            self._publishing.rules_changed(self._publishing.rules.ended(now_ns))
        if now_ns >= self._accruals_due_ns:
            self._accruals_due_ns = now_ns + ACCRUAL_TICK_NS
            self._accrue(wall_ns)
        self.placing.touch_readers(self.quotes.refresh(now_ns))
        if now_ns >= self._beside_due_ns:
            self._beside_due_ns = now_ns + BESIDE_TICK_NS
            self._beside.refresh(wall_ns)
        assessed = self.assessor.sweep()
        changed, removed, worried = self._publishing.changes(now_ns)
        for account, why in worried:
            self._want_snapshot(account, why)
        reconcile = tuple(self._reconcile.values())
        self._reconcile.clear()
        view = self._publishing.view(now_ns, wall_ns, bool(changed or removed))
        return Turn(wall_ns, now_ns, oldest_received_ns, changed, removed, reconcile, assessed, view)

    def describe(self, pool: PoolId, now_ns: int, wall_ns: int, ask: Ask = USUAL) -> MarginAssessment | None:
        """The full picture of one pool as it is now; None when there is no such pool."""
        return self._describer.describe(pool, now_ns, wall_ns, ask)

    def cutting(self, pool: PoolId) -> Cutting | None:
        """The pool as it shrinks, for a plan; None where no model says what a cut does."""
        placed, instruments = self.placing.pools.get(pool), self.placing.definitions.instruments
        return cutting_of(placed, self.assessor, self.quotes, instruments)

    def warm_up_cutting(self) -> None:
        """Compiles what `cutting` needs, before it is needed."""
        warm_up(self.assessor)

    def refresh_distances(self, count: int) -> None:
        """Solves the distance to liquidation of some pools, the endangered ones each time, the others in
        turn."""
        self.assessor.refresh_distances(count)

    def _accrue(self, wall_ns: int) -> None:
        for pool in [pool for pool in self.placing.pools.values() if pool.accrues]:
            self._place(self.accounts[pool.account], {pool.name}, wall_ns)

    def _apply_instruments(self, event: Instruments, wall_received_ns: int) -> None:
        changed = self._publishing.rules.note(event, self.placing.definitions)
        touched = self.placing.define(event)
        for account, pools in touched.items():
            self._place(self.accounts[account], pools, wall_received_ns)
        self._publishing.rules_changed(changed)

    def _apply_snapshot(self, event: AccountSnapshot, wall_received_ns: int) -> None:
        state = self._state(event.account)
        if state is None:
            return
        self.apply_prices((), event.prices, wall_received_ns - event.received_ns)
        verdict = state.holdings.apply_snapshot(event)
        if verdict is SnapshotVerdict.STALE:
            self._count("snapshot_rejected", "older")
            return
        if verdict is SnapshotVerdict.IMPLAUSIBLE:
            self._doubt(state, event)
            return
        state.is_implausible = False
        state.refused = Reason(0)
        state.reconciled_ns = event.received_ns
        before = set(state.pools)
        self._place(state, before | set(state.holdings.pools), wall_received_ns)
        self._refresh(state, event.received_ns)
        if self.assessor.compare(event, state):
            self._want_snapshot(event.account, "margin error")

    def _doubt(self, state: AccountState, event: AccountSnapshot) -> None:
        self._count("snapshot_rejected", "implausible")
        if not state.is_implausible:
            state.is_implausible = True
            state.implausible_since_ns = event.received_ns
        state.detail = "the venue says that everything is gone, and the stream told of nothing"
        self._refresh(state, event.received_ns)
        self._want_snapshot(event.account, "all gone", confirm=True)

    def _apply_delta(self, event: AccountDelta, wall_received_ns: int) -> None:
        state = self._state(event.account)
        if state is None:
            return
        changed, late = state.holdings.apply_delta(event)
        if late:
            self._count("out_of_order", "delta")
        self._place(state, changed, wall_received_ns)
        state.alive_ns = max(state.alive_ns or 0, event.received_ns)
        if any(self.placing.is_partial(state.id, pool) for pool in changed):
            self._want_snapshot(event.account, "a change that needs more than the stream tells")

    def _apply_leverage(self, event: LeverageChanged, wall_received_ns: int) -> None:
        state = self._state(event.account)
        if state is not None:
            self._place(state, state.holdings.apply_leverage(event), wall_received_ns)

    def _apply_warning(self, event: VenueWarning, _: int) -> None:
        self._want_snapshot(event.account, f"the venue warns: {event.detail}")

    def _apply_alive(self, event: StreamAlive, _: int) -> None:
        state = self._state(event.account)
        if state is not None:
            state.alive_ns = max(state.alive_ns or 0, event.received_ns)

    def _apply_gap(self, event: StreamGap, _: int) -> None:
        if event.account is None:
            self.quotes.gap(event.venue, is_open=True)
            return
        state = self._state(event.account)
        if state is None:
            return
        state.holdings.stream_broke()
        if state.gap_since_ns is None:
            state.gap_since_ns = event.received_ns
        state.detail = event.detail
        self._refresh(state, event.received_ns)
        self._want_snapshot(event.account, event.detail)

    def _apply_ready(self, event: StreamReady, _: int) -> None:
        if event.account is None:
            self.quotes.gap(event.venue, is_open=False)
            return
        state = self._state(event.account)
        if state is not None:
            state.gap_since_ns = None
            state.alive_ns = max(state.alive_ns or 0, event.received_ns)
            self._refresh(state, event.received_ns)

    def _apply_refused(self, event: AccountRefused, _: int) -> None:
        state = self._state(event.account)
        if state is None:
            return
        if not state.refused:
            state.refused_since_ns = event.received_ns
        state.refused = event.reason
        state.detail = event.detail
        self._refresh(state, event.received_ns)

    def _apply_rejected(self, event: PriceRejected, _: int) -> None:
        self._count("price_rejected", event.reason)

    def _apply_history(self, event: PriceHistory, _: int) -> None:
        self.quotes.take_history(event.instrument, event.prices)

    def _state(self, account: AccountId) -> AccountState | None:
        state = self.accounts.get(account)
        if state is None:
            self._count("foreign_account", account)
        return state

    def _place(self, state: AccountState, pools: Iterable[str], wall_ns: int) -> None:
        self.placing.place(state, pools, wall_ns)
        for pool in state.pools:
            self.placing.set_account_reasons(state.id, pool, int(state.reasons))

    def _refresh(self, state: AccountState, now_ns: int) -> None:
        if state.refresh(now_ns):
            for pool in state.pools:
                self.placing.set_account_reasons(state.id, pool, int(state.reasons))

    def _want_snapshot(self, account: AccountId, why: str, confirm: bool = False) -> None:
        before = self._reconcile.get(account)
        confirm = confirm or (before is not None and before.confirm)
        self._reconcile[account] = Reconcile(account, why, confirm)

    def _priced(self, row: int, kind: str, why_not: str | None) -> None:
        if why_not is None:
            self.placing.touch_reader(row)
        else:
            self._count("out_of_order", f"{kind} {why_not}")

    def _count(self, what: str, why: str) -> None:
        self.counts[what, why] = self.counts.get((what, why), 0) + 1
