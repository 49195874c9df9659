"""What is peculiar to Drift: weights in whole ten-thousandths by the root of a size, gains that count in
part, and prices that are strict for initial margin only."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, localcontext
from itertools import product
from math import isqrt
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from monitor.margin.band import is_breached
from monitor.margin.drift import scaled_initial_weight
from monitor.margin.models import MODELS
from monitor.margin.venue_words import is_liquidatable, margin_ratio_of, venue_figure
from tests.support.draws_drift import drift_pool
from tests.support.drift_lines import (
    BILLIONTH,
    NOTHING,
    ONE,
    coin,
    exactly,
    held,
    orders,
    perpetual,
    step,
    usdc,
)
from tests.support.small_books import moves_of, price_of, requirement
from tests.support.small_draws import PRECISION
from tests.support.small_market import Coin, Contract, Leg, SmallPool

SAYS = MODELS["drift"].says


def test_equality_is_safe_at_the_venue_and_in_the_band_here() -> None:
    """It liquidates what has less than it must have; as much is enough. The band leans towards danger."""
    for wallet, liquidated in (("49.99", True), ("50", False), ("50.01", False)):
        found = requirement(SmallPool("drift", (usdc(wallet, perpetual(10)),)))
        assert is_liquidatable(SAYS, found.equity, found.maintenance_margin) is liquidated
        assert is_breached(found.maintenance_margin, found.equity, 1.0) is (wallet != "50.01")


@pytest.mark.parametrize(
    ("equity", "maintenance", "health"),
    [(100, 0, 100), (0, 0, 100), (200, 50, 75), (50, 50, 0), (10, 50, 0), (-10, 50, 0), (0, 50, 0)],
)
def test_health_is_what_is_not_needed(equity: float, maintenance: float, health: float) -> None:
    """100 where nothing is required, 0 from liquidation on, in between 100 x (1 - ratio); it maps back."""
    assert venue_figure(SAYS, equity, maintenance) == health
    if health:
        assert margin_ratio_of(SAYS, health) == pytest.approx(maintenance / max(equity, 1))


def test_deposits_and_debts_are_weighted() -> None:
    """A deposit counts by its weight; a debt asks for itself and more; USDC counts as it is, either way."""
    found = exactly(usdc(-50), held(10), held(-4, of=coin(50)))
    assert (found.equity, found.maintenance_margin) == (900, 50 + 220)
    required, lost = 50 + 240, 1000 * Decimal("0.1")
    assert found.initial_margin == required + lost


def test_a_token_without_a_schedule_of_debts_is_owed_as_it_is() -> None:
    """Each side has a schedule of its own, or none; that of another token is not read."""
    kept = replace(coin(50), liability=())
    assert exactly(usdc(0), held(10), held(-4, of=kept)) == (900, 300, 200)


def test_initial_margin_is_missing_when_the_venue_misses_it() -> None:
    """Equity less initial margin is what the venue has of initial collateral beyond its requirement."""
    found = exactly(
        usdc(1_000, perpetual(300, entry=99)), held(10, of=coin(100, 95)), held(-4, of=coin(50, 51))
    )
    collateral = 1_000 + 10 * 95 * Decimal("0.8") + 100  # the gain of 300 is capped
    required = 3_000 + 4 * 51 * Decimal("1.2")
    assert found.equity - found.initial_margin == collateral - required


def test_collateral_alone_asks_for_nothing() -> None:
    """Where nothing is required, a weight that is lower for initial margin makes none."""
    assert exactly(held(10)) == (900, 0, 0)
    assert exactly(usdc(0)) == (0, 0, 0)


# The second line: where an asset weight, or the ratio, goes over to the next ten-thousandth.
@pytest.mark.parametrize(
    ("imf", "root"),
    [
        *product([1, 450, 3_000, 100_000], [316, 99_999, 100_001, 3_162_279]),
        *((100_000, 375_000), (100_000, 375_001), (50_000, 750_001), (100_000, 3_162_300)),
        (100_000, 1_407_529),  # 11 x 10^9 + 1 is a multiple of what this weight is divided by
    ],
)
def test_weights_change_at_the_billionth(imf: int, root: int) -> None:
    """At the least size with a root, and a billionth below, weights and ratio are those of that root."""
    least = -(-(root * root - 1) // 10)
    for size in (least - 1, least):
        true = isqrt(10 * size + 1)
        quantity, slope = size * BILLIONTH, Decimal(imf) / 10**6
        deposit = exactly(held(quantity, of=coin(1, slope=slope))).equity / quantity
        assert deposit * 10_000 == min(9_000, 11 * 10**9 // (10**6 + true * imf // 10**5))
        debt = exactly(held(-quantity, of=coin(1, slope=slope))).maintenance_margin / quantity
        assert debt * 10_000 == max(11_000, 8_800 + true * imf // 10**7)
        ratio = exactly(usdc(0, perpetual(quantity, 1, slope=slope))).maintenance_margin / quantity
        assert ratio * 10_000 == max(500, 400 + true * imf // 10**7)


@pytest.mark.parametrize("billions", [1, 40, 9_000])
def test_a_memecoin_is_counted_in_billions(billions: int) -> None:
    """Sizes whose billionths no 64-bit integer holds are weighed the same compiled."""
    pool = SmallPool("drift", (held(billions * 10**9, of=coin("0.00002", slope="0.000003")),))
    assert requirement(pool).equity == pytest.approx(float(exactly(*pool.lines).equity), rel=1e-12)


@given(steps=st.integers(1, 20_000), imf=st.integers(1, 1_000), beside=st.integers(-3, 3))
def test_compiled_is_within_a_quantum_where_floats_tell_no_billionths(
    steps: int, imf: int, beside: int
) -> None:
    """However large the size and however near to where the ratio changes: at most a ten-thousandth off."""
    root = -(-steps * 10**7 // imf)
    quantity = (root * root // 10 + beside) * BILLIONTH
    line = usdc(0, perpetual(quantity, 1, slope=Decimal(imf) / 10**6))
    ours = requirement(SmallPool("drift", (line,))).maintenance_margin / float(quantity)
    apart = abs(ours - float(exactly(line).maintenance_margin / quantity))
    assert apart < (1.001e-4 if quantity > 450_000 else 1e-12)


def test_margin_of_the_published_positions_to_the_millionth() -> None:
    """Truncated to a millionth as on chain, initial margin is the published integer."""
    for price, expected in ((22_050, 13_555_327_867), (21_050, 12_940_573_769)):
        short = perpetual("-6.147540983", price, slope="0.001")
        assert exactly(usdc(0, short)).initial_margin * 10**6 // 1 == expected


@pytest.mark.parametrize(("average", "low", "high"), [("0.95", "0.95", "1.05"), ("1.1", "1.05", "1.1")])
def test_prices_are_strict_for_initial_margin_only(average: str, low: str, high: str) -> None:
    """Maintenance goes by the oracle; initial takes the lower of it and the average for what is owned, the
    higher for what is owed and for what a position requires in its quote asset."""
    quote = Coin("USDC", Decimal("1.05"), average=Decimal(average))
    found = exactly(usdc(10, perpetual(1), of=quote))
    assert (found.equity, found.maintenance_margin) == (Decimal("10.5"), Decimal("5.25"))
    assert found.initial_margin - found.equity == 10 * Decimal(high) - 10 * Decimal(low)
    owed = exactly(usdc(0), held(-1, of=coin("1.05", average)))
    assert (owed.equity, owed.maintenance_margin) == (0, Decimal("1.155"))
    assert owed.initial_margin == Decimal(high) * Decimal("1.2")


def test_a_loss_counts_in_full_and_a_gain_by_its_weight() -> None:
    """For maintenance by one weight; for initial margin by another that falls with the root of the gain, and
    never by more than 100 USDC a position."""
    weights = {"gain_rate": Decimal("0.95"), "gain_initial": Decimal("0.9")}
    assert exactly(usdc(0, perpetual(1, entry=140, **weights))).equity == -40
    won = exactly(usdc(0, perpetual(1, entry=60, **weights)))
    assert won.equity == 38
    assert won.initial_margin == 10 + (38 - 36)
    large = exactly(usdc(0, *[perpetual(10, entry=50, **weights)] * 2))
    assert large.equity == 950
    assert large.initial_margin == 200 + (950 - 200)
    steep = exactly(usdc(0, perpetual(1, entry=60, gain_slope=Decimal("0.1"), **weights)))
    whole = 11 * 10**9 // (10**6 + isqrt(40 * 10**10 + 1) * 100_000 // 10**5)
    assert steep.initial_margin == 10 + 38 - 40 * Decimal(whole) / 10_000


def test_the_users_own_leverage_raises_initial_margin_only() -> None:
    """The venue's tests: at twice, 100 coins at 100 ask for 20,000 as a position and 30,000 as a debt; a
    deposit counts by 1 - 0.5. Where the market asks for more, that holds."""
    assert exactly(usdc(0, perpetual(100, leverage="0.5"))).initial_margin == 20_000
    assert exactly(usdc(0, perpetual(100, leverage="0.5"))).maintenance_margin == 500
    assert exactly(usdc(0, perpetual(100, leverage=50))).initial_margin == 1_000
    low = Contract("SOL-PERP", Decimal(100), step("0.001", "0.002"))
    assert exactly(usdc(0, Leg(low, Decimal(100), Decimal(100), Decimal(50)))) == (0, 200, 10)
    both = exactly(usdc(0, perpetual(100, leverage="0.5")), held(-100, orders(leverage="0.5")))
    assert both.initial_margin == 50_000
    small = exactly(usdc(-1), held(100, orders(leverage=2)))
    assert small.equity - small.initial_margin == 5_000 - 1
    assert exactly(held(-100, orders(leverage=50))).initial_margin == 12_000
    none_left = exactly(usdc(-1), held(100, orders(leverage="0.5")))
    assert none_left.equity - none_left.initial_margin == -1


def test_a_gain_is_sized_by_whole_millionths() -> None:
    """At the least gain with a root the weight is that of the root; a billionth less is a millionth less."""
    weights = {"gain_initial": Decimal("0.9"), "gain_slope": Decimal("0.1")}
    for gain, weight in (("14.062575", 7_999), ("14.062574999", 8_000)):
        won = exactly(usdc(0, perpetual(1, entry=100 - Decimal(gain), **weights)))
        assert won.equity == Decimal(gain)
        assert won.initial_margin == 10 + won.equity - won.equity * weight / 10_000


@pytest.mark.parametrize(
    ("quantity", "price", "at_risk"),
    [(-4, "0.25", 3), (4, "0.25", 1), (-4, "1.5", 0), ("0.5", "0.25", "0.125"), ("-0.5", "0.25", "0.375")],
)
def test_a_short_in_a_prediction_market_can_lose_up_to_one(quantity: Any, price: str, at_risk: Any) -> None:
    """Its liability is 1 - price; a long's is its price; of each coin that a contract is of."""
    for multiplier in (1, 1_000):
        found = exactly(usdc(0, perpetual(quantity, price, ceiling=ONE, multiplier=Decimal(multiplier))))
        assert found.maintenance_margin == multiplier * Decimal(at_risk) * Decimal("0.05")


