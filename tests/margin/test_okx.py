"""What is peculiar to OKX futures: tiers by contracts on the whole, the fee in the requirement, currencies
that are discounted and owed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.margin.models import MODELS
from monitor.margin.venue_words import is_liquidatable, venue_figure
from tests.support.cex_tables import discounts, whole
from tests.support.small_books import moves_of, price_of, requirement
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool

SAYS = MODELS["okx_single"].says
FEE = Decimal("0.0005")
TIERS = whole((0, "0.004"), (3_000, "0.005"), (6_000, "0.01"))  # ETHUSDT perpetual, June 2021
ETH = Contract("ETH", Decimal(2_000), TIERS, multiplier=Decimal("0.1"), taker_fee=FEE)
COIN = Contract("ETHUSD", Decimal(2_000), TIERS, multiplier=Decimal(10), taker_fee=FEE, inverse=True)
DISCOUNTS = discounts((0, "0.98"), (20, "0.9775"), (25, "0.975"))  # BTC, in BTC
rngs = st.integers(0, 2**48).map(Random)
cross_and_isolated = pytest.mark.parametrize("model", ["okx_single", "okx_isolated"])
sides = pytest.mark.parametrize("side", [1, -1])


def leg(of: Contract, contracts: object, entry: object = 2_000, leverage: int = 10) -> Leg:
    """So many contracts, entered at a price."""
    return Leg(of, Decimal(str(contracts)), Decimal(str(entry)), Decimal(leverage))


def pool(model: str, wallet: object, *legs: Leg) -> SmallPool:
    """One currency."""
    return SmallPool(model, (Line(Coin("USDT"), Decimal(str(wallet)), legs),))


def multi(*lines: Line) -> SmallPool:
    """Several currencies."""
    return SmallPool("okx_multi", lines)


@cross_and_isolated
def test_the_rate_of_a_tier_is_on_all_contracts(model: str) -> None:
    """Just below a floor the lower rate, on it the higher one, on the whole: the requirement jumps."""
    for contracts, rate in (("2999.99", "0.004"), ("3000", "0.005"), ("6000", "0.01")):
        found = requirement(pool(model, 0, leg(ETH, contracts)))
        assert found.maintenance_margin == pytest.approx(
            float(Decimal(contracts) * 200 * (Decimal(rate) + FEE))
        )


def test_a_tier_is_found_by_contracts_and_not_by_value() -> None:
    """The price may be anything: 2,000 contracts are in the first tier."""
    dear = replace(ETH, mark=Decimal(2_000_000))
    found = requirement(pool("okx_single", 0, leg(dear, 2_000, 2_000_000)))
    assert found.maintenance_margin == pytest.approx(2_000 * 200_000 * 0.0045)


def test_long_and_short_of_one_contract_are_in_one_tier_in_cross() -> None:
    """2,000 long and 1,500 short are 3,500 contracts, in the second tier, each leg charged in full."""
    found = requirement(pool("okx_single", 0, leg(ETH, 2_000), leg(ETH, -1_500)))
    assert found.maintenance_margin == pytest.approx(3_500 * 200 * 0.0055)
    assert found.initial_margin == pytest.approx(3_500 * 200 / 10)


def test_contracts_of_another_kind_are_in_tiers_of_their_own() -> None:
    """2,000 of each of two contracts stay in the first tier."""
    found = requirement(pool("okx_single", 0, leg(ETH, 2_000), leg(replace(ETH, name="E2"), 2_000)))
    assert found.maintenance_margin == pytest.approx(4_000 * 200 * 0.0045)


def test_initial_margin_is_at_mark_in_cross_and_at_entry_when_isolated() -> None:
    """The one moves with the price, the other stays what it was."""
    held = leg(ETH, 10, 1_500)
    assert requirement(pool("okx_single", 0, held)).initial_margin == pytest.approx(10 * 200 / 10)
    assert requirement(pool("okx_isolated", 0, held)).initial_margin == pytest.approx(10 * 150 / 10)


@sides
@given(rng=rngs)
def test_a_linear_position_is_liquidated_at_the_closed_form(side: int, rng: Random) -> None:
    """(entry - side x margin / size) / (1 - side x (rate + fee)), within one tier."""
    contracts, entry = rng.uniform(1, 2_900), rng.uniform(1_500, 2_500)
    worth = contracts * 0.1 * 2_000
    margin = worth * rng.uniform(0.02, 0.5) - side * contracts * 0.1 * (2_000 - entry)
    found = price_of(
        pool("okx_isolated", f"{margin:.12g}", leg(ETH, f"{side * contracts:.12g}", f"{entry:.12g}"))
    )
    expected = (entry - side * margin / (contracts * 0.1)) / (1 - side * 0.0045)
    assert found == pytest.approx(expected, rel=1e-9)


@sides
@given(rng=rngs)
def test_an_inverse_position_is_liquidated_at_the_closed_form(side: int, rng: Random) -> None:
    """(1 + side x (rate + fee)) / (1 / entry + side x margin / face), within one tier."""
    contracts, entry = rng.uniform(1, 2_900), rng.uniform(1_500, 2_500)
    face = contracts * 10
    margin = face / 2_000 * rng.uniform(0.02, 0.5) - side * face * (1 / entry - 1 / 2_000)
    found = price_of(
        pool("okx_isolated", f"{margin:.12g}", leg(COIN, f"{side * contracts:.12g}", f"{entry:.12g}"))
    )
    expected = (1 + side * 0.0045) / (1 / entry + side * margin / face)
    if 0 < expected < 2_000 * 9_000:
        assert found == pytest.approx(expected, rel=1e-8)


@sides
def test_the_cross_price_follows_from_the_published_ratio(side: int) -> None:
    """(mark - side x equity / size) / (1 - side x (rate + fee)), equity being ratio x requirement."""
    held = pool("okx_single", 3_000, leg(ETH, side * 100))
    found = requirement(held)
    equity = venue_figure(SAYS, found.equity, found.maintenance_margin) * 100 * 200 * 0.0045
    expected = (2_000 - side * equity / 10) / (1 - side * 0.0045)
    assert price_of(held) == pytest.approx(expected, rel=1e-9)


@cross_and_isolated
def test_equality_is_liquidated_and_a_hair_above_is_not(model: str) -> None:
    """The ratio is 100 % where equity is just the margin and the fee; the venue liquidates there."""
    asked = 1_000 * 200 * (Decimal("0.004") + FEE)
    at, above = (requirement(pool(model, asked + more, leg(ETH, 1_000))) for more in (0, Decimal("1e-6")))
    assert venue_figure(SAYS, at.equity, at.maintenance_margin) == pytest.approx(1)
    assert is_liquidatable(SAYS, at.equity, at.equity)
    assert not is_liquidatable(SAYS, above.equity, above.maintenance_margin)


@pytest.mark.parametrize("model", ["okx_single", "okx_isolated", "okx_multi"])
def test_nothing_held_requires_nothing_and_has_no_ratio(model: str) -> None:
    """A balance alone is in no danger, and the venue's field is empty."""
    found = requirement(pool(model, 100))
    assert (found.equity, found.maintenance_margin) == (100, 0)
    assert not is_liquidatable(SAYS, found.equity, found.maintenance_margin)


