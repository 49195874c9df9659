"""What is peculiar to dYdX: whole quantums, equality, funding that is not in the balance, open interest."""

from __future__ import annotations

import math
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.instrument import BadSchedule, MarginTier
from monitor.explain.traced import Traced, in_names
from monitor.margin.arithmetic import ceil_to, floor_to
from monitor.margin.band import is_breached
from monitor.margin.dydx_terms import (
    effective_initial_fraction,
    funding_cap,
    liquidity_tier,
    maintenance_fraction,
    tier_step,
    unsettled_funding,
)
from monitor.margin.models import MODELS
from monitor.margin.rows import Requirement
from monitor.margin.venue_words import is_liquidatable, venue_figure
from tests.support.small_books import decimal_book, moves_of, price_of, requirement, surveyed
from tests.support.small_market import Coin, Contract, Leg, Line, Number, SmallPool

NOTHING, ONE = Decimal(0), Decimal(1)
QUANTUM = Decimal("0.000001")
TIER = MarginTier(NOTHING, Decimal("0.03"), Decimal("0.05"), NOTHING)
SAYS = MODELS["dydx"].says
rngs = st.integers(0, 2**48).map(Random)
both_sides = pytest.mark.parametrize("side", [1, -1])


def leg(size: Number, price: Number, name: str = "BTC", tier: MarginTier = TIER) -> Leg:
    """A position whose cost is in the balance."""
    return Leg(Contract(name, Decimal(price), (tier,)), Decimal(size), NOTHING, ONE)


def subaccount(balance: Number | float, *legs: Leg) -> SmallPool:
    """So many USDC and these positions."""
    return SmallPool("dydx", (Line(Coin("USDC"), Decimal(balance), legs),))


def exact(held: SmallPool) -> Requirement[Decimal]:
    """To the quantum."""
    found: Requirement[Decimal] = MODELS["dydx"].assess(0, decimal_book(held))
    return found


def figures(equity: Number, initial: Number, maintenance: Number) -> Requirement[Decimal]:
    """What is expected."""
    return Requirement(Decimal(equity), Decimal(initial), Decimal(maintenance))


def test_equality_is_safe_at_the_venue_and_liquidation_in_the_band() -> None:
    """A subaccount whose net collateral just equals its margin is not liquidated; one quantum less is."""
    at = exact(subaccount("-97", leg(1, 100)))
    assert at == figures(3, 5, 3)
    assert not is_liquidatable(SAYS, 3.0, 3.0)
    assert is_breached(3.0, 3.0, 1.0)
    below = exact(subaccount("-97.000001", leg(1, 100)))
    assert is_liquidatable(SAYS, float(below.equity), float(below.maintenance_margin))
    assert venue_figure(SAYS, 5.0, 3.0) == 2.0


def test_who_owes_without_a_position_is_not_liquidated() -> None:
    """Nothing required, nothing liquidated, though the balance is below nothing."""
    found = exact(subaccount(-1))
    assert found == figures(-1, 0, 0)
    assert not is_liquidatable(SAYS, -1.0, 0.0)


@both_sides
def test_worth_is_cut_off_and_margins_are_rounded_up(side: int) -> None:
    """Ten quantums and a half are worth ten on either side; 3 and 5 % of ten are each a whole quantum."""
    found = exact(subaccount(0, leg(side * 21, QUANTUM / 2)))
    assert found.equity == side * 10 * QUANTUM
    assert found.initial_margin == found.maintenance_margin == QUANTUM


def test_dust_below_a_quantum_is_nothing() -> None:
    """What is worth less than a quantum is worth nothing and requires nothing."""
    assert exact(subaccount(5, leg("0.9", QUANTUM))) == figures(5, 0, 0)


