"""Real tier tables of OKX, Gate and Bitget pass the check on entry and are charged as their venue charges."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from monitor.domain.instrument import (
    BadSchedule,
    MarginTier,
    TierSchedule,
    checked_schedule,
    tier_schedule,
)
from monitor.margin.models import MODELS
from tests.support.cex_tables import discounts, gradient, whole
from tests.support.small_books import decimal_book
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool, sliced

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "margin" / "tiers_cex.json"
TABLES = json.loads(GOLDEN.read_text(encoding="utf-8"))
ONE, NOTHING = Decimal(1), Decimal(0)


def rows_of(kind: str, name: str) -> list[tuple[Any, Any]]:
    """Floors and rates of a transcribed table."""
    return [(floor, rate) for floor, rate in TABLES[kind][name]["rows"]]


def asked(model: str, steps: tuple[MarginTier, ...], size: Decimal) -> Decimal:
    """Maintenance margin of so many contracts worth 1 each."""
    leg = Leg(Contract("A", ONE, steps), size, ONE)
    book = decimal_book(SmallPool(model, (Line(Coin("USDT"), NOTHING, (leg,)),)))
    found: Decimal = MODELS[model].assess(0, book).maintenance_margin
    return found


def assert_whole(steps: tuple[MarginTier, ...]) -> None:
    """In the middle of each step, and just at its floor, all of it is at its rate."""
    for model in ("okx_single", "okx_isolated", "bitget"):
        for step in steps:
            for size in (step.floor, step.floor * 6 / 5 + 1):
                assert asked(model, steps, size) == size * step.maintenance_rate


def assert_gradient(steps: tuple[MarginTier, ...]) -> None:
    """In the middle of each step every slice is at its own rate."""
    for model in ("gate_futures", "bitget"):
        for step in steps:
            size = step.floor * 6 / 5 + 1
            assert asked(model, steps, size) == sliced(steps, size)


def test_every_table_names_its_source() -> None:
    """No table stands without the place where it was read."""
    tables = [table for kind in ("whole", "gradient", "discounts") for table in TABLES[kind].values()]
    assert {table["source"] for table in tables} == set(TABLES["sources"])


@pytest.mark.parametrize("name", TABLES["whole"])
def test_a_table_whose_rates_are_on_the_whole(name: str) -> None:
    """It has no deduction, is accepted as such, and jumps at each floor."""
    steps = whole(*rows_of("whole", name))
    assert_whole(steps)
    if len(steps) > 1:
        with pytest.raises(BadSchedule, match="leaves a jump"):
            checked_schedule(TierSchedule(steps, name))


@pytest.mark.parametrize("name", TABLES["gradient"])
def test_a_table_whose_slices_have_their_own_rates(name: str) -> None:
    """Its deductions follow from floors and rates."""
    assert_gradient(gradient(*rows_of("gradient", name)))


@pytest.mark.parametrize("name", TABLES["discounts"])
@pytest.mark.parametrize("model", ["okx_multi", "gate_unified"])
def test_a_table_of_discounts(model: str, name: str) -> None:
    """Each slice of the amount counts at its own rate, and more of it never counts for less."""
    steps = discounts(*rows_of("discounts", name))
    coin, before = Coin("C", Decimal(7), tiers=steps), NOTHING
    for step in steps:
        amount = step.floor * 6 / 5 + 1
        book = decimal_book(SmallPool(model, (Line(coin, amount),)))
        equity = MODELS[model].assess(0, book).equity
        assert equity == 7 * sliced(steps, amount)
        assert equity >= before
        before = equity


def test_original_tables_of_okx(shared: Path, report: Callable[[str], None]) -> None:
    """All that were collected pass as rates on the whole, and the transcribed ones are what stands there."""
    found = json.loads(
        (shared / "vectors" / "tiers_okx_samples.json").read_text(encoding="utf-8"), parse_float=Decimal
    )
    for name, rows in found["tiers"].items():
        steps = tuple(
            MarginTier(Decimal(floor), rate, initial, NOTHING) for floor, _, rate, initial, _ in rows
        )
        assert_whole(checked_schedule(TierSchedule(steps, name, whole=True)).tiers)
        assert [(floor, Decimal(rate)) for floor, rate in rows_of("whole", f"okx {name}")] == [
            (step.floor, step.maintenance_rate) for step in steps
        ]
    (beth,) = found["discount_tiers"].values()
    told = [(Decimal(floor), Decimal(rate)) for floor, _, rate in beth]
    assert told == [
        (floor, Decimal(rate)) for floor, rate in rows_of("discounts", "okx BETH, in USD until 2024")
    ]
    report(f"\ntiers_okx_samples: {len(found['tiers'])} tables, 1 of discounts")


def test_original_tables_of_others(shared: Path, report: Callable[[str], None]) -> None:
    """All that were collected of several venues pass: with the published deductions, or with derived ones."""
    found = json.loads(
        (shared / "vectors" / "tiers_misc_samples.json").read_text(encoding="utf-8"), parse_float=Decimal
    )["tiers"]
    for name, rows in found.items():
        assert_gradient(schedule_of(name, rows))
    report(f"\ntiers_misc_samples: {len(found)} tables, {sum(map(len, found.values()))} brackets")


def schedule_of(name: str, rows: list[list[Any]]) -> tuple[MarginTier, ...]:
    """Of rows (floor, cap, rate, deduction), or (floor, cap, rate, initial rate, leverage)."""
    if name.endswith("gist.github.com/highfestiva/b71e76f51eed84d56c1be8ebbcc286b5)"):
        steps = tuple(MarginTier(Decimal(floor), rate, ONE, Decimal(cum)) for floor, _, rate, cum in rows)
        return checked_schedule(TierSchedule(steps, name)).tiers
    initials = [initial or ONE / leverage for _, _, _, initial, leverage in rows]
    told = [(Decimal(row[0]), row[2], initial) for row, initial in zip(rows, initials, strict=True)]
    return tier_schedule(told, name).tiers
