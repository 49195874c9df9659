"""Third-party figures through small books: the transcribed ones always, the originals where they are."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from monitor.domain.instrument import MarginTier, TierSchedule, checked_schedule
from monitor.margin.models import MODELS
from tests.support.published import assert_published, read_cases
from tests.support.published_families import FAMILIES, Family, verdict
from tests.support.small_books import decimal_book
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool, sliced

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "margin"
KINDS = ("assessed", "derived", "not ours")
golden = [
    (family, name, case)
    for family in FAMILIES
    for name in family.GOLDEN
    for case in read_cases(GOLDEN / f"{name}.json")
]
tables = json.loads((GOLDEN / "tiers.json").read_text(encoding="utf-8"), parse_float=Decimal)["tables"]


@pytest.mark.parametrize(("family", "name", "case"), golden, ids=[case["id"] for _, _, case in golden])
def test_our_figures_are_the_published_ones(family: Family, name: str, case: dict[str, Any]) -> None:
    """A figure that the venue or its users published comes out of ours, within its tolerance."""
    found = verdict(family, case)
    assert found.way is not None, f"{name}: {found.reason}"
    assert_published(case, found.way)


def test_every_golden_figure_names_its_source() -> None:
    """No figure stands without the place where it was read, and none twice."""
    for name in {name for _, name, _ in golden}:
        sources = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))["sources"]
        assert {case["source"] for case in read_cases(GOLDEN / f"{name}.json")} <= set(sources)
    ids = [case["id"] for _, _, case in golden]
    assert len(set(ids)) == len(ids) > 0


@pytest.mark.parametrize("table", tables)
def test_real_tables_are_sound(table: str) -> None:
    """A real bracket table passes the check on entry, and its deductions charge each slice at its rate."""
    assert_sound(table, tables[table])


def test_originals(shared: Path, report: Callable[[str], None]) -> None:
    """Every original case is assessed, derived, or not ours for a reason, and the transcribed ones are what
    stands there."""
    transcribed = {case["id"]: case for _, _, case in golden}
    counts: Counter[tuple[str, str]] = Counter()
    reasons = {}
    for family in FAMILIES:
        for name in family.FILES:
            for case in read_cases(shared / "vectors" / f"{name}.json"):
                found = verdict(family, case)
                counts[name, found.kind] += 1
                if found.way is None:
                    reasons[case["id"]] = found.reason
                    continue
                assert_published(case, found.way)
                copy = transcribed.pop(case["id"])
                assert all(case[key] == copy[key] for key in ("formula", "inputs", "expected", "tolerance"))
    assert not transcribed
    assert set(reasons) == {name for family in FAMILIES for name in family.NOT_OURS}
    report(_report(counts, reasons))


def _report(counts: Counter[tuple[str, str]], reasons: dict[str, str]) -> str:
    names = sorted({name for name, _ in counts})
    whole = {kind: sum(counts[name, kind] for name in names) for kind in KINDS}
    table = [(name, {kind: counts[name, kind] for kind in KINDS}) for name in names] + [("all", whole)]
    lines = [f"  {name:38}" + "".join(f"{found[kind]:10}" for kind in KINDS) for name, found in table]
    title = f"\n{'published cases':40}" + "".join(f"{kind:>10}" for kind in KINDS)
    told = (f"  {name}: {reason}" for name, reason in reasons.items())
    return "\n".join([title, *lines, "not ours:", *told])


@pytest.mark.parametrize("name", ["tiers_binance_usdm", "tiers_hyperliquid"])
def test_original_tables(shared: Path, name: str, report: Callable[[str], None]) -> None:
    """Every real bracket table passes the check on entry and is charged slice by slice."""
    text = (shared / "vectors" / f"{name}.json").read_text(encoding="utf-8")
    found = json.loads(text, parse_float=Decimal)["tiers"]
    for symbol, rows in found.items():
        assert_sound(symbol, [(floor, rate, deduction) for floor, _, rate, deduction, _ in rows])
    report(f"\n{name}: {len(found)} tables, {sum(map(len, found.values()))} brackets")


def assert_sound(name: str, rows: list[Any]) -> None:
    """The table is accepted, and a position in the middle of each step is charged by slices, up to print."""
    steps = [MarginTier(Decimal(floor), rate, rate, Decimal(cum)) for floor, rate, cum in rows]
    schedule = checked_schedule(TierSchedule(tuple(steps), name)).tiers
    for step in schedule:
        value = step.floor * Decimal("1.2") + 1
        leg = Leg(Contract(name, Decimal(1), schedule), value, Decimal(1))
        book = decimal_book(SmallPool("tiered", (Line(Coin("USDT"), Decimal(0), (leg,)),)))
        charged = MODELS["tiered"].assess(0, book).maintenance_margin
        assert abs(charged - sliced(schedule, value)) <= Decimal("1e-6") * value