def test_each_position_is_rounded_by_itself() -> None:
    """Ten positions of one quantum require ten quantums, not the one that their sum would."""
    dust = [leg(1, QUANTUM, str(number)) for number in range(10)]
    assert exact(subaccount(0, *dust)).maintenance_margin == 10 * QUANTUM
    assert exact(subaccount(0, leg(10, QUANTUM))).maintenance_margin == QUANTUM


def test_no_worth_is_too_large_to_be_rounded() -> None:
    """Far more quantums than a 64-bit integer counts are still a float, in the compiled loops as well."""
    found = requirement(subaccount(0, leg(10**12, 10**9)))
    assert found.equity == 1e21
    assert found.maintenance_margin == pytest.approx(3e19, rel=1e-12)


def test_what_is_no_number_stays_none() -> None:
    """Rounding makes no number of nan: the probe for bad cells sees it."""
    assert math.isnan(ceil_to(math.nan, 100))
    assert math.isnan(floor_to(math.nan, 100))
    assert floor_to(-math.inf, 100) == -math.inf


def test_rounding_tells_how_it_was_made() -> None:
    """A number that remembers its derivation is rounded as any, and says so."""
    up, down = ceil_to(Traced(2.5, "margin"), 1), floor_to(Traced(2.5, "margin"), 1)
    assert (float(up), in_names(up)) == (3, "rounded up(margin)")
    assert (float(down), in_names(down)) == (2, "rounded down(margin)")


def test_a_price_that_was_paid_may_stand_at_the_position_as_well() -> None:
    """The balance less the cost, or the balance and the entry price: the same equity."""
    in_wallet = exact(subaccount(-200, leg(2, 110)))
    at_entry = exact(subaccount(0, Leg(leg(2, 110).contract, Decimal(2), Decimal(100), ONE)))
    assert in_wallet == at_entry
    assert in_wallet.equity == 20


@both_sides
@given(rng=rngs)
def test_the_liquidation_price_is_the_venues(side: int, rng: Random) -> None:
    """(equity - size x price - margin of the others) / (size x fraction - signed size)."""
    price, size = 10 ** rng.uniform(-1, 5), 10 ** rng.uniform(2, 6)
    size = side * size / price
    other = rng.uniform(0, 0.02) * abs(size) * price
    equity = other + abs(size) * price * rng.uniform(0.05, 0.5)
    held = subaccount(
        equity - size * price - other,
        leg(f"{size:.12g}", f"{price:.12g}"),
        leg(f"{other:.6f}", 1, "OTHER", MarginTier(NOTHING, ONE, ONE, NOTHING)),
    )
    expected = (equity - size * price - other) / (abs(size) * 0.03 - size)
    assert price_of(held) == pytest.approx(expected, rel=1e-7)


def test_a_hedged_subaccount_dies_both_ways() -> None:
    """Long one and short another by as much: each alone moves it to its end, up or down."""
    found = moves_of(subaccount(10, leg(1, 100, "A"), leg(-1, 100, "B")))
    assert found["A"] == pytest.approx((1 - 4 / 97, math.nan), nan_ok=True)
    assert found["B"] == pytest.approx((math.nan, 1 + 4 / 103), nan_ok=True)


def test_a_breached_subaccount_is_told_the_price_that_would_end_it() -> None:
    """Rounded steps do not stop the search short: from 100 the long is safe again above 103.09."""
    assert price_of(subaccount("-100", leg(1, 100))) == pytest.approx(100 / 0.97, rel=1e-7)


@both_sides
def test_the_bankruptcy_price_is_where_net_collateral_is_gone(side: int) -> None:
    """A long that owes 4,501 for 0.1 is gone at 45,010; a short that holds 5,499 for 0.1 at 54,990."""
    held = subaccount(-4501 if side > 0 else 5499, leg(side * ONE / 10, 50_000))
    assert surveyed(held).legs.bankruptcy[0] == pytest.approx(45_010 if side > 0 else 54_990, rel=1e-9)