def test_the_larger_liability_decides_in_a_prediction_market() -> None:
    """At 0.1 asks for 2 leave more to lose than bids for 10."""
    found = exactly(usdc(0, perpetual(0, "0.1", bids=10, asks=2, ceiling=ONE)))
    assert found.maintenance_margin == 2 * Decimal("0.9") * Decimal("0.05")


def test_at_a_tie_in_a_prediction_market_the_asks_decide() -> None:
    """3 bought at 0.25 may lose as much as 1 sold; the ratio is then that of the size of 1."""
    terms = {"slope": "0.1", "ceiling": ONE}
    tie = exactly(usdc(0, perpetual(1, "0.25", bids=2, asks=2, **terms)))
    sold = exactly(usdc(0, perpetual(-1, "0.25", **terms)))
    assert tie.maintenance_margin == sold.maintenance_margin > Decimal("0.75") * Decimal("0.05")


@given(seed=st.integers(0, 2**48), factor=st.integers(1, 1_000))
def test_more_size_never_asks_for_less_but_for_what_orders_would_close(seed: int, factor: int) -> None:
    """Without open orders a larger position or debt lowers neither margin, however weights and gains go."""
    rng = Random(seed)
    drawn = drift_pool(rng, "drift")
    lines = [
        replace(line, legs=tuple(replace(leg, bids=NOTHING, asks=NOTHING) for leg in line.legs))
        for line in drawn.lines
    ]
    place = rng.randrange(len(lines))
    line = lines[place]
    legs = tuple(replace(leg, quantity=leg.quantity * factor) for leg in line.legs)
    larger = [*lines[:place], replace(line, legs=legs, borrowed=line.borrowed * factor), *lines[place + 1 :]]
    assume(line.wallet <= 0 or not line.borrowed)  # else it turns what is owned into what is owed
    with localcontext(prec=PRECISION):
        before, after = exactly(*lines), exactly(*larger)
        assert after.maintenance_margin >= before.maintenance_margin * (1 - Decimal("1e-40"))
        assert after.initial_margin >= before.initial_margin * (1 - Decimal("1e-40"))