def test_what_orders_need_is_taken_off_equity() -> None:
    """Amounts in orders to sell and isolated needs are gone from the ratio of a currency."""
    held = pool("okx_single", 1_000, leg(ETH, 100))
    busy = replace(held, lines=(replace(held.lines[0], order_loss=Decimal(400)),))
    assert requirement(busy).equity == pytest.approx(600)
    assert requirement(busy).maintenance_margin == requirement(held).maintenance_margin


def test_a_currency_counts_by_the_discount_of_each_slice_of_its_amount() -> None:
    """100 BTC: 20 at 0.98, 5 at 0.9775, the rest at 0.975, whatever a BTC costs."""
    for price in (1, 60_000):
        found = requirement(multi(Line(Coin("BTC", Decimal(price), tiers=DISCOUNTS), Decimal(100))))
        assert found.equity == pytest.approx((20 * 0.98 + 5 * 0.9775 + 75 * 0.975) * price)


def test_beyond_the_last_tier_nothing_more_counts() -> None:
    """BETH in July 2024: a rate of 0 from the last floor up adds nothing."""
    tiers = discounts((0, "0.95"), (2_000_000, "0.85"), (4_000_000, "0.5"), (8_000_000, 0))
    for amount in (8_000_000, 80_000_000):
        assert requirement(multi(Line(Coin("BETH", tiers=tiers), Decimal(amount)))).equity == pytest.approx(
            5_600_000
        )


