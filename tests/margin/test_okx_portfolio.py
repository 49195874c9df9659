"""OKX's portfolio margin: the example of its position builder, and what is peculiar to its charges."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from monitor.domain.instrument import MarginTier, collateral_schedule
from monitor.margin.models import MODELS
from monitor.margin.portfolio_terms import OKX, OKX_SCALING, UnitTerms, incremental, okx_terms, okx_unit
from monitor.margin.rows import Requirement
from monitor.margin.venue_words import is_liquidatable, venue_figure
from tests.support.published import assert_published, read_cases
from tests.support.risk_units import NOTHING, ONE, future, only, pool_of, unit_of
from tests.support.small_books import decimal_book, requirement
from tests.support.small_market import Coin, Leg, Line, Point, RiskUnit, SmallPool

MODEL = "okx_portfolio"
GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "margin" / "okx_portfolio.json"
cases = read_cases(GOLDEN)
Inputs = Mapping[str, Any]
FLAT = unit_of(UnitTerms("a test", ()), 100)


def required(*legs: Leg, wallet: Any = 0, coin: Coin | None = None) -> Requirement[Decimal]:
    """What one currency requires, exactly."""
    pool = pool_of(MODEL, wallet, legs, coin or Coin("USDT"))
    found: Requirement[Decimal] = MODELS[MODEL].assess(0, decimal_book(pool))
    return found


def published_leg(
    held: Inputs, usdt: Decimal, change: Callable[[RiskUnit], RiskUnit] = lambda unit: unit
) -> Leg:
    """A position of the example; its index price is what its first scenario tells."""
    size = held["contracts"] * Decimal(held["contract_size"])
    terms = okx_unit(OKX[held["underlying"]], OKX_SCALING.get(held["underlying"], ((0, 1),)), inverse=False)
    first = terms.points[4].price_move
    index = Decimal(held["pnl_at_first_step"]) / size / first / usdt
    unit = change(unit_of(terms, index, held["underlying"]))
    more = {"multiplier": Decimal(held["contract_size"])}
    return future(unit, held["contracts"], held["mark_price"], held["average_price"], **more)


def scaling(inputs: Inputs) -> dict[str, float]:
    """A unit whose cost of closing is the raw charge, and nothing else."""
    floors = [0, *(tier["cap"] for tier in inputs["tiers"])]
    steps = incremental(
        tuple((floor, tier["mult"]) for floor, tier in zip(floors, inputs["tiers"], strict=False))
    )
    unit = replace(FLAT, reduction_rate=ONE, tiers=steps)
    found = required(future(unit, inputs["mr7_raw_usd"], 1))
    return {"mr7_adjusted_usd": float(found.maintenance_margin)}


def one_unit(inputs: Inputs) -> dict[str, float]:
    """Each charge as what the unit requires without the others, and all together."""
    coin = Coin("USDT", inputs["usdt_price"])
    calm = {"roll_rate": NOTHING, "roll_floor": NOTHING, "reduction_rate": NOTHING}

    def maintenance(**changed: Any) -> float:
        leg = published_leg(inputs["position"], coin.price, lambda unit: replace(unit, **changed))
        return float(required(leg, coin=coin).maintenance_margin)

    unit = published_leg(inputs["position"], coin.price).contract.unit
    assert unit is not None
    return {
        "mr1": maintenance(scenarios=unit.scenarios[:7], **calm),
        "mr4": maintenance(scenarios=(), reduction_rate=NOTHING),
        "mr6": maintenance(scenarios=unit.scenarios[7:], **calm),
        "mr7": maintenance(scenarios=(), roll_rate=NOTHING, roll_floor=NOTHING),
        "mmr": maintenance(),
        "imr": float(required(published_leg(inputs["position"], coin.price), coin=coin).initial_margin),
    }


def scenarios(inputs: Inputs) -> dict[str, float]:
    """The loss of each move of MR1 alone."""
    coin = Coin("USDT", inputs["usdt_price"])
    unit = published_leg(inputs["position"], coin.price).contract.unit
    assert unit is not None
    found = {}
    for point in unit.scenarios[:7]:
        leg = published_leg(inputs["position"], coin.price, lambda unit, p=point: only(unit, p))  # type: ignore[misc]
        name = "0" if point.price_move == 0 else str(point.price_move.normalize())
        found[name] = float(required(leg, coin=coin).maintenance_margin)
    return found


def account(inputs: Inputs) -> dict[str, float]:
    """The whole example: two units, and USDT that their losses leave owed."""
    step = MarginTier(NOTHING, inputs["borrow_maintenance_rate"], inputs["borrow_initial_rate"], NOTHING)
    free = Coin("USDT", inputs["usdt_price"], liability=(step,))
    coin = replace(free, ask_buffer=inputs["borrow_fee"])
    legs = [published_leg(held, coin.price) for held in inputs["positions"]]
    found = required(*legs, wallet=inputs["usdt"], coin=coin)
    return {
        "equity": float(found.equity),
        "initial_margin": float(found.initial_margin),
        "margins_before_fee": float(required(*legs, wallet=inputs["usdt"], coin=free).maintenance_margin),
        "margin_ratio": venue_figure(
            MODELS[MODEL].says, float(found.equity), float(found.maintenance_margin)
        ),
    }


WAYS = {
    "okx_pm_mr7_scaling": scaling,
    "okx_pm_unit": one_unit,
    "okx_pm_scenarios": scenarios,
    "okx_pm_account": account,
}


@pytest.mark.parametrize("case", cases, ids=[case["id"] for case in cases])
def test_our_figures_are_the_published_ones(case: Inputs) -> None:
    """Every charge, both margins, the borrowing margin and adjusted equity are what the venue told."""
    assert_published(case, WAYS[case["formula"]])
    assert case["source"] in json.loads(GOLDEN.read_text(encoding="utf-8"))["sources"]


def test_the_transcribed_case_is_the_original(shared: Path) -> None:
    """The scaling of MR7 stands in the vectors as it stands here."""
    originals = {case["id"]: case for case in read_cases(shared / "vectors" / "okx_help_examples.json")}
    (copy,) = [case for case in cases if case["id"] == "okx-pm-mr7-tiered"]
    original = originals[copy["id"]]
    assert all(original[key] == copy[key] for key in ("formula", "inputs", "expected", "tolerance"))


def test_the_venues_example_of_the_scaling() -> None:
    """MR of 40,000 and a raw MR7 of 30,000 in the tiers of BTC: the scaled charge of 50,000 is required."""
    unit = unit_of(okx_terms("BTC"), 100)
    unit = replace(unit, scenarios=(Point(Decimal("-0.1")),), roll_rate=NOTHING, roll_floor=NOTHING)
    unit = replace(unit, reduction_rate=Decimal("0.075"))
    assert required(future(unit, 4_000, 100)).maintenance_margin == 50_000
    assert required(future(replace(unit, tiers=()), 4_000, 100)).maintenance_margin == 40_000


def test_a_hedge_leaves_basis_and_the_cost_of_closing() -> None:
    """Long a perpetual and short a future moves with nothing; each expiry's basis is charged, or closing."""
    unit = unit_of(okx_terms("BTC"), 100)
    legs = (future(unit, 10, 100), future(unit, -10, 100, name="later", years=Decimal("0.5")))
    calm = replace(unit, reduction_rate=NOTHING)
    basis = [replace(leg, contract=replace(leg.contract, unit=calm)) for leg in legs]
    assert required(*basis).maintenance_margin == 1_000 * (Decimal("0.002") + Decimal("0.025"))
    assert required(future(unit, 10, 100), future(unit, -10, 100)).maintenance_margin == 2_000 * Decimal(
        "0.0045"
    )


