"""What is peculiar to Kraken futures: margins at entry, half of initial, the greater side of an underlying,
haircuts, brackets in dollars or in contracts."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from monitor.domain.instrument import MarginTier, TierSchedule, checked_schedule, tier_schedule
from monitor.margin.models import MODELS
from monitor.margin.venue_words import is_liquidatable
from tests.support.small_books import decimal_book, moves_of, price_of, requirement
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool, sliced

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "margin" / "tiers_kraken.json"
READ = json.loads(GOLDEN.read_text(encoding="utf-8"), parse_float=Decimal)
TABLES: dict[str, list[Any]] = READ["tables"]
USD = Coin("USD")


def schedule(name: str) -> tuple[MarginTier, ...]:
    """A published table, checked as on entry."""
    rows = [(Decimal(floor), rate, initial) for floor, rate, initial in TABLES[name]]
    return checked_schedule(TierSchedule(tier_schedule(rows, READ["source"]).tiers, name)).tiers


CLASS_A = schedule("multi_collateral_class_A")
BTC = schedule("inverse_BTC_contracts_usd")


def perpetual(mark: object = 50_000, name: str = "PF_XBTUSD", underlying: str = "BTC") -> Contract:
    """A linear contract of class A."""
    return Contract(name, Decimal(str(mark)), CLASS_A, underlying)


def leg(of: Contract, size: object, entry: object = 50_000) -> Leg:
    """A position, entered at a price."""
    return Leg(of, Decimal(str(size)), Decimal(str(entry)))


def multi(wallet: object, *legs: Leg) -> SmallPool:
    """Dollars and positions."""
    return SmallPool("kraken_multi", (Line(USD, Decimal(str(wallet)), legs),))


def single(wallet: object, *legs: Leg) -> SmallPool:
    """A wallet of bitcoin."""
    return SmallPool("kraken_single", (Line(Coin("XBT"), Decimal(str(wallet)), legs),))


def inverse(mark: object = 50_000) -> Contract:
    """Contracts of a dollar."""
    return Contract("PI_XBTUSD", Decimal(str(mark)), BTC, "BTC", inverse=True)


@pytest.mark.parametrize("name", TABLES)
def test_every_published_table_is_sound_and_asks_half_of_initial(name: str) -> None:
    """It passes the check on entry, each slice is at its own rate, and maintenance is half of initial."""
    steps = schedule(name)
    for step in steps:
        assert step.initial_rate == 2 * step.maintenance_rate
        size = step.floor * Decimal("1.2") + 1
        of = Contract("A", Decimal(1), steps, inverse=name.startswith("inverse"))
        for held in (multi(0, leg(of, size, 1)), single(0, leg(of, size, 1))):
            asked = MODELS[held.model].assess(0, decimal_book(held))
            assert asked.maintenance_margin == sliced(steps, size)


def test_the_transcribed_tables_are_the_originals(shared: Path) -> None:
    """Floors and rates stand as they were read."""
    text = (shared / "vectors" / "tiers_kraken_futures.json").read_text(encoding="utf-8")
    found = json.loads(text, parse_float=Decimal)["tiers"]
    assert {name: [[row[0], row[2], row[3]] for row in rows] for name, rows in found.items()} == TABLES


def test_each_slice_is_at_the_rate_of_its_bracket() -> None:
    """3,000,000 of class A: 1 % of the first million, 2 % of the second, 2.5 % of the third."""
    found = requirement(multi(0, leg(perpetual(), 60)))
    assert found.maintenance_margin == pytest.approx(55_000)
    assert found.initial_margin == pytest.approx(110_000)


def test_the_greater_side_of_an_underlying_is_required() -> None:
    """A perpetual against a maturity asks for the larger of them, of another underlying for both."""
    long, short = leg(perpetual(), 4), leg(perpetual(name="FF_XBTUSD_261225"), -3)
    other = leg(perpetual(name="PF_ETHUSD", underlying="ETH"), -3)
    asked = [requirement(multi(0, *legs)).maintenance_margin for legs in ((long, short), (long, other))]
    assert asked == [pytest.approx(2_000), pytest.approx(3_500)]


def test_both_sides_of_a_side_add_up_over_balances() -> None:
    """The netting is of the wallet, whatever currency a position's profit is paid in."""
    lines = (
        Line(USD, Decimal(0), (leg(perpetual(), 4),)),
        Line(Coin("USDC"), Decimal(0), (leg(perpetual(name="B"), -1), leg(perpetual(name="C"), -5))),
    )
    assert requirement(SmallPool("kraken_multi", lines)).maintenance_margin == pytest.approx(3_000)


