"""Deribit's segregated portfolio margin: the venue's own answers, and what is peculiar to the grid and its
shocks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from monitor.margin.models import MODELS
from monitor.margin.portfolio_terms import DERIBIT, DeribitModel, UnitTerms, deribit_terms, deribit_unit
from monitor.margin.rows import Requirement
from monitor.margin.venue_words import is_liquidatable, venue_figure
from tests.oracles.deribit_portfolio import option_worth
from tests.support.published import read_cases
from tests.support.risk_units import NOTHING, ONE, future, only, option, pool_of, unit_of
from tests.support.small_books import decimal_book, requirement
from tests.support.small_market import Leg, OptionTerms, Point, RiskUnit

MODEL = "deribit_portfolio"
GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "margin" / "deribit_portfolio.json"
cases = read_cases(GOLDEN)
YEAR_MS = 365 * 86_400_000
STANDARD = 9
LINEAR = deribit_unit(DERIBIT["BTC"], inverse=False)
MONTH = Decimal(30) / 365


def required(*legs: Leg, wallet: Any = 0) -> Requirement[Decimal]:
    """What one pool requires, exactly."""
    found: Requirement[Decimal] = MODELS[MODEL].assess(0, decimal_book(pool_of(MODEL, wallet, legs)))
    return found


def published_terms(inputs: dict[str, Any]) -> UnitTerms:
    """The terms of the parameters that stand in the answer itself."""
    told = {name: Decimal(value) for name, value in inputs["model_params"].items()}
    count = int(told.pop("buckets_count"))
    return deribit_unit(DeribitModel("the answer", buckets_count=count, **told), inverse=True)


def published_legs(inputs: dict[str, Any], unit: RiskUnit) -> list[Leg]:
    """The positions of an answer, which tells them in coin: so many times their mark in dollars."""
    legs = []
    for held in inputs["positions"]:
        mark, expiry_ms = held["mark_price"], held["expiry_ms"]
        left_ms = 0 if expiry_ms is None else expiry_ms - inputs["timestamp_ms"]
        more = {"name": held["instrument"], "years": Decimal(left_ms) / YEAR_MS}
        legs.append(future(unit, held["coins"] * mark, mark, **more))
    return legs


def losses(inputs: dict[str, Any], points: Sequence[Any]) -> list[float]:
    """What the positions lose at each of these points alone."""
    unit = unit_of(published_terms(inputs), inputs["index_price"])
    return [float(required(*published_legs(inputs, only(unit, point))).initial_margin) for point in points]


def margins(inputs: dict[str, Any]) -> dict[str, float]:
    """Both margins, and what they are made of: with one part left out at a time."""
    unit = unit_of(published_terms(inputs), inputs["index_price"])
    whole = required(*published_legs(inputs, unit))
    calm = required(*published_legs(inputs, only(unit, *unit.scenarios))).initial_margin
    small = required(*published_legs(inputs, replace(unit, delta_slope=NOTHING))).initial_margin
    parts = {"worst_case": calm, "roll_shock": small - calm, "delta_shock": whole.initial_margin - small}
    figures = whole._asdict() | parts
    return {name: float(figure) for name, figure in figures.items()}


@pytest.mark.parametrize("case", cases, ids=[case["id"] for case in cases])
def test_the_venues_own_answers(case: dict[str, Any]) -> None:
    """Grid, extended table before and after its damping, shocks and both margins are what the venue told."""
    inputs, kind = case["inputs"], case["formula"].removeprefix("deribit_portfolio_")
    points = published_terms(inputs).points
    if kind in ("margins", "parts"):
        found: Any = margins(inputs)
    elif kind == "grid":
        found = {"losses": losses(inputs, points[:STANDARD])}
    elif kind == "extended":
        found = {"losses": losses(inputs, [point._replace(damping=NOTHING) for point in points[STANDARD:]])}
    else:
        found = {"losses": losses(inputs, points[STANDARD:])}
    for name, expected in case["expected"].items():
        told = [float(value) for value in expected] if isinstance(expected, list) else float(expected)
        assert found[name] == pytest.approx(told, rel=0, abs=float(case["tolerance"]["abs"]))


def test_every_answer_names_its_source() -> None:
    """No figure stands without the place where it was read."""
    sources = json.loads(GOLDEN.read_text(encoding="utf-8"))["sources"]
    assert {case["source"] for case in cases} == set(sources)


def test_the_published_terms_are_those_of_the_answers() -> None:
    """The parameters that the daemon knows are the ones that the answers were computed with."""
    for case in cases:
        terms, told = deribit_terms(case["inputs"]["settle"], case["inputs"]["settle"]), case["inputs"]
        assert terms[1:] == published_terms(told)[1:]


def test_a_perpetual_and_its_opposite_require_nothing() -> None:
    """What is hedged within one expiry loses nothing at any point, and rolls with nothing."""
    unit = unit_of(deribit_terms("BTC", "BTC"), 60_000)
    found = required(future(unit, 6000, 60_000), future(unit, -6000, 60_000))
    assert found.initial_margin == found.maintenance_margin == 0


def test_a_calendar_spread_requires_its_roll_alone() -> None:
    """Long one expiry and short another moves with nothing but itself: each leg rolls, on its own."""
    unit = unit_of(LINEAR, 60_000)
    legs = (future(unit, 2, 60_000), future(unit, -2, 60_000, name="later", years=Decimal("0.5")))
    assert required(*legs).initial_margin == 2 * 60_000 * (Decimal("0.01") + Decimal("0.0375"))


def test_two_units_are_netted_apart() -> None:
    """A short of one underlying hedges nothing of another."""
    one, other = unit_of(LINEAR, 60_000, "BTC"), unit_of(LINEAR, 3_000, "ETH")
    long, short = future(one, 1, 60_000), future(other, -20, 3_000)
    apart = required(long).initial_margin + required(short).initial_margin
    assert required(long, short).initial_margin == apart == 2 * 60_000 * (Decimal("0.16") + Decimal("0.01"))


def test_volatility_moves_with_the_time_that_is_left() -> None:
    """At 30 days by its range; nearer by more, farther by less; up it ends at the floor at least, down at
    nothing at worst."""
    forward, up, down = Decimal(60_000), Decimal("0.5"), Decimal("-0.25")
    unit = only(unit_of(LINEAR, forward), Point(NOTHING, up, up))
    for years, growth in ((MONTH / 4, 4**0.3), (MONTH, 1.0), (MONTH * 4, 4**-0.13)):
        terms = OptionTerms(forward, 1, forward, Decimal("0.8"), years)
        shocked = terms.volatility * (1 + up * Decimal(growth))
        risen = option_worth(terms, forward, shocked) - option_worth(terms, forward, terms.volatility)
        assert float(required(option(unit, -1, terms, 2_000)).initial_margin) == pytest.approx(float(risen))
    low = replace(terms, volatility=Decimal("0.2"), years=MONTH)
    risen = option_worth(low, forward, up) - option_worth(low, forward, low.volatility)
    assert float(required(option(unit, -1, low, 2_000)).initial_margin) == pytest.approx(float(risen))
    last = replace(low, years=Decimal("0.0001"))
    fallen = only(unit, Point(NOTHING, down, down))
    assert float(required(option(fallen, 1, last, 2_000)).initial_margin) == pytest.approx(
        float(option_worth(last, forward, last.volatility))
    )


def test_the_worst_volatility_may_be_the_present_one() -> None:
    """A call sold at the money and three bought far from it lose most where volatility stays; a point with
    both moves looks there too, and one with a single move does not."""
    forward, up, down = Decimal(60_000), Decimal("0.5"), Decimal("-0.25")
    unit, rise = unit_of(LINEAR, forward), Decimal("0.08")
    near, far = (OptionTerms(Decimal(k), 1, forward, Decimal("0.6"), MONTH) for k in (60_000, 90_000))

    def at(*volatilities: Decimal) -> float:
        within = only(unit, Point(rise, *volatilities))
        legs = option(within, -1, near, 4_000), option(within, 3, far, 500), future(within, -1, forward)
        return float(required(*legs).initial_margin)

    fallen, still, risen = at(down, down), at(NOTHING, NOTHING), at(up, up)
    assert still > max(fallen, risen)
    assert at(down, up) == still
    assert at(NOTHING, up) == still
    assert at(up, 2 * up) == max(risen, at(2 * up, 2 * up)) < still


def test_far_options_held_short_are_for_the_extended_table() -> None:
    """A short call that nothing within the range reaches is charged for what it loses far beyond, less the
    damping; a few of them are within it."""
    unit = unit_of(LINEAR, 60_000)
    unit = replace(unit, roll_floor=NOTHING, roll_rate=NOTHING, delta_slope=NOTHING)
    terms = OptionTerms(Decimal(150_000), 1, Decimal(60_000), Decimal("0.6"), Decimal("0.02"))
    many, few = required(option(unit, -1000, terms, 0)), required(option(unit, -1, terms, 0))
    assert few.initial_margin < 1
    lost = 1000 * (Decimal(360_000) - 150_000) * Decimal("0.16") / 5
    damping = (5 / Decimal("0.16") - 1) * 100_000
    assert float(many.initial_margin) == pytest.approx(float(lost - damping), rel=1e-9)


def test_the_size_of_the_net_delta_is_charged_beyond_the_threshold() -> None:
    """0.00005 of it for each coin above 20 million dollars, a tenth of it at most; nothing at the
    threshold."""
    unit = replace(
        unit_of(deribit_terms("BTC", "BTC"), 50_000), scenarios=(), roll_rate=NOTHING, roll_floor=NOTHING
    )
    coins = {size: required(future(unit, size * 50_000, 50_000)).initial_margin for size in (400, 500, 9_000)}
    assert coins == {400: 0, 500: 500 * 100 * Decimal("0.00005"), 9_000: 900}


def test_half_a_coin_is_shocked_as_many_are() -> None:
    """Above the threshold, here 0, a delta below one is a delta, long or short."""
    unit = replace(unit_of(deribit_terms("BTC", "BTC"), 50_000), scenarios=(), delta_threshold=NOTHING)
    still = replace(unit, roll_rate=NOTHING, roll_floor=NOTHING)
    for size in (25_000, -25_000):
        found = required(future(still, size, 50_000)).initial_margin
        assert found == Decimal("0.5") * Decimal("0.5") * Decimal("0.00005")


def test_long_options_lessen_the_net_delta_and_never_raise_it() -> None:
    """Long puts against a long future lower its delta shock down to none; long calls add nothing."""
    unit = replace(unit_of(LINEAR, 50_000), scenarios=(), roll_rate=NOTHING, roll_floor=NOTHING)
    long = future(unit, 1_000, 50_000)
    alone = required(long).initial_margin
    deep = Decimal(500_000)
    puts = [option(unit, n, OptionTerms(deep, -1, Decimal(50_000)), 450_000) for n in (300, 3_000)]
    calls = option(unit, 300, OptionTerms(ONE, 1, Decimal(50_000)), 49_999)
    found = [required(long, held).initial_margin for held in (*puts, calls)]
    assert float(found[0]) == pytest.approx(700 * 300 * 0.00005 * 50_000, rel=1e-6)
    assert found[1:] == [0, alone]
    assert required(*puts, calls).initial_margin == 0


def test_equity_holds_options_at_their_marks() -> None:
    """What was paid for an option is in the wallet, what it is worth in equity: at once nothing is lost."""
    unit = unit_of(deribit_terms("BTC", "BTC"), 50_000)
    call = OptionTerms(Decimal(50_000), 1, Decimal(50_000))
    assert required(option(unit, 2, call, "0.05"), wallet="0.9").equity == 1
    assert required(option(unit, -2, call, "0.05"), wallet="1.1").equity == 1


def test_a_long_option_loses_at_most_what_it_is_worth() -> None:
    """Nothing beyond its worth can be lost: the grid charges no more, however far the price moves."""
    unit = unit_of(LINEAR, 50_000)
    grid = only(unit, *unit.scenarios)
    for side, strike in ((1, 45_000), (-1, 45_000), (1, 90_000)):
        terms = OptionTerms(Decimal(strike), side, Decimal(50_000))
        worth = option_worth(terms, terms.forward, terms.volatility)
        assert 0 < required(option(grid, 1, terms, worth)).initial_margin <= worth


def test_equality_is_no_liquidation_yet() -> None:
    """Maintenance margin above margin balance liquidates; just as much of both does not."""
    unit = unit_of(LINEAR, 60_000)
    maintenance = float(required(future(unit, 1, 60_000)).maintenance_margin)
    found = requirement(pool_of(MODEL, maintenance, [future(unit, 1, 60_000)]))
    says = MODELS[MODEL].says
    assert venue_figure(says, found.equity, found.maintenance_margin) == pytest.approx(1, rel=1e-15)
    assert not is_liquidatable(says, maintenance, maintenance)
    assert is_liquidatable(says, maintenance * (1 - 1e-12), maintenance)


@pytest.mark.parametrize("wallet", [0, -5, "0.00000001"])
def test_small_and_empty_pools_have_figures(wallet: Any) -> None:
    """Nothing held, dust, only a short option: figures, whatever is owned."""
    unit = unit_of(deribit_terms("BTC", "BTC"), 50_000)
    terms = OptionTerms(Decimal(55_000), 1, Decimal(50_000), years=NOTHING)
    for legs in ([], [future(unit, "0.00000001", 50_000)], [option(unit, -1, terms, 0)]):
        found = requirement(pool_of(MODEL, wallet, legs))
        assert (found.maintenance_margin > 0) == bool(legs)
        assert found.equity == pytest.approx(float(wallet))
