"""Options that are priced in their own coin, from a book file to what is told of the pool."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from monitor.book.describe import Ask
from monitor.bookfile.assess import assess_files, live_book_of
from monitor.bookfile.load import facts_of, read_book
from monitor.domain.assessment import MarginAssessment
from monitor.domain.identity import pool_id
from tests.support.deribit_legs import option, pool
from tests.support.small_books import moves_of

BOOK = Path(__file__).resolve().parent.parent / "golden" / "books" / "deribit_options.json"


def written(book: dict[str, Any], folder: Path) -> Path:
    """The book as a file."""
    file = folder / "book.json"
    file.write_text(json.dumps(book), encoding="utf-8")
    return file


def told(book: dict[str, Any], folder: Path, name: str) -> MarginAssessment:
    """What is said of one pool of a book file."""
    (assessed,) = assess_files([written(book, folder)], Ask(None, 100))
    return next(one for one in assessed.pools if one.pool.endswith(name))


@pytest.fixture
def book() -> dict[str, Any]:
    """A straddle in BTC beside a perpetual, and SOL options in USDC."""
    found: dict[str, Any] = json.loads(BOOK.read_text(encoding="utf-8"))
    return found


def test_a_straddle_in_coin_is_charged_as_the_page_says(book: dict[str, Any], tmp_path: Path) -> None:
    """25 straddles and a perpetual: both margins by hand; orders to buy back cost nothing."""
    found = told(book, tmp_path, "cross-BTC")
    coins = 250_000 / 86_230.5
    call, put = 25 * (0.15 + 0.0551), 25 * (0.15 - (86_502.31 - 86_000) / 86_502.31 + 0.0492)
    initial = coins * (0.02 + 0.00005 * coins) + call + put
    maintenance = coins * (0.01 + 0.00005 * coins) + 25 * (0.075 + 0.0551) + 25 * (0.075 + 0.0492)
    assert found.initial_margin == pytest.approx(initial, rel=1e-12)
    assert found.maintenance_margin == pytest.approx(maintenance, rel=1e-12)
    profit = -250_000 * (1 / 86_012.75 - 1 / 86_230.5)
    assert found.equity == pytest.approx(11.25 + profit, rel=1e-12)


def test_a_short_call_in_usdc_is_charged_as_the_page_says(book: dict[str, Any], tmp_path: Path) -> None:
    """400 contracts of 10 SOL beyond the floor, and a perpetual at the index; the long put is free."""
    found = told(book, tmp_path, "cross-USDC")
    perpetual, underlying = 2_000 * 131.26, 131.52
    initial = perpetual * (0.04 + 0.000005 * 2_000) + 4_000 * (0.1 * underlying + 2.27)
    maintenance = perpetual * (0.02 + 0.000005 * 2_000) + 4_000 * (0.075 * underlying + 2.27)
    assert found.initial_margin == pytest.approx(initial, rel=1e-12)
    assert found.maintenance_margin == pytest.approx(maintenance, rel=1e-12)
    assert found.equity == pytest.approx(180_000 + 2_000 * (131.31 - 128.9), rel=1e-12)


def test_an_option_settled_in_its_coin_is_repriced_in_the_coin(book: dict[str, Any], tmp_path: Path) -> None:
    """The book file's straddle dies where the same straddle does that was made inverse by hand."""
    terms = book["accounts"][0]["pools"][0]
    terms["positions"] = terms["positions"][1:]
    years = (32 * 86_400 + 2 * 3_600) / (365 * 86_400)
    found = told(book, tmp_path, "cross-BTC")
    legs = [
        option(-25, 86_000, side, mark, forward="86502.31", volatility="0.4421", years=str(years))
        for side, mark in ((1, "0.0551"), (-1, "0.0492"))
    ]
    (lower, upper) = moves_of(pool("deribit_inverse", "11.25", *legs))["BTC"]
    (move,) = [move for move in found.moves if move.underlying == "BTC"]
    assert move.lower_percent == pytest.approx(100 * (lower - 1), rel=1e-9)
    assert move.upper_percent == pytest.approx(100 * (upper - 1), rel=1e-9)
    assert 0.6 < lower < 0.85


@pytest.mark.parametrize("mark", [0.0001, 0.0551])
def test_a_worthless_option_hides_no_margin_error(book: dict[str, Any], tmp_path: Path, mark: float) -> None:
    """How far we are from the venue is told of its margin, however little the options are worth."""
    book["venues"][0]["instruments"][1]["mark"] = mark
    held = book["accounts"][0]["pools"][0]
    held["positions"] = held["positions"][1:2]
    held["reported"] = {"equity": 11.25, "maintenance_margin": 25 * (0.075 + mark) / 1.01}
    facts = facts_of(read_book(written(book, tmp_path)), "a test")
    live = live_book_of(facts)
    live.apply(facts.snapshots[0], facts.wall_ns)  # once more, now that the prices are known
    row = live.placing.pools[pool_id(facts.snapshots[0].account, "cross-BTC")].row
    assert live.assessor.margin_error[row] == pytest.approx(0.01, rel=1e-6)