def test_open_interest_raises_the_initial_margin_alone() -> None:
    """Half way between the caps of 20 million and 50 million half of what is missing to 1 is added."""
    terms = (Decimal("0.05"), Decimal("0.6"), Decimal(35_000_000), Decimal(20_000_000), Decimal(50_000_000))
    (step,) = liquidity_tier(*terms).tiers
    assert (step.initial_rate, step.maintenance_rate) == (Decimal("0.525"), Decimal("0.03"))
    assert exact(subaccount(0, leg(1, 1000, tier=step))) == figures(1000, 525, 30)


@pytest.mark.parametrize(
    ("open_interest", "effective"), [(0, "0.05"), (20, "0.05"), (35, "0.525"), (50, "1"), (1000, "1")]
)
def test_open_interest_counts_between_its_caps(open_interest: int, effective: str) -> None:
    """Flat below the lower cap, 1 from the upper one; without an upper cap never raised."""
    initial = Decimal("0.05")
    caps = (Decimal(20), Decimal(50))
    assert effective_initial_fraction(initial, Decimal(open_interest), *caps) == Decimal(effective)
    assert effective_initial_fraction(initial, Decimal(open_interest), NOTHING, NOTHING) == initial


def test_a_fraction_is_told_in_whole_ppm_and_charged_in_full() -> None:
    """63.7239 % x 28.9284 %: 184,343 ppm are told, and the margin is charged on what was cut off too."""
    initial, share = Decimal("0.637239"), Decimal("0.289284")
    assert maintenance_fraction(initial, share) == Decimal("0.184343")
    assert tier_step(initial, share, NOTHING, NOTHING, NOTHING).maintenance_rate == initial * share


@pytest.mark.parametrize(("initial", "share"), [("0", "0.5"), ("0.05", "0"), ("1.1", "1"), ("0.05", "1.2")])
def test_what_no_tier_can_be_is_refused(initial: str, share: str) -> None:
    """A rate of nothing, above the whole, or above the initial one never enters a table."""
    with pytest.raises(BadSchedule):
        liquidity_tier(Decimal(initial), Decimal(share), NOTHING, NOTHING, NOTHING)


@pytest.mark.parametrize(
    ("open_interest", "lower", "upper", "is_sound"),
    [
        ("-1", "20", "50", False),
        ("-1", "0", "0", False),
        ("0", "20", "50", True),
        ("0.5", "0.5", "50", True),
        ("35", "0", "50", True),
        ("35", "20", "20", True),
        ("35", "50", "20", False),
        ("35", "-1", "20", False),
        ("35", "50", "0", True),  # an upper cap of 0 switches both off
    ],
)
def test_caps_rise_from_nothing(open_interest: str, lower: str, upper: str, is_sound: bool) -> None:
    """Open interest and caps from 0, the lower cap at most the upper one; its source tells them."""
    terms = [Decimal(number) for number in ("0.05", "0.6", open_interest, lower, upper)]
    if is_sound:
        assert ("caps" in liquidity_tier(*terms).source) is (upper != "0")
        return
    with pytest.raises(BadSchedule, match="do not rise from 0"):
        liquidity_tier(*terms)


def test_the_rate_of_funding_is_capped() -> None:
    """Six times (5 % - 3 %) in eight hours on the main chain."""
    assert funding_cap(Decimal(6), Decimal("0.05"), Decimal("0.6")) == Decimal("0.12")


@both_sides
def test_unsettled_funding_belongs_into_the_balance(side: int) -> None:
    """Longs pay what the index has risen since the subaccount was touched, and shorts receive it: it moves
    equity and no margin."""
    owed = unsettled_funding(Decimal("12.5"), Decimal(10), side * Decimal(2))
    assert owed == -side * 5
    stale = exact(subaccount(100, leg(side * 2, 50)))
    fresh = exact(subaccount(100 + owed, leg(side * 2, 50)))
    assert fresh.equity - stale.equity == owed
    assert fresh.maintenance_margin == stale.maintenance_margin