def test_the_settle_assets_of_an_underlying_are_units_of_their_own() -> None:
    """A long in USDT and a short in USDC require what both do: their hedge, with MR9, is not told."""
    one, other = (unit_of(okx_terms("BTC"), 100, name) for name in ("BTC-USDT", "BTC-USDC"))
    long, short = future(one, 1, 100), future(other, -1, 100)
    lines = (Line(Coin("USDT"), NOTHING, (long,)), Line(Coin("USDC"), NOTHING, (short,)))
    both = MODELS[MODEL].assess(0, decimal_book(SmallPool(MODEL, lines)))
    assert both.maintenance_margin == 2 * required(long).maintenance_margin


def test_an_inverse_unit_is_counted_in_its_coin_and_told_in_dollars() -> None:
    """10,000 dollars of contracts lose 12 % of themselves at the worst, whichever way."""
    unit = unit_of(okx_terms("BTC", inverse=True), 50_000)
    for contracts in (100, -100):
        held = future(unit, contracts, 50_000, multiplier=Decimal(100))
        found = required(held, coin=Coin("BTC", Decimal(50_000)))
        assert found.maintenance_margin == 10_000 * (Decimal("0.12") + Decimal("0.002"))
        assert found.initial_margin == found.maintenance_margin * Decimal("1.3")


