"""Rows of open orders in a book file: without schedule and entry, and never with something held."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monitor.book.describe import USUAL
from monitor.bookfile.assess import assess_files
from monitor.bookfile.problem import BookFileError

BOOK = Path(__file__).resolve().parent.parent / "golden" / "books" / "drift.json"
Spoil = Callable[[Any], object]
MISTAKES: dict[str, tuple[Spoil, str]] = {
    "an order row that holds something": (
        lambda b: b["accounts"][0]["pools"][0]["positions"][2].update(quantity=5),
        "accounts[0].pools[0].positions[2].quantity: the orders of SOL/USDC: what is held is a balance",
    ),
    "a perpetual without a schedule": (
        lambda b: b["venues"][0]["instruments"][0].pop("tiers"),
        "venues[0].instruments[0].tiers: SOL-PERP has none; the model reads it",
    ),
    "an order row that does not tell the user's leverage": (
        lambda b: b["accounts"][0]["pools"][0]["positions"][2].pop("leverage"),
        "accounts[0].pools[0].positions[2].leverage: missing; the model reads it",
    ),
}


def figures(path: Path) -> tuple[float, float]:
    """Equity and maintenance margin of the first pool."""
    pool = assess_files([path], USUAL)[0].pools[0]
    assert pool.equity is not None
    assert pool.maintenance_margin is not None
    return pool.equity, pool.maintenance_margin


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_with_its_path(tmp_path: Path, mistake: str) -> None:
    """What would be read as something else, or not at all, is refused."""
    spoil, told = MISTAKES[mistake]
    book = json.loads(BOOK.read_text(encoding="utf-8"))
    spoil(book)
    path = tmp_path / "book.json"
    path.write_text(json.dumps(book), encoding="utf-8")
    with pytest.raises(BookFileError) as refused:
        assess_files([path], USUAL)
    assert told in str(refused.value)


def test_orders_count_though_nothing_is_held(tmp_path: Path) -> None:
    """By hand: a bid for 150 SOL at 131.25 takes 19,687.50 and gives 390 SOL at the weight of so many."""
    book = json.loads(BOOK.read_text(encoding="utf-8"))
    book["accounts"][0]["pools"][0]["positions"].pop(2)
    path = tmp_path / "book.json"
    path.write_text(json.dumps(book), encoding="utf-8")
    bid, none = figures(BOOK), figures(path)
    assert bid[1] - none[1] == pytest.approx(150 * 131.25, rel=1e-9)
    assert bid[0] - none[0] == pytest.approx(150 * 131.25 * 0.9, rel=1e-9)
