"""Loans and lending positions of a book file: what the venue stated, brought to the file's own time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from monitor.book.describe import USUAL
from monitor.bookfile.assess import assess_files
from monitor.bookfile.export import exported
from monitor.bookfile.problem import BookFileError

BOOK = Path(__file__).resolve().parent.parent / "golden" / "books" / "accruing.json"
DAY_S = 86_400
YEAR_S = 365 * DAY_S
Spoil = Callable[[Any], object]


def growing(book: Any, account: int, place: int) -> Any:
    """The accrual of one balance of an account's first pool."""
    return balance(book, account, place)["accrual"]


def balance(book: Any, account: int, place: int) -> Any:
    """One balance of an account's first pool."""
    return book["accounts"][account]["pools"][0]["balances"][place]


MISTAKES: dict[str, tuple[Spoil, str]] = {
    "a debt beside the loan": (
        lambda b: balance(b, 0, 1).update(borrowed=88400),
        "accounts[0].pools[0].balances[1].borrowed: stands beside the accrual that it follows from",
    ),
    "a wallet beside the scaled supply": (
        lambda b: balance(b, 1, 0).update(wallet=40),
        "accounts[1].pools[0].balances[0].wallet: stands beside the accrual that it follows from",
    ),
    "borrowed tomorrow": (
        lambda b: growing(b, 0, 1).update(borrowed_at="2026-11-24T06:00:00Z"),
        "accounts[0].pools[0].balances[1].accrual.borrowed_at: lies after as_of",
    ),
    "a time without zone": (
        lambda b: growing(b, 3, 1).update(updated_at="2026-11-22T06:00:00"),
        "accounts[3].pools[0].balances[1].accrual.updated_at: a time needs its zone",
    ),
    "interest before the loan": (
        lambda b: growing(b, 0, 1).update(interest_at="2026-11-22T13:00:00Z"),
        "accounts[0].pools[0].balances[1].accrual.interest_at: lies before borrowed_at",
    ),
    "interest of an unknown time": (
        lambda b: growing(b, 0, 1).update(interest=3),
        "accounts[0].pools[0].balances[1].accrual.interest_at: missing",
    ),
    "a principal below nothing": (
        lambda b: growing(b, 0, 1).update(principal=-1),
        "accounts[0].pools[0].balances[1].accrual.principal: -1 is below 0",
    ),
    "a rate that is no number": (
        lambda b: growing(b, 0, 1).update(hourly_rate="NaN"),
        "accounts[0].pools[0].balances[1].accrual.hourly_rate: NaN is no number",
    ),
    "a supply without its index": (
        lambda b: growing(b, 1, 0).pop("supply_index"),
        "accounts[1].pools[0].balances[0].accrual.supply_index: missing; the supply grows by it",
    ),
    "a debt without its rate": (
        lambda b: growing(b, 2, 1).pop("debt_rate"),
        "accounts[2].pools[0].balances[1].accrual.debt_rate: missing; the debt grows by it",
    ),
    "an index that shrank": (
        lambda b: growing(b, 2, 1).update(debt_index="0.9"),
        "accounts[2].pools[0].balances[1].accrual.debt_index: 0.9 is below 1",
    ),
    "a fee told as a rate": (
        lambda b: growing(b, 3, 1).update(fee="0.0000000018"),
        "accounts[3].pools[0].balances[1].accrual.fee: 1.8E-9 is below 1",
    ),
    "another kind": (
        lambda b: growing(b, 3, 1).update(kind="sky"),
        "accounts[3].pools[0].balances[1].accrual.kind: Invalid value 'sky'",
    ),
    "a fact of another kind": (
        lambda b: growing(b, 3, 1).update(principal=1),
        "accounts[3].pools[0].balances[1].accrual: Object contains unknown field `principal`",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_with_its_path(tmp_path: Path, mistake: str) -> None:
    """What a venue can't have stated, and what would be counted twice, computes nothing."""
    spoil, told = MISTAKES[mistake]
    book = json.loads(BOOK.read_text(encoding="utf-8"))
    spoil(book)
    path = tmp_path / "book.json"
    path.write_text(json.dumps(book), encoding="utf-8")
    with pytest.raises(BookFileError) as refused:
        assess_files([path], USUAL)
    assert str(refused.value).startswith(f"{path}: {told}")


def owed_by_hand() -> dict[str, float]:
    """The debt of each pool of the example at 06:00, redone from its numbers."""
    aave_rate = 0.062 / YEAR_S
    compound = (1 + aave_rate) ** (6 * 3600)  # the chain's binomial leaves out less than 1e-17 of it
    return {
        "cross-classic": 88_400 + 88_400 * 0.0000125 * 18,  # the hours 13 to 23, and 0 to 6
        "isolated-BTCUSDT": 12_400 + 10.695 + 12_400 * 0.0000125,  # the hour that begins at 06:00
        "main": 61_500 * 1.170342 * compound * 0.9999,
        "usdc": 50_250 * 1.152 * (1 + 0.0000000016 * 5 * 3600),
        "eth-a-30813": 168_000 * 1.1802 * 1.06 ** (30 / 365),
    }


def test_what_is_owed_by_hand() -> None:
    """Each pool's maintenance margin is what is owed at the file's time, by the venue's multiple of it."""
    multiples = {"cross-classic": 1.1, "isolated-BTCUSDT": 1.1, "eth-a-30813": 1.45}
    by_hand = owed_by_hand()
    (book,) = assess_files([BOOK], USUAL)
    owing = {pool.pool.rpartition("/")[2]: pool for pool in book.pools}
    for name, pool in ((name, owing[name]) for name in by_hand):
        assert pool.maintenance_margin == pytest.approx(by_hand[name] * multiples.get(name, 1), rel=1e-9)


def test_a_supply_grows_too() -> None:
    """38.5 scaled, a day at 1.8 % a year, of which 83 % hold off liquidation; and a base asset that is
    supplied for five hours, which counts in full."""
    (book,) = assess_files([BOOK], USUAL)
    equity = {pool.pool.rpartition("/")[2]: pool.equity for pool in book.pools}
    assert equity["main"] == pytest.approx(38.5 * 1.045127 * (1 + 0.018 / 365) * 2811 * 0.83, rel=1e-9)
    assert equity["usdc-supply"] == pytest.approx(20_000 * 1.061 * (1 + 1.1e-9 * 18_000), rel=1e-9)


@pytest.mark.slow
def test_what_is_exported_is_the_statement(tmp_path: Path) -> None:
    """An exported pool states what its venue did, so that it is the same again, and grows on from there."""
    (book,) = assess_files([BOOK], USUAL)
    given = {
        pool["pool"]: pool["balances"]
        for account in json.loads(BOOK.read_text(encoding="utf-8"))["accounts"]
        for pool in account["pools"]
    }
    for number, pool in enumerate(book.pools):
        out = exported(book.live, pool.pool, book.wall_ns)
        path = tmp_path / f"{number}.json"
        path.write_bytes(msgspec.json.encode(out))
        ((again,),) = (found.pools for found in assess_files([path], USUAL))
        for figure in ("equity", "initial_margin", "maintenance_margin", "coming"):
            assert getattr(again, figure) == getattr(pool, figure)
        accruals = [held.get("accrual", {}) for held in given[pool.pool.rpartition("/")[2]]]
        told = json.loads(path.read_bytes())["accounts"][0]["pools"][0]["balances"]
        for ours, theirs in zip(told, accruals, strict=True):
            assert ours.get("accrual", {}).get("kind") == theirs.get("kind")