def test_margins_are_at_entry_and_stand_still() -> None:
    """The mark moves profit alone."""
    one, other = (requirement(multi(0, leg(perpetual(mark), 1))) for mark in (50_000, 60_000))
    assert one.maintenance_margin == other.maintenance_margin == pytest.approx(500)
    assert other.equity == pytest.approx(10_000)


def test_collateral_takes_its_haircut_and_a_debt_none() -> None:
    """1 BTC of 50,000 with 3 % off, and 1,000 dollars owed."""
    bitcoin = Coin("XBT", Decimal(50_000), "BTC", bid_buffer=Decimal("0.03"))
    dollars = Coin("USD", bid_buffer=Decimal("0.03"))
    lines = (Line(bitcoin, Decimal(1)), Line(dollars, Decimal(-1_000)))
    assert requirement(SmallPool("kraken_multi", lines)).equity == pytest.approx(48_500 - 1_000)


def test_a_hedge_across_maturities_has_no_liquidating_move() -> None:
    """Equal sides move together: nothing liquidates but their spread."""
    held = multi(1_000, leg(perpetual(), 1), leg(perpetual(name="FF_XBTUSD_261225"), -1))
    lower, upper = moves_of(held)["BTC"]
    assert lower != lower
    assert upper != upper


@pytest.mark.parametrize("side", [1, -1])
def test_a_linear_position_is_liquidated_where_equity_meets_its_half(side: int) -> None:
    """5,000 against 500: the price may go 4,500 against the holder."""
    held = multi(5_000, leg(perpetual(), side))
    assert price_of(held) == pytest.approx(50_000 - side * 4_500, rel=1e-9)


@pytest.mark.parametrize("side", [1, -1])
def test_an_inverse_position_is_margined_on_its_coin_at_entry(side: int) -> None:
    """100,000 contracts at 50,000 are 2 BTC: 1 % of that is half of what opening took, wherever the mark."""
    held = single("0.2", leg(inverse(), side * 100_000))
    found = requirement(held)
    assert found.maintenance_margin == pytest.approx(0.02)
    assert found.initial_margin == pytest.approx(0.04)
    assert price_of(held) == pytest.approx(100_000 / (2 + side * 0.18), rel=1e-9)
    assert requirement(single(0, leg(inverse(60_000), 100_000))).maintenance_margin == pytest.approx(0.02)


def test_inverse_brackets_are_in_contracts() -> None:
    """1,000,000 contracts: half at 1 % and half at 2 %, in dollars over the entry price."""
    found = requirement(single(0, leg(inverse(), 1_000_000)))
    assert found.maintenance_margin == pytest.approx(15_000 / 50_000)


@pytest.mark.parametrize("model", ["kraken_multi", "kraken_single"])
def test_only_below_the_maintenance_margin_is_liquidated(model: str) -> None:
    """Equality is safe at the venue; a wallet alone is in no danger."""
    says = MODELS[model].says
    assert not is_liquidatable(says, 1.0, 1.0)
    assert is_liquidatable(says, 0.999, 1.0)
    for wallet in (100, 0, -1):
        found = requirement(SmallPool(model, (Line(USD, Decimal(wallet)),)))
        assert (found.equity, found.initial_margin, found.maintenance_margin) == (wallet, 0, 0)