def test_profit_is_discounted_with_the_currency_that_it_is_paid_in() -> None:
    """The discount is on equity, profit in it: one coin of profit is worth no more than one that is held."""
    coin = Coin("ETH", Decimal(2_000), "ETH", tiers=discounts((0, "0.9"), (10, "0.8")))
    held = replace(
        leg(COIN, 2_000, 1_600), contract=replace(COIN, taker_fee=Decimal(0))
    )  # 12.5 - 10 = 2.5 ETH
    found = requirement(multi(Line(coin, Decimal(10), (held,))))
    assert found.equity == pytest.approx((10 * 0.9 + 2.5 * 0.8) * 2_000)
    assert found.maintenance_margin == pytest.approx(10 * 0.004 * 2_000)


def test_a_negative_equity_counts_in_full_and_requires_its_own_margin() -> None:
    """A loss beyond the wallet is borrowed: no discount, and the tier of the debt on all of it."""
    debts = whole((0, "0.02"), (1_000, "0.05"))
    usdt = Coin("USDT", Decimal("1.01"), tiers=discounts((0, "0.9")), liability=debts)
    btc = Line(Coin("BTC", Decimal(60_000), tiers=discounts((0, "0.98"))), Decimal(1))
    held = Line(usdt, Decimal(500), (leg(ETH, 100, 2_200),))  # loses 2,000
    found = requirement(multi(btc, held))
    assert found.equity == pytest.approx(60_000 * 0.98 - 1_500 * 1.01)
    assert found.maintenance_margin == pytest.approx((100 * 200 * 0.0045 + 1_500 * 0.05) * 1.01)


def test_what_is_no_collateral_counts_only_where_it_is_owed() -> None:
    """A currency that was switched off adds nothing; its debt is owed all the same."""
    coin = Coin("DOGE", Decimal(2))
    off = [Line(coin, Decimal(wallet), collateral=False) for wallet in (10, -10)]
    assert [requirement(multi(line)).equity for line in off] == [0, -20]


def test_the_same_contract_is_counted_within_its_settle_currency() -> None:
    """What another balance settles is in a tier of its own."""
    lines = (
        Line(Coin("USDT"), Decimal(0), (leg(ETH, 2_000),)),
        Line(Coin("USDC"), Decimal(0), (leg(ETH, 2_000),)),
    )
    assert requirement(multi(*lines)).maintenance_margin == pytest.approx(4_000 * 200 * 0.0045)


def test_a_fall_of_the_collateral_liquidates_as_well() -> None:
    """A short that gains as BTC falls does not save an account whose BTC is the collateral: both move."""
    btc = Contract("BTC", Decimal(60_000), whole((0, "0.004")), taker_fee=FEE)
    collateral = Line(Coin("BTC", Decimal(60_000), "BTC", tiers=discounts((0, "0.95"))), Decimal(1))
    long = multi(collateral, Line(Coin("USDT"), Decimal(0), (leg(btc, 2, 60_000),)))
    lower, _ = moves_of(long)["BTC"]
    # owned 0.95 f, lost 2 (1 - f), required 2 f x 0.0045, all in 60,000 USD
    assert lower == pytest.approx(2 / (0.95 + 2 - 2 * 0.0045), rel=1e-9)
