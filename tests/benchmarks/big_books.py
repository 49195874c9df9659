"""Large books as record arrays, from a seed: pools of ten positions, in instruments of eight tiers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from monitor.book.bounds import Scratch, bounds_of, scratch_for
from monitor.book.compiled import compile_models, empty_book
from monitor.book.pocket import Pocket, pocket_for
from monitor.book.settings import LevelRow
from monitor.book.shared import Shared, shared_of
from monitor.book.sweep import LevelTables, empty_figures, level_tables, sweep
from monitor.book.tables import empty_rows
from monitor.margin import rows as row_types
from monitor.margin.rows import Book
from monitor.thresholds import row_for

LEGS = 10
TIERS = 8
INSTRUMENTS = 200
RARE = INSTRUMENTS  # one more instrument, which only some pools hold
EVERYWHERE = 0  # an instrument that every pool holds
LEVELS = level_tables([LevelRow((0.5, 0.7, 0.85, 1.0), (0.475, 0.665, 0.8075, 0.95))])
SHIPPED = level_tables([row_for((), "", "", "tiered")])
MODELS = ("tiered",)
FLOORS = np.array([0, 5e4, 2.5e5, 1e6, 5e6, 2e7, 5e7, 1e8])
RATES = np.array([0.004, 0.005, 0.01, 0.025, 0.05, 0.1, 0.125, 0.15])


class BigBook(NamedTuple):
    """A book, and all that a sweep over it takes."""

    book: Book[float]
    models: Any
    bounds: npt.NDArray[np.int64]
    shared: Shared
    quote_reasons: npt.NDArray[np.int64]
    figures: Any
    pocket: Pocket
    scratch: Scratch
    crossed: npt.NDArray[np.int64]
    everything: npt.NDArray[np.int64]  # the rows of all pools

    def sweep(self, rows: npt.NDArray[np.int64] | None = None, levels: LevelTables = LEVELS) -> int:
        """One pass; answers how many crossed."""
        of = self.everything if rows is None else rows
        tables = (self.book, self.shared, self.quote_reasons, levels, self.figures)
        return int(sweep(self.models, self.bounds, of, *tables, self.pocket, self.scratch, self.crossed))


def big_book(pools: int, rare_share: float = 0.05, seed: int = 1, models: Sequence[str] = MODELS) -> BigBook:
    """Pools in all bands; the first leg of a share of them, spread evenly, is in the rare instrument. Each
    pool has the next of the models, and the positions and money that it would have under any other."""
    rng = np.random.default_rng(seed)
    quotes = np.concatenate([10 ** rng.uniform(-1, 5, INSTRUMENTS + 1), [1.0]])
    book: Any = empty_book()._replace(
        pools=_pools(pools),
        balances=_balances(pools),
        positions=_positions(pools, rare_share, quotes, rng),
        instruments=_instruments(),
        assets=_assets(),
        tiers=_tiers(),
        quotes=quotes,  # type: ignore[arg-type]
    )
    funding = _swept(book, MODELS).figures
    needed = funding.maintenance_margin - funding.equity
    book.balances["wallet"] += needed + funding.maintenance_margin * rng.uniform(-0.02, 8, pools)
    book.pools["model"] = np.arange(pools) % len(models)
    return _swept(book, models)


def ready(book: Any, models: Sequence[str]) -> BigBook:
    """The book with all that a sweep takes, not assessed yet."""
    pocket, pools, shared = pocket_for(book, LEGS, 1), len(book.pools), shared_of(book)
    return BigBook(
        book,
        compile_models(models),
        bounds_of(models),
        shared,
        np.zeros(len(book.quotes), np.int64),
        empty_figures(pools),
        pocket,
        scratch_for(book, pocket, shared.each),
        np.zeros(pools, np.int64),
        np.arange(pools),
    )


def _swept(book: Any, models: Sequence[str]) -> BigBook:
    big = ready(book, models)
    big.sweep()
    return big


def _pools(count: int) -> Any:
    rows = empty_rows(row_types.Pool, count)
    rows["threshold"] = 1
    rows["balance_first"] = np.arange(count)
    rows["balance_last"] = np.arange(count) + 1
    rows["position_first"] = LEGS * np.arange(count)
    rows["position_last"] = LEGS * np.arange(count) + LEGS
    return rows


def _balances(count: int) -> Any:
    rows = empty_rows(row_types.Balance, count)
    rows["position_first"] = LEGS * np.arange(count)
    rows["position_last"] = LEGS * np.arange(count) + LEGS
    rows["collateral"] = 1
    return rows


def _positions(pools: int, rare_share: float, quotes: Any, rng: np.random.Generator) -> Any:
    count = LEGS * pools
    rows = empty_rows(row_types.Position, count)
    which = rng.integers(0, INSTRUMENTS, count)
    which[:: round(LEGS / rare_share)] = RARE
    which[1::LEGS] = EVERYWHERE
    rows["instrument"] = which
    rows["quantity"] = rng.choice([-1, 1], count) * 10 ** rng.uniform(3, 8, count) / quotes[which]
    rows["entry_price"] = quotes[which] * rng.uniform(0.8, 1.2, count)
    rows["leverage"] = rng.integers(1, 50, count)
    return rows


def _instruments() -> Any:
    rows = empty_rows(row_types.Instrument, INSTRUMENTS + 1)
    rows["mark"] = rows["underlying"] = np.arange(INSTRUMENTS + 1)
    rows["multiplier"] = 1
    rows["taker_fee"] = 0.0005
    rows["tier_first"] = TIERS * np.arange(INSTRUMENTS + 1)
    rows["tier_last"] = TIERS * np.arange(INSTRUMENTS + 1) + TIERS
    rows["option"] = rows["unit"] = -1
    rows["index"] = rows["mark"]
    return rows


def _assets() -> Any:
    rows = empty_rows(row_types.Asset, 1)
    rows["price"], rows["underlying"] = INSTRUMENTS + 1, -1
    return rows


def _tiers() -> Any:
    rows = empty_rows(row_types.Tier, TIERS * (INSTRUMENTS + 1))
    rows["floor"] = np.tile(FLOORS, INSTRUMENTS + 1)
    rows["maintenance_rate"] = rows["initial_rate"] = np.tile(RATES, INSTRUMENTS + 1)
    steps = np.concatenate([[0], np.cumsum(FLOORS[1:] * np.diff(RATES))])
    rows["deduction"] = np.tile(steps, INSTRUMENTS + 1)
    return rows