def test_closing_pays_no_fee_beside_its_own_charge() -> None:
    """The taker fee of derivatives is in no figure; at equality the venue's ratio is 1, and it liquidates."""
    unit = unit_of(okx_terms("BTC"), 100)
    held = future(unit, 1, 100, taker_fee=Decimal("0.0005"))
    found = requirement(pool_of(MODEL, "12.2", [held], Coin("USDT")))
    assert found.maintenance_margin == pytest.approx(12.2)
    says = MODELS[MODEL].says
    assert venue_figure(says, found.equity, found.maintenance_margin) == pytest.approx(1)
    assert is_liquidatable(says, 12.2, 12.2)


def test_what_is_owed_is_charged_at_the_rate_of_its_step() -> None:
    """The rate of the step applies to the whole debt; what an open order would take is no debt yet."""
    steps = tuple(
        MarginTier(Decimal(floor), Decimal(rate), 5 * Decimal(rate), NOTHING)
        for floor, rate in ((0, "0.02"), (1_000, "0.03"))
    )
    coin = Coin("USDT", liability=steps)
    owed = {debt: required(wallet=-debt, coin=coin) for debt in (999, 1_000)}
    assert owed[999].maintenance_margin == Decimal("19.98")
    assert owed[1_000] == Requirement(Decimal(-1_000), Decimal(150), Decimal(30))
    ordered = SmallPool(MODEL, (Line(coin, NOTHING, order_loss=Decimal(7)),))
    assert requirement(ordered) == (-7, 0, 0)


def test_only_what_is_owned_is_discounted() -> None:
    """A currency counts slice by slice of its amount, in coins as the API tells them and whatever it is
    worth; a debt counts in full."""
    first = MarginTier(NOTHING, Decimal("0.9"), Decimal("0.9"), NOTHING)
    second = MarginTier(ONE, Decimal("0.5"), Decimal("0.5"), Decimal("-0.4"))
    for price in (1, 100, 86_000):
        coin = Coin("BTC", Decimal(price), tiers=(first, second))
        assert required(wallet=1, coin=coin).equity == Decimal("0.9") * price
        assert required(wallet=3, coin=coin).equity == Decimal("1.9") * price
        assert required(wallet=-2, coin=coin).equity == -2 * price


def counting(*rows: tuple[str, str]) -> tuple[MarginTier, ...]:
    """A discount table of (floor in coins, rate)."""
    told = [(Decimal(floor), Decimal(rate), Decimal(rate)) for floor, rate in rows]
    return collateral_schedule(told, "a test").tiers


def test_both_modes_count_collateral_alike() -> None:
    """Multi-currency and portfolio margin read one discount table: the same balance has the same equity."""
    steps = counting(("0", "0.98"), ("20", "0.9775"), ("25", "0.975"))
    for amount in ("1", "20", "22.5", "1000"):
        line = Line(Coin("BTC", Decimal(86_000), tiers=steps), Decimal(amount))
        equities = [requirement(SmallPool(model, (line,))).equity for model in (MODEL, "okx_multi")]
        assert equities[0] == equities[1]


@pytest.mark.parametrize("wallet", [0, -5, "0.00000001"])
def test_small_and_empty_pools_have_figures(wallet: Any) -> None:
    """Nothing held, and dust: figures, whatever is owned."""
    unit = unit_of(okx_terms("BTC"), 100)
    for legs in ([], [future(unit, "0.00000001", 100)]):
        found = requirement(pool_of(MODEL, wallet, legs, Coin("USDT")))
        assert (found.maintenance_margin > 0) == bool(legs)
        assert found.equity == pytest.approx(float(wallet))
