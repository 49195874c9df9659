"""What is peculiar to BitMEX: margins on cost, two fees at the bankruptcy value, the next funding within the
maintenance margin, prices shown on the tick."""

from __future__ import annotations

from decimal import Decimal

import pytest

from monitor.margin.arithmetic import ceil_to
from monitor.margin.models import MODELS, Needs
from monitor.margin.venue_words import is_liquidatable
from tests.support.small_books import price_of, requirement, surveyed
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool, tiers

RATE, FEE, FUNDING = Decimal("0.01"), Decimal("0.00075"), Decimal("0.0001")
ONE_STEP = tiers((0, RATE))
sides = pytest.mark.parametrize("side", [1, -1])


def contract(price: object, *, inverse: bool = False, funding: Decimal = FUNDING) -> Contract:
    """One rate, as the venue tells it of a position."""
    return Contract("A", Decimal(str(price)), ONE_STEP, taker_fee=FEE, inverse=inverse, funding=funding)


def isolated(wallet: object, of: Contract, size: object, entry: object, leverage: int = 3) -> SmallPool:
    """One position on its own margin."""
    leg = Leg(of, Decimal(str(size)), Decimal(str(entry)), Decimal(leverage))
    return SmallPool("bitmex_isolated", (Line(Coin("USDT"), Decimal(str(wallet)), (leg,)),))


def on_tick_above(price: float) -> float:
    """As the venue shows a long's price: up to the next twentieth."""
    return ceil_to(price, 20)


def test_the_published_position_in_all_its_parts() -> None:
    """39,260,000 at 3x: 1 % and 0.01 % of the cost and the commission are 435,787, and the venue's own price
    is ours on its tick, rounded up for a long."""
    held = isolated(13_125_928, contract("1964.195"), 20_000, 1963)
    found = requirement(held)
    assert found.maintenance_margin == pytest.approx(435_787, abs=1.5)
    assert found.initial_margin == pytest.approx(13_125_928, abs=1.5)
    assert found.equity == pytest.approx(13_149_828, abs=1)
    assert on_tick_above(price_of(held)) == pytest.approx(1328.5)


@pytest.mark.parametrize(("side", "funding"), [(1, "0.0001"), (-1, "-0.0001")])
def test_funding_counts_only_for_who_pays_it(side: int, funding: str) -> None:
    """A long pays what is above zero, a short what is below; who receives it has nothing of it here."""
    asked = [
        requirement(isolated(0, contract(100, funding=rate), side, 100)).maintenance_margin
        for rate in (Decimal(funding), Decimal(0), -Decimal(funding))
    ]
    assert asked[0] - asked[1] == pytest.approx(0.01)
    assert asked[1] == asked[2]


@pytest.mark.parametrize(
    ("side", "inverse", "share"), [(1, False, "0.9"), (-1, False, "1.1"), (1, True, "1.1"), (-1, True, "0.9")]
)
def test_the_commission_is_on_the_bankruptcy_value(side: int, inverse: bool, share: str) -> None:
    """At 10x a tenth of the cost is lost: a long is worth less then, an inverse one more coin."""
    of = contract(100, inverse=inverse, funding=Decimal(0))
    cost = 10_000 if not inverse else 1
    found = requirement(isolated(0, of, side * 100, 100, 10))
    assert found.initial_margin - cost / 10 == pytest.approx(2 * 0.00075 * float(share) * cost)


def test_a_long_below_single_leverage_has_no_bankruptcy_value() -> None:
    """No fee is charged on a value below nothing."""
    leg = Leg(contract(100, funding=Decimal(0)), Decimal(1), Decimal(100), Decimal("0.5"))
    found = requirement(SmallPool("bitmex_isolated", (Line(Coin("USDT"), Decimal(0), (leg,)),)))
    assert found.maintenance_margin == pytest.approx(1)


def test_margins_are_on_cost_and_stand_still() -> None:
    """What is required does not move with the mark."""
    one, other = (requirement(isolated(0, contract(mark), 1, 100)) for mark in (100, 150))
    assert one.maintenance_margin == other.maintenance_margin
    assert one.initial_margin == other.initial_margin


@sides
def test_an_inverse_position_is_liquidated_where_its_coin_is_used_up(side: int) -> None:
    """Equality in coin: contracts x (1/entry - 1/price) is what the margin may lose."""
    of = contract(50_000, inverse=True, funding=Decimal(0))
    held = isolated("0.3", of, side * 100_000, 50_000, 10)
    spare = 0.3 - requirement(held).maintenance_margin
    assert price_of(held) == pytest.approx(100_000 / (2 + side * spare), rel=1e-9)


def test_a_quanto_contract_is_a_linear_one_in_the_settle_currency() -> None:
    """100 contracts of 0.000001 XBT a dollar, 3,000 to 3,300: 0.03 XBT of profit."""
    of = Contract("ETH", Decimal(3_300), ONE_STEP, multiplier=Decimal("0.000001"))
    held = SmallPool(
        "bitmex_isolated", (Line(Coin("XBT"), Decimal(0), (Leg(of, Decimal(100), Decimal(3_000)),)),)
    )
    found = requirement(held)
    assert found.equity == pytest.approx(0.03)
    assert found.maintenance_margin == pytest.approx(0.003)


def test_cross_sets_the_wallet_against_all_positions() -> None:
    """Each position asks as it would alone, nothing is netted."""
    one, other = Leg(contract(100), Decimal(1), Decimal(90)), Leg(contract(100), Decimal(-1), Decimal(90))
    together = requirement(SmallPool("bitmex_cross", (Line(Coin("USDT"), Decimal(50), (one, other)),)))
    apart = [
        requirement(SmallPool("bitmex_isolated", (Line(Coin("USDT"), Decimal(0), (leg,)),)))
        for leg in (one, other)
    ]
    assert together.equity == pytest.approx(50)
    assert together.maintenance_margin == pytest.approx(sum(part.maintenance_margin for part in apart))


def test_the_bankruptcy_price_is_where_the_margin_is_gone() -> None:
    """1963 at 3x on the initial margin alone: 1308.67, which the venue shows on its tick."""
    price = surveyed(isolated(Decimal(1963) / 3, contract(1963), 1, 1963)).legs.bankruptcy[0]
    assert price == pytest.approx(1963 * 2 / 3, rel=1e-9)
    assert on_tick_above(float(price)) == pytest.approx(1308.7)


@pytest.mark.parametrize("model", ["bitmex_isolated", "bitmex_cross"])
def test_equality_is_liquidated_and_an_empty_pool_never(model: str) -> None:
    """posMargin and profit down to posMaint is liquidation; without a position there is nothing to lose."""
    assert is_liquidatable(MODELS[model].says, 1.0, 1.0)
    assert Needs.FUNDING in MODELS[model].needs
    for wallet in (100, 0, -1):
        found = requirement(SmallPool(model, (Line(Coin("USDT"), Decimal(wallet)),)))
        assert (found.equity, found.maintenance_margin) == (wallet, 0)
        assert not is_liquidatable(MODELS[model].says, found.equity, found.maintenance_margin)
