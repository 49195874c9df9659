"""The tables behind the book and who lies where in them. Knows rows, not meaning: `LiveBook` decides what to
write.

A pool's balances lie side by side, and so do its positions. Each pool has a block with some room; one that
outgrows its block moves to the end, and the holes are squeezed out when they are half of the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np

from monitor.book.growing import grown
from monitor.book.tables import Rows, dtype_of, empty_rows
from monitor.margin import rows as row_types

FIRST_ROOM = 4

BalanceRow = tuple[int, float, float, float, int]  # asset, wallet, borrowed, order_loss, collateral
PositionRow = tuple[
    int, float, float, float, float, float
]  # instrument, quantity, entry_price, leverage, bids, asks
TierRows = Sequence[row_types.Tier[float]]


class Standing(NamedTuple):
    """What a pool's row says of the pool itself; `told` is equity and maintenance margin on the venue's
    word."""

    model: int
    levels: int
    category: int = -1
    threshold: float = 1.0
    told: tuple[float, float] = (0.0, 0.0)


@dataclass(slots=True)
class _Block:
    first: int
    room: int


class BlockTable:
    """One table in which every owner has one block."""

    def __init__(self, row: type) -> None:
        self.rows: Rows = empty_rows(row, FIRST_ROOM)
        self._used = 0
        self._wasted = 0
        self._blocks: dict[int, _Block] = {}

    def reserve(self, owner: int, count: int) -> int:
        """The first row of a block of at least `count` rows; what the block held may be gone."""
        block = self._blocks.get(owner)
        if block is not None and count <= block.room:
            return block.first
        if block is not None:
            self._wasted += block.room
        room = max(1, 1 << max(0, count - 1).bit_length())
        if self._used + room > len(self.rows):
            self.rows = grown(self.rows, self._used + room, np.zeros(1, self.rows.dtype)[0]).view(np.recarray)
        self._blocks[owner] = _Block(self._used, room)
        self._used += room
        return self._blocks[owner].first

    def release(self, owner: int) -> None:
        """The owner is gone."""
        block = self._blocks.pop(owner, None)
        self._wasted += block.room if block is not None else 0

    @property
    def is_wasteful(self) -> bool:
        """Whether squeezing would halve the table."""
        return self._wasted > max(1024, self._used // 2)

    def squeeze(self) -> dict[int, int]:
        """Moves all blocks together; answers by how much each owner's rows moved (new first less old
        first)."""
        target = np.zeros(max(FIRST_ROOM, self._used - self._wasted), self.rows.dtype).view(np.recarray)
        moved: dict[int, int] = {}
        place = 0
        for owner, block in self._blocks.items():
            target[place : place + block.room] = self.rows[block.first : block.first + block.room]
            moved[owner] = place - block.first
            block.first = place
            place += block.room
        self.rows, self._used, self._wasted = target, place, 0
        return moved


class Columns:
    """All tables of the book but the quotes."""

    def __init__(self) -> None:
        self.pools: Rows = empty_rows(row_types.Pool, FIRST_ROOM)
        self.instruments: Rows = empty_rows(row_types.Instrument, FIRST_ROOM)
        self.options: Rows = empty_rows(row_types.Option, FIRST_ROOM)
        self.units: Rows = empty_rows(row_types.RiskUnit, FIRST_ROOM)
        self.assets: Rows = empty_rows(row_types.Asset, FIRST_ROOM)
        self._balances = BlockTable(row_types.Balance)
        self._positions = BlockTable(row_types.Position)
        self._tiers = BlockTable(row_types.Tier)
        self._scenarios = BlockTable(row_types.Scenario)
        self.pool_count = 0
        self.shared_version = 0  # how often what pools share was written

    def book(self, quotes: np.ndarray[tuple[int], np.dtype[np.float64]]) -> row_types.Book[float]:
        """The tables as the models read them."""
        return row_types.Book(
            self.pools,
            self._balances.rows,
            self._positions.rows,
            self.instruments,
            self.options,
            self.units,
            self._scenarios.rows,
            self.assets,
            self._tiers.rows,
            quotes,  # type: ignore[arg-type]
        )

    def write_pool(
        self, pool: int, standing: Standing, balances: Sequence[tuple[BalanceRow, Sequence[PositionRow]]]
    ) -> None:
        """Writes a whole pool: its balances, and under each the positions whose profit it receives."""
        self.pools = self._roomy(self.pools, pool, row_types.Pool)
        self.pool_count = max(self.pool_count, pool + 1)
        spans = self._write_balances(pool, balances)
        reasons = self.pools[pool].reasons
        terms = (standing.category, standing.threshold, *standing.told)
        self.pools[pool] = (standing.model, *spans, reasons, standing.levels, *terms)
        self._squeeze_if_wasteful()

    def _write_balances(
        self, pool: int, balances: Sequence[tuple[BalanceRow, Sequence[PositionRow]]]
    ) -> tuple[int, int, int, int]:
        """Answers where the pool's balances and positions lie: the first and past the last of each."""
        position_count = sum(len(positions) for _, positions in balances)
        balance_first = self._balances.reserve(pool, len(balances))
        place = position_first = self._positions.reserve(pool, position_count)
        for offset, (balance, positions) in enumerate(balances):
            asset, *amounts = balance
            for position in positions:
                self._positions.rows[place] = position
                place += 1
            self._balances.rows[balance_first + offset] = (asset, place - len(positions), place, *amounts)
        return balance_first, balance_first + len(balances), position_first, place

    def remove_pool(self, pool: int) -> None:
        """Empties the row; it may be given to another pool."""
        self._balances.release(pool)
        self._positions.release(pool)
        self.pools[pool] = np.zeros(1, dtype_of(row_types.Pool))[0]

    def write_instrument(self, row: int, instrument: row_types.Instrument[float], tiers: TierRows) -> None:
        """Writes an instrument, and its tiers behind it: where they lie is found here."""
        self.instruments = self._roomy(self.instruments, row, row_types.Instrument)
        instrument.tier_first, instrument.tier_last = self._write_tiers(4 * row, tiers)
        self.instruments[row] = _values(instrument)
        self.shared_version += 1

    def write_option(self, row: int, option: row_types.Option[float]) -> None:
        """Writes the terms of an option."""
        self.options = self._roomy(self.options, row, row_types.Option)
        self.options[row] = _values(option)
        self.shared_version += 1

    def write_unit(
        self,
        row: int,
        unit: row_types.RiskUnit[float],
        scenarios: Sequence[row_types.Scenario[float]],
        tiers: TierRows = (),
    ) -> None:
        """Writes a risk unit, and behind it its scenarios and the scaling of its least charge."""
        self.units = self._roomy(self.units, row, row_types.RiskUnit)
        first = self._scenarios.reserve(row, len(scenarios))
        for offset, scenario in enumerate(scenarios):
            self._scenarios.rows[first + offset] = _values(scenario)
        unit.scenario_first, unit.scenario_last = first, first + len(scenarios)
        unit.tier_first, unit.tier_last = self._write_tiers(4 * row + 3, tiers)
        self.units[row] = _values(unit)
        self.shared_version += 1

    def write_asset(
        self, row: int, asset: row_types.Asset[float], tiers: TierRows, liability: TierRows = ()
    ) -> None:
        """Writes an asset, and behind it the schedules of its collateral value and of a debt in it."""
        self.assets = self._roomy(self.assets, row, row_types.Asset)
        asset.tier_first, asset.tier_last = self._write_tiers(4 * row + 1, tiers)
        asset.liability_first, asset.liability_last = self._write_tiers(4 * row + 2, liability)
        self.assets[row] = _values(asset)
        self.shared_version += 1

    def _write_tiers(self, owner: int, tiers: TierRows) -> tuple[int, int]:
        first = self._tiers.reserve(owner, len(tiers))
        for offset, tier in enumerate(tiers):
            self._tiers.rows[first + offset] = _values(tier)
        return first, first + len(tiers)

    def _squeeze_if_wasteful(self) -> None:
        if self._balances.is_wasteful:
            for pool, moved in self._balances.squeeze().items():
                self.pools[pool].balance_first += moved
                self.pools[pool].balance_last += moved
        if self._positions.is_wasteful:
            for pool, moved in self._positions.squeeze().items():
                self._move_positions(pool, moved)

    def _move_positions(self, pool: int, moved: int) -> None:
        owner = self.pools[pool]
        owner.position_first += moved
        owner.position_last += moved
        mine = self._balances.rows[owner.balance_first : owner.balance_last]
        mine["position_first"] += moved
        mine["position_last"] += moved

    @staticmethod
    def _roomy(table: Rows, row: int, kind: type) -> Rows:
        if row < len(table):
            return table
        return grown(table, row + 1, np.zeros(1, dtype_of(kind))[0]).view(np.recarray)


def _values(row: Any) -> tuple[Any, ...]:
    return tuple(getattr(row, field.name) for field in fields(row))
