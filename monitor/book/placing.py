"""From facts to rows: which pool, balance, position, instrument and asset lies in which row, and which pools
read a price."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

import msgspec
import numpy as np
import numpy.typing as npt

from monitor.book.accounts import AccountState
from monitor.book.columns import BalanceRow, Columns, PositionRow, Standing
from monitor.book.definitions import Definitions
from monitor.book.growing import grown
from monitor.book.holdings import is_money
from monitor.book.lacking import lacking
from monitor.book.placed import NO_POOL
from monitor.book.placed import PlacedPool as PlacedPool
from monitor.book.quotes import Quotes
from monitor.book.settings import BookSettings, LevelRow, LevelsFor
from monitor.domain.assessment import Reason
from monitor.domain.event import AssetPrice, BalanceFact, Instruments, PositionFact
from monitor.domain.identity import AccountId, InstrumentId, PoolId, pool_id
from monitor.margin.amounts import amounts_now, is_stated_before

NOT_NEEDED = 1.0  # the leverage of a position whose model reads none


class Placing:
    """Gives rows and writes them; answers who lies where."""

    def __init__(self, settings: BookSettings, quotes: Quotes) -> None:
        self._settings = settings
        self._quotes = quotes
        self.columns = Columns()
        self.pools: dict[PoolId, PlacedPool] = {}
        self.by_row: list[PlacedPool | None] = []
        self.definitions = Definitions(quotes, self.columns)
        self.levels: list[LevelRow] = []
        self.touched: npt.NDArray[np.bool_] = np.zeros(16, dtype=np.bool_)
        self.removed: list[PoolId] = []
        self.vacated: list[int] = []  # rows whose figures belong to nobody any more
        self.generation = 0
        self._free: list[int] = []
        self._readers: defaultdict[int, set[int]] = defaultdict(set)
        self._reader_rows: dict[int, npt.NDArray[np.int64]] = {}

    def define(self, event: Instruments) -> dict[AccountId, set[str]]:
        """Takes definitions in; answers the pools that must be placed again, by account."""
        for instrument in event.instruments:
            self.definitions.define(instrument)
        for asset in event.assets:
            self._touch_all(self.definitions.define_asset(asset))
        again: defaultdict[AccountId, set[str]] = defaultdict(set)
        for pool in self.pools.values():
            if pool.venue == event.venue and (pool.missing or pool.legs):
                again[pool.account].add(pool.name)
        return again

    def asset_price_row(self, event: AssetPrice) -> int:
        """The row of a collateral price; writes changed haircuts through to the assets."""
        self._touch_all(self.definitions.apply_buffers(event))
        return self.definitions.asset_quote(event.venue, event.asset)

    def place(self, state: AccountState, names: Iterable[str], wall_ns: int) -> None:
        """Writes pools of an account from its holdings, as they are at `wall_ns`; one that the holdings no
        longer know is removed."""
        holdings = state.holdings
        for name in names:
            balances = [fact for fact in holdings.balances.values() if fact.pool == name]
            positions = [fact for fact in holdings.positions.values() if fact.pool == name]
            fact = holdings.pools.get(name)
            if holdings.seen and fact is None and not positions and not any(is_money(b) for b in balances):
                self._remove(state, name)
                continue
            pool = self._pool(state, name)
            if fact is not None and (fact.model, fact.unit) != (pool.fact.model, pool.fact.unit):
                self.generation += 1
            pool.fact = fact or NO_POOL
            self._write(pool, balances, positions, wall_ns)

    def is_partial(self, account: AccountId, name: str) -> bool:
        """Whether the pool lacks something that only a snapshot brings."""
        pool = self.pools.get(pool_id(account, name))
        return pool is not None and bool(pool.own_reasons & Reason.PARTIAL)

    def set_account_reasons(self, account: AccountId, name: str, reasons: int) -> None:
        """Writes why the pool is unknown: its account's reasons and its own."""
        pool = self.pools[pool_id(account, name)]
        row = self.columns.pools[pool.row]
        after = reasons | pool.own_reasons
        if row.reasons != after:
            row.reasons = after
            self.touched[pool.row] = True

    def touch_reader(self, quote: int) -> None:
        """A price moved: all pools that read it are to be assessed."""
        rows = self._reader_rows.get(quote)
        if rows is None:
            rows = np.fromiter(self._readers.get(quote, ()), dtype=np.int64)
            self._reader_rows[quote] = rows
        self.touched[rows] = True

    def _touch_all(self, quotes: Iterable[int]) -> None:
        for quote in quotes:
            self.touch_reader(quote)

    def touch_readers(self, quotes: npt.NDArray[np.int64]) -> None:
        """As `touch_reader`, for several."""
        for quote in quotes:
            self.touch_reader(int(quote))

    def mark_row(self, instrument: InstrumentId) -> int | None:
        """The quote row of an instrument's mark."""
        return self._quotes.find(instrument)

    def _pool(self, state: AccountState, name: str) -> PlacedPool:
        identity = pool_id(state.id, name)
        pool = self.pools.get(identity)
        if pool is None:
            row = self._free.pop() if self._free else len(self.by_row)
            pool = PlacedPool(row, identity, state.id, state.venue, state.desk, name)
            if row == len(self.by_row):
                self.by_row.append(None)
            if row >= len(self.touched):
                self.touched = grown(self.touched, row + 1, False)
            self.by_row[row] = pool
            self.pools[identity] = pool
            state.pools.add(name)
            self.generation += 1
        return pool

    def _remove(self, state: AccountState, name: str) -> None:
        pool = self.pools.pop(pool_id(state.id, name), None)
        state.pools.discard(name)
        if pool is None:
            return
        self._read_by(pool, frozenset())
        self.columns.remove_pool(pool.row)
        self.by_row[pool.row] = None
        self.touched[pool.row] = False
        self._free.append(pool.row)
        self.vacated.append(pool.row)
        self.removed.append(pool.id)
        self.generation += 1

    def _write(
        self, pool: PlacedPool, balances: list[BalanceFact], positions: list[PositionFact], wall_ns: int
    ) -> None:
        model, unit = pool.fact.model, pool.fact.unit
        pool.placed_ns = wall_ns
        pool.accrues = any(fact.accrual is not None for fact in balances)
        if pool.is_told:
            self._write_told(pool, positions)
            return
        known = [fact for fact in positions if self.definitions.instrument_row(fact.instrument) is not None]
        self._explain(pool, positions)
        by_asset: dict[str, tuple[BalanceFact, list[PositionFact]]] = {b.asset: (b, []) for b in balances}
        for fact in known:
            asset = self.definitions.instruments[fact.instrument].settle_asset
            if asset not in by_asset:
                by_asset[asset] = (BalanceFact(pool.name, asset, Decimal(0)), [])
            by_asset[asset][1].append(fact)
        grouped = [
            (
                self._balance_row(pool, self._now(balance, group, wall_ns), unit),
                [self._position_row(fact) for fact in group],
            )
            for balance, group in by_asset.values()
        ]
        levels = self._levels_row(pool)
        index = self._settings.models.index(model) if model in self._settings.models else 0
        standing = Standing(index, levels, pool.fact.category, float(pool.fact.threshold))
        self.columns.write_pool(pool.row, standing, grouped)
        pool.assets = tuple(by_asset)
        pool.legs = tuple(fact for _, group in by_asset.values() for fact in group)
        reads = {quote for _, group in grouped for row in group for quote in self.definitions.reads(row[0])}
        for balance, _ in grouped:
            asset_row = self.columns.assets[balance[0]]
            reads |= {int(asset_row.price), int(asset_row.average)}
        self._read_by(pool, frozenset(reads))
        self.touched[pool.row] = True

    def _write_told(self, pool: PlacedPool, positions: list[PositionFact]) -> None:
        """The venue's word: one balance in the pool's unit to stand on, and no price that may be missing."""
        fact = pool.fact
        self._explain(pool, [])
        if fact.told is None and not pool.own_reasons:
            pool.own_reasons = int(Reason.UNSUPPORTED)
            pool.missing = fact.untold or "the venue does not tell its margin ratio"
        told = (0.0, 0.0) if fact.told is None else (fact.told.equity, fact.told.maintenance_margin)
        index = self._settings.models.index(fact.model) if fact.model in self._settings.models else 0
        ground = self._balance_row(pool, BalanceFact(pool.name, fact.unit, Decimal(0)), fact.unit)
        figures = (float(told[0]), float(told[1]))
        standing = Standing(index, self._levels_row(pool), told=figures)
        self.columns.write_pool(pool.row, standing, [(ground, [])])
        pool.assets, pool.legs = (fact.unit,), tuple(positions)
        self._read_by(pool, frozenset())
        self.touched[pool.row] = True

    def _explain(self, pool: PlacedPool, positions: list[PositionFact]) -> None:
        """Why the pool by itself can't be assessed."""
        pool.own_reasons, pool.missing = lacking(
            pool.fact, positions, self._settings.models, self.definitions
        )

    def _now(self, fact: BalanceFact, group: list[PositionFact], wall_ns: int) -> BalanceFact:
        legs = [(leg, self.definitions.instruments[leg.instrument]) for leg in group]
        if not is_stated_before(fact, legs):
            return fact
        wallet, borrowed = amounts_now(fact, legs, wall_ns, lambda stated, _: stated)
        return msgspec.structs.replace(fact, wallet=wallet, borrowed=borrowed)

    def _balance_row(self, pool: PlacedPool, fact: BalanceFact, unit: str) -> BalanceRow:
        asset = self.definitions.asset_row(pool.venue, fact.asset, unit)
        return asset, float(fact.wallet), float(fact.borrowed), float(fact.order_loss), int(fact.collateral)

    def _position_row(self, fact: PositionFact) -> PositionRow:
        row = self.definitions.instrument_row(fact.instrument)
        assert row is not None, fact.instrument
        leverage = NOT_NEEDED if fact.leverage is None else float(fact.leverage)
        amounts = (float(fact.quantity), float(fact.entry_price), leverage)
        return row, *amounts, float(fact.bids), float(fact.asks)

    def relevel(self, levels_for: LevelsFor) -> None:
        """Other levels from now on: every pool is judged by them at the next sweep."""
        self._settings = self._settings._replace(levels_for=levels_for)
        for pool in self.pools.values():
            self.columns.pools[pool.row].levels = self._levels_row(pool)
            self.touched[pool.row] = True

    def _levels_row(self, pool: PlacedPool) -> int:
        levels = self._settings.levels_for(pool.account, pool.desk, pool.fact.model, pool.name)
        if levels not in self.levels:
            self.levels.append(levels)
        return self.levels.index(levels)

    def _read_by(self, pool: PlacedPool, reads: frozenset[int]) -> None:
        if reads == pool.reads:
            return
        for quote in pool.reads ^ reads:
            (self._readers[quote].add if quote in reads else self._readers[quote].discard)(pool.row)
            self._reader_rows.pop(quote, None)
        pool.reads = reads
