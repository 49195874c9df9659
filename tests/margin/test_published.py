"""Third-party figures through small books: the transcribed ones always, the originals where they are."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from monitor.domain.instrument import MarginTier, TierSchedule, checked_schedule
from monitor.margin.models import MODELS
from tests.support.published import assert_published, is_covered, read_cases
from tests.support.small_books import decimal_book
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool, sliced

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "margin"
VENUES = ("binance", "bybit", "hyperliquid")
ORIGINALS = (
    "binance_help_examples",
    "freqtrade_binance",
    "ccxt_samples_binance",
    "bybit_api_samples",
    "bybit_help_examples",
    "freqtrade_bybit",
    "freqtrade_hyperliquid",
    "hyperliquid_docs_and_api_samples",
)
NOT_OURS = {
    "bn-ma-avail-none": "what may be withdrawn is no figure that we tell",
    "bn-ma-autoexchange": "how much the venue sells is no figure that we tell",
    "bn-cmpro-mm": "Cross Margin Pro has no model yet",
    "bn-cmpro-im": "Cross Margin Pro has no model yet",
    "bn-cmpro-mm-fast": "Cross Margin Pro has no model yet",
    "bn-margin-interest": "interest is in the balance that the venue tells",
    "bn-unimmr-marginmm-BTC": "portfolio margin has no model yet",
    "bn-unimmr-equity-USDT": "portfolio margin has no model yet",
    "bn-unimmr-equity-ETH": "portfolio margin has no model yet",
    "binance-cm-iso-btc-margin": "a sum of two figures without a position; its parts are run",
    "bybit-iso-eth-bust": "the bankruptcy price stands in no message; the fee at it is run",
    "bybit-help-inverse-cross-bust": "the account before the unified one is refused by name",
    "hl-mmr-20x": "the rate enters with the schedule, which the adapter reads",
}
golden = [case for venue in VENUES for case in read_cases(GOLDEN / f"{venue}.json")]
tables = json.loads((GOLDEN / "tiers.json").read_text(encoding="utf-8"), parse_float=Decimal)["tables"]


@pytest.mark.parametrize("case", golden, ids=lambda case: case["id"])
def test_our_figures_are_the_published_ones(case: dict[str, Any]) -> None:
    """A figure that the venue or its users published comes out of a book of ours, within its tolerance."""
    assert_published(case)


def test_every_golden_figure_names_its_source() -> None:
    """No figure stands without the place where it was read, and none twice."""
    for venue in VENUES:
        sources = json.loads((GOLDEN / f"{venue}.json").read_text(encoding="utf-8"))["sources"]
        assert {case["source"] for case in read_cases(GOLDEN / f"{venue}.json")} <= set(sources)
    assert len({case["id"] for case in golden}) == len(golden) == 75


@pytest.mark.parametrize("table", tables)
def test_real_tables_are_sound(table: str) -> None:
    """A real bracket table passes the check on entry, and its deductions charge each slice at its rate."""
    assert_sound(table, tables[table])


def test_originals(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every original case is run or has its reason, and what was transcribed is what stands there."""
    cases = {
        case["id"]: case for name in ORIGINALS for case in read_cases(shared / "vectors" / f"{name}.json")
    }
    covered = {name: case for name, case in cases.items() if is_covered(case)}
    for case in covered.values():
        assert_published(case)
    assert set(cases) - set(covered) == set(NOT_OURS)
    for case in golden:
        original = covered.pop(case["id"])
        assert all(original[key] == case[key] for key in ("formula", "inputs", "expected", "tolerance"))
    assert not covered
    with capsys.disabled():
        print(f"\n{len(golden)} of {len(cases)} published cases run; not ours:")
        print("\n".join(f"  {name}: {reason}" for name, reason in NOT_OURS.items()))


@pytest.mark.parametrize("name", ["tiers_binance_usdm", "tiers_hyperliquid"])
def test_original_tables(shared: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every real bracket table passes the check on entry and is charged slice by slice."""
    text = (shared / "vectors" / f"{name}.json").read_text(encoding="utf-8")
    found = json.loads(text, parse_float=Decimal)["tiers"]
    for symbol, rows in found.items():
        assert_sound(symbol, [(floor, rate, deduction) for floor, _, rate, deduction, _ in rows])
    with capsys.disabled():
        print(f"\n{name}: {len(found)} tables, {sum(map(len, found.values()))} brackets")


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