def test_an_isolated_position_is_a_pool_of_its_own() -> None:
    """It has its own USDC and its own position; the venue's test leaves it 900 short of nothing."""
    schedule = step("0.1", "0.1")
    lost = Leg(Contract("SOL-PERP", Decimal(100), schedule), Decimal(100), Decimal(110), NOTHING)
    assert exactly(usdc(100, lost)) == (-900, 1_000, 1_000)
    assert is_liquidatable(SAYS, -900, 1_000)


def test_dust_and_negative_equity_are_not_clear() -> None:
    """A billionth of a coin asks for something; a pool that owes more than it has is breached."""
    dust = requirement(SmallPool("drift", (usdc(0, perpetual(BILLIONTH)),)))
    assert dust.maintenance_margin > 0
    assert is_breached(dust.maintenance_margin, dust.equity, 1.0)
    debt = requirement(SmallPool("drift", (usdc(-1),)))
    assert debt == (0, 1, 1)
    assert is_breached(debt.maintenance_margin, debt.equity, 1.0)


@given(
    entry=st.floats(10, 100_000),
    size=st.floats(0.001, 1_000),
    share=st.floats(0.06, 0.6),
    side=st.sampled_from([1, -1]),
    imf=st.integers(0, 5_000),
)
def test_the_liquidation_price_of_one_perpetual(
    entry: float, size: float, share: float, side: int, imf: int
) -> None:
    """Wallet + side x size x (price - entry) = ratio x size x price, at the ratio of the size."""
    quantity = Decimal(size).quantize(BILLIONTH)
    price, wallet = Decimal(f"{entry:.6g}"), float(f"{share * size * entry:.6g}")
    ratio = max(500, 400 + isqrt(int(quantity * 10**10) + 1) * imf // 10**7) / 10_000
    leg = perpetual(side * quantity, price, slope=Decimal(imf) / 10**6)
    found = price_of(SmallPool("drift", (usdc(wallet, leg),)))
    each = wallet / float(quantity)
    expected = (each - side * float(price)) / (ratio - side)
    if share > ratio * 1.01 and expected > 0:
        assert found == pytest.approx(expected, rel=1e-9)


def test_a_deposit_and_its_hedge_move_together() -> None:
    """10 SOL held and 10 sold: a rise costs a tenth of each dollar and 5 % of the hedge, a fall gives it."""
    lower, upper = moves_of(SmallPool("drift", (usdc(20, perpetual(-10)), held(10))))["SOL"]
    # 20 + 9 p x 100 - 10 x 100 (p - 1) = 0.05 x 10 x 100 p
    assert upper == pytest.approx(1_020 / 150, rel=1e-9)
    assert lower != lower  # nan: none


@pytest.mark.parametrize(
    ("deposits", "weight"),
    [(0, "0.9"), (499_999, "0.9"), (500_000, "0.9"), (500_056, "0.8998"), (1_000_000, "0.45"), (10**12, "0")],
)
def test_an_initial_weight_falls_with_what_all_users_deposited(deposits: int, weight: str) -> None:
    """In proportion from where the scaling starts, down to whole ten-thousandths; 0 switches it off."""
    assert scaled_initial_weight(Decimal("0.9"), Decimal(500_000), Decimal(deposits)) == Decimal(weight)
    assert scaled_initial_weight(Decimal("0.9"), NOTHING, Decimal(deposits)) == Decimal("0.9")
