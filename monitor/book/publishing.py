"""What leaves the book each turn: the states that changed, and an immutable copy of the columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitor.book.accounts import AccountState
from monitor.book.assessor import Assessor
from monitor.book.placing import PlacedPool, Placing
from monitor.book.quotes import Quotes
from monitor.book.rules import Key, RuleChanges, keys_of
from monitor.book.settings import BookSettings
from monitor.domain.assessment import Reason, RiskBand
from monitor.domain.identity import AccountId, PoolId
from monitor.domain.turn import BookView, PoolLabel, PoolState
from monitor.margin.models import MODELS

VIEW_EVERY_NS = 100_000_000
SILENCE = int(Reason.STALE | Reason.GAP)
PRICE_TROUBLES = {
    int(Reason.GAP): "price stream broken",
    int(Reason.PARTIAL): "no price yet",
    int(Reason.STALE): "price silent or frozen",
    int(Reason.IMPLAUSIBLE): "mark far from its index",
}
WORRIED_EVERY_NS = 5_000_000_000  # a pool close to liquidation is reconciled this often


@dataclass(slots=True)
class _Unknown:
    since_ns: int
    seen_ns: int


class Publishing:
    """Remembers what was said last, so that only changes are said."""

    def __init__(
        self,
        settings: BookSettings,
        quotes: Quotes,
        placing: Placing,
        assessor: Assessor,
        accounts: Mapping[AccountId, AccountState],
    ) -> None:
        self._settings = settings
        self._quotes = quotes
        self._placing = placing
        self._assessor = assessor
        self._accounts = accounts
        self.rules = RuleChanges()
        self._said: dict[PoolId, PoolState] = {}
        self._unknown: dict[PoolId, _Unknown] = {}
        self._worried_ns: dict[AccountId, int] = {}
        self._view: BookView | None = None
        self._labels: tuple[int, tuple[PoolLabel, ...], npt.NDArray[np.int64]] = (
            -1,
            (),
            np.zeros(0, np.int64),
        )

    def changes(
        self, now_ns: int
    ) -> tuple[tuple[PoolState, ...], tuple[PoolId, ...], list[tuple[AccountId, str]]]:
        """States that differ from what was said last, pools that are gone, and accounts to look at more
        often."""
        changed = []
        for row in self._assessor.take_crossed():
            pool = self._placing.by_row[row]
            state = self._state(pool, now_ns) if pool is not None else None
            if state is not None and state != self._said.get(state.pool):
                self._said[state.pool] = state
                changed.append(state)
        removed = tuple(self._placing.removed)
        self._placing.removed.clear()
        for pool_id in removed:
            self._said.pop(pool_id, None)
            self._unknown.pop(pool_id, None)
        return tuple(changed), removed, self._worried(now_ns)

    def view(self, now_ns: int, wall_ns: int, is_news: bool) -> BookView:
        """The newest copy; made again when there is news or the last one is a tenth of a second old."""
        if self._view is None or is_news or now_ns - self._view.now_ns >= VIEW_EVERY_NS:
            self._view = self._copy(now_ns, wall_ns)
        return self._view

    def rules_changed(self, keys: set[Key]) -> None:
        """What holds any of these has another state to tell."""
        for pool in self._placing.pools.values() if keys else ():
            if not keys.isdisjoint(keys_of(pool)):
                self._assessor.cross(pool.row)

    def _state(self, pool: PlacedPool, now_ns: int) -> PoolState:
        figures = self._assessor.figures[pool.row]
        band = RiskBand(int(figures.band))
        reasons = Reason(int(figures.reasons))
        unknown = self._note_unknown(pool, band, now_ns)
        return PoolState(
            pool=pool.id,
            desk=pool.desk,
            band=band,
            last_band=RiskBand(int(figures.last_band)),
            reasons=reasons,
            deficit=bool(figures.deficit),
            margin_error_open=self._assessor.is_margin_error_open(pool.row),
            venue_band=self._assessor.venue_band(pool.row),
            unknown_since_ns=unknown.since_ns if unknown else None,
            unknown_seen_ns=unknown.seen_ns if unknown else None,
            detail=self._detail(pool, now_ns) if unknown else "",
            rule_change=self.rules.of(pool),
        )

    def _note_unknown(self, pool: PlacedPool, band: RiskBand, now_ns: int) -> _Unknown | None:
        if band is not RiskBand.UNKNOWN:
            self._unknown.pop(pool.id, None)
            return None
        noted = self._unknown.get(pool.id)
        if noted is None:
            noted = self._unknown[pool.id] = _Unknown(self._fault_began_ns(pool, now_ns), now_ns)
        return noted

    def _fault_began_ns(self, pool: PlacedPool, now_ns: int) -> int:
        rows, reasons = self._reads(pool)
        seen_ns = self._quotes.seen_ns[rows]
        faulty = seen_ns[((reasons & SILENCE) != 0) & (seen_ns > 0)]
        began_ns = self._accounts[pool.account].fault_began_ns(now_ns)
        return min(began_ns, int(faulty.min())) if len(faulty) else began_ns

    def _reads(self, pool: PlacedPool) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Rows of the prices that it reads, and what is wrong with each: in columns, for where a venue falls
        silent every one of its pools asks."""
        rows = np.fromiter(pool.reads, np.int64, len(pool.reads))
        return rows, self._quotes.reasons[rows]

    def _detail(self, pool: PlacedPool, now_ns: int) -> str:
        account = self._accounts[pool.account].explain(now_ns)
        prices = self._price_trouble(pool)
        missing = pool.missing if self._accounts[pool.account].reconciled_ns is not None else ""
        words = [words for words in (account, missing, prices) if words]
        return "; ".join(words) or "a figure is not a finite number"

    def _price_trouble(self, pool: PlacedPool) -> str:
        rows, reasons = self._reads(pool)
        said = []
        for reason, text in PRICE_TROUBLES.items():
            troubled = rows[(reasons & reason) != 0]
            if len(troubled):
                names = sorted(self._quotes.name(row) for row in troubled)
                more = f" and {len(names) - 3} more" if len(names) > 3 else ""
                said.append(f"{text}: {', '.join(names[:3])}{more}")
        return "; ".join(said)

    def _worried(self, now_ns: int) -> list[tuple[AccountId, str]]:
        worried = []
        for state in self._said.values():
            if state.band < RiskBand.CRITICAL:
                continue
            account = AccountId(state.pool.rsplit("/", 1)[0])
            if now_ns - self._worried_ns.get(account, 0) >= WORRIED_EVERY_NS:
                self._worried_ns[account] = now_ns
                worried.append((account, "close to liquidation"))
        return worried

    def _copy(self, now_ns: int, wall_ns: int) -> BookView:
        labels, rows = self._labelled()
        figures = self._assessor.figures[rows]
        known = figures["band"] != int(RiskBand.UNKNOWN)
        told = self._told_rows(rows)
        solved = known & ~told  # of what the venue told, this was neither told nor solved
        price_seen, account_seen = self._seen(rows)
        return BookView(
            generation=self._labels[0],
            as_of_ns=wall_ns,
            now_ns=now_ns,
            pools=labels,
            equity=np.where(known, figures["equity"], np.nan),
            initial_margin=np.where(solved, figures["initial_margin"], np.nan),
            maintenance_margin=np.where(known, figures["maintenance_margin"], np.nan),
            band=figures["band"].astype(np.int64),
            reasons=figures["reasons"].astype(np.int64),
            deficit=figures["deficit"].astype(np.bool_),
            margin_error=self._assessor.margin_error[rows],
            distance=np.where(solved, self._assessor.distance[rows], np.nan),
            price_seen_ns=price_seen,
            account_seen_ns=account_seen,
            positions=self._position_counts(rows, told),
        )

    def _labelled(self) -> tuple[tuple[PoolLabel, ...], npt.NDArray[np.int64]]:
        if self._labels[0] != self._placing.generation:
            pools = [pool for pool in self._placing.by_row if pool is not None]
            labels = tuple(_label(pool) for pool in pools)
            rows = np.array([pool.row for pool in pools], dtype=np.int64)
            self._labels = (self._placing.generation, labels, rows)
        return self._labels[1], self._labels[2]

    def _told_rows(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which of them are the venue's word."""
        models = np.array([MODELS[name].is_told for name in self._settings.models], dtype=np.bool_)
        return np.asarray(models[self._placing.columns.pools["model"][rows]], dtype=np.bool_)

    def _position_counts(
        self, rows: npt.NDArray[np.int64], told: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.int64]:
        counts = self._assessor.position_counts(rows)
        for place in np.flatnonzero(told):
            pool = self._placing.by_row[rows[place]]
            counts[place] = 0 if pool is None else len(pool.legs)
        return counts

    def _seen(self, rows: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        price_seen = self._assessor.oldest_mark(rows)
        reconciled = {account: state.reconciled_ns or 0 for account, state in self._accounts.items()}
        account_seen = np.array([reconciled[label.account] for label in self._labels[1]], dtype=np.int64)
        return price_seen, account_seen


def _label(pool: PlacedPool) -> PoolLabel:
    return PoolLabel(
        id=pool.id,
        account=pool.account,
        venue=pool.venue,
        desk=pool.desk,
        model=pool.fact.model,
        unit=pool.fact.unit,
    )
