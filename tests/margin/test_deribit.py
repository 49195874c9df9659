"""What is peculiar to Deribit's futures: rates that grow with the coins, mark and index, the venue's word."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.instrument import BadSchedule, MarginTier, TierSchedule, checked_schedule
from monitor.margin.band import is_breached
from monitor.margin.models import MODELS
from monitor.margin.rows import Requirement
from monitor.margin.venue_words import is_liquidatable, venue_figure
from tests.support.deribit_legs import NOTHING, ONE, future, in_coin, in_dollars, pool
from tests.support.small_books import price_of, requirement
from tests.support.small_market import Contract, Leg

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "margin" / "deribit_positions.json"
PRINTED = 4e-9  # the venue prints nine decimals of a coin, and rounds on the way
rngs = st.integers(0, 2**48).map(Random)
both_models = pytest.mark.parametrize("model", ["deribit_inverse", "deribit_linear"])
both_sides = pytest.mark.parametrize("side", [1, -1])
golden = json.loads(GOLDEN.read_text(encoding="utf-8"), parse_float=Decimal)


def published(row: dict[str, Any], mark: Decimal, index: Decimal) -> Requirement[float]:
    """A position of the venue's documentation, with its rates, as it would be at these prices."""
    rates = (Decimal(row["maintenance_rate"]), Decimal(row["initial_rate"]))
    step = MarginTier(NOTHING, *rates, NOTHING, Decimal(row["slope"]))
    contract = Contract("BTC-PERPETUAL", mark, (step,), inverse=True, index=index)
    leg = Leg(contract, Decimal(row["size_usd"]), Decimal(row["settlement_price"]), ONE)
    return requirement(pool("deribit_inverse", 0, leg))


@pytest.mark.parametrize("row", golden["positions"], ids=[row["id"] for row in golden["positions"]])
def test_a_position_in_the_venues_documentation_is_ours(row: dict[str, Any]) -> None:
    """Both margins and the profit since the last settlement of an inverse perpetual come out at its mark, and
    do not at its index."""
    mark, index = Decimal(row["mark"]), Decimal(row["index"])
    found = published(row, mark, index)
    assert found.initial_margin == pytest.approx(float(row["initial_margin"]), abs=PRINTED)
    assert found.maintenance_margin == pytest.approx(float(row["maintenance_margin"]), abs=PRINTED)
    assert found.equity == pytest.approx(float(row["floating_profit_loss"]), abs=PRINTED)
    at_index = published(row, index, index)
    assert abs(at_index.maintenance_margin - float(row["maintenance_margin"])) > 40 * PRINTED
    assert row["source"] in golden["sources"]


@both_models
def test_equality_is_safe_at_the_venue_and_liquidation_in_the_band(model: str) -> None:
    """The venue liquidates when maintenance margin is above margin balance; our band when it is equal."""
    says = MODELS[model].says
    assert not is_liquidatable(says, 5.0, 5.0)
    assert is_liquidatable(says, 5.0, math.nextafter(5.0, 6))
    assert is_breached(5.0, 5.0, 1.0)
    assert venue_figure(says, 8.0, 2.0) == 0.25


@both_sides
def test_a_rate_grows_with_the_coins_and_not_with_the_worth(side: int) -> None:
    """1 % and 0.005 % for each coin: twice the price is twice the margin, twice the coins more than that."""
    one = in_dollars(future(side * 100, 50_000)).maintenance_margin
    assert one == 100 * 50_000 * Decimal("0.015")
    assert in_dollars(future(side * 100, 100_000)).maintenance_margin == 2 * one
    assert in_dollars(future(side * 200, 50_000)).maintenance_margin == 200 * 50_000 * Decimal("0.02")


@pytest.mark.parametrize("slope", ["-0.00005", "NaN", "Infinity"])
def test_a_rate_that_falls_with_size_is_refused(slope: str) -> None:
    """No venue asks less of more: such a schedule would make a giant look safe."""
    step = MarginTier(NOTHING, Decimal("0.01"), Decimal("0.02"), NOTHING, Decimal(slope))
    with pytest.raises(BadSchedule, match="slope"):
        checked_schedule(TierSchedule((step,), "a test"))


@both_sides
def test_an_inverse_rate_falls_as_the_price_rises(side: int) -> None:
    """The same dollars are fewer coins: a million at 10,000 is 100 coins at 1.5 %, at 20,000 50 at 1.25 %."""
    for price, rate in [(10_000, "0.015"), (20_000, "0.0125")]:
        found = in_coin(future(side * 1_000_000, price, inverse=True))
        assert found.maintenance_margin == Decimal(1_000_000) / price * Decimal(rate)


def test_two_futures_of_one_coin_do_not_net() -> None:
    """Long one expiry and short another: each is charged on its own size."""
    long, short = future(100, 50_000), future(-100, 50_100, index=Decimal(50_000))
    assert in_dollars(long, short).maintenance_margin == 2 * in_dollars(long).maintenance_margin


def test_a_linear_future_is_charged_at_the_index_and_gains_at_the_mark() -> None:
    """The page works margins out on the index price; profit is at the mark."""
    found = in_dollars(future(10, 101, 100, index=Decimal(90)), wallet=5)
    assert found.equity == 5 + 10
    assert found.maintenance_margin == 10 * 90 * Decimal("0.0105")
    assert found.initial_margin == 10 * 90 * Decimal("0.0205")


@both_sides
@given(rng=rngs)
def test_the_liquidation_price_of_a_linear_future(side: int, rng: Random) -> None:
    """Balance + profit = price x coins x rate, and the rate stays as it is: a straight line."""
    coins, entry = 10 ** rng.uniform(-4, 3), 10 ** rng.uniform(-2, 5)
    wallet = coins * entry * rng.uniform(0.1, 0.9)
    rate = 0.01 + 0.00005 * coins
    expected = (side * coins * entry - wallet) / (side * coins - coins * rate)
    found = price_of(pool("deribit_linear", wallet, future(side * coins, entry)))
    assert found == pytest.approx(expected, rel=1e-9)


@both_sides
@given(rng=rngs)
def test_the_liquidation_price_of_an_inverse_future(side: int, rng: Random) -> None:
    """Balance + dollars x (1/entry - 1/price) = coins x (1 % + slope x coins): a square in the coins."""
    entry, coins = 10 ** rng.uniform(2, 5), 10 ** rng.uniform(-3, 2)
    wallet = coins * rng.uniform(0.05, 0.6)
    free = wallet + side * coins  # equity is this less side x (coins at the price)
    slope, linear = 0.00005, 0.01 + side
    root = 2 * free / (linear + side * math.sqrt(linear**2 + 4 * slope * free))
    found = price_of(pool("deribit_inverse", wallet, future(side * coins * entry, entry, inverse=True)))
    expected = coins * entry / root if root > 0 else math.nan
    assert found == pytest.approx(expected, rel=1e-8, nan_ok=True)
