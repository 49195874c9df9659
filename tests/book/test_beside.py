"""The scales beside ratio and distance: in minutes, in volatilities, in funding; and the dead-band."""

from __future__ import annotations

import math
from decimal import Decimal
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.book.beside import share_band
from monitor.book.settings import LevelRow
from monitor.domain.assessment import MarginAssessment, RiskBand
from monitor.domain.event import AssetPrice, Instruments, PoolFact, PriceHistory
from monitor.domain.identity import PoolId
from monitor.domain.instrument import CollateralAsset
from tests.support.books import LEVELS, Desk
from tests.support.facts import ACCOUNT, CROSS, SECOND, instrument, instruments, leg, mark, snapshot, wallet

PRICE = 10_000.0
HIGH = LEVELS._replace(raise_at=(0.97, 0.98, 0.99, 1.0), clear_at=(0.96, 0.97, 0.98, 0.99))
MINUTES = HIGH._replace(minutes_raise=(60.0, 30.0, 10.0), minutes_clear=(66.0, 33.0, 11.0))
VOLATILITIES = HIGH._replace(volatilities_raise=(3.0, 2.0, 1.0), volatilities_clear=(3.3, 2.2, 1.1))
FUNDING = HIGH._replace(funding_raise=(0.1, 0.3, 0.6), funding_clear=(0.095, 0.285, 0.57))
POOL = PoolId(f"{ACCOUNT}/{CROSS}")
seeds = st.integers(0, 2**32)


def desk_of(levels: LevelRow, money: str = "1600", quantity: str = "1") -> Desk:
    """A pool with a position of one coin, entered at the mark."""
    desk = Desk(levels)
    desk.tell(instruments("BTCUSDT"))
    desk.tell(snapshot(SECOND, [wallet(money)], [leg("BTCUSDT", quantity, "10000")]))
    desk.tell(mark("BTCUSDT", PRICE, SECOND))
    desk.turn(1)
    return desk


def moving(desk: Desk, speed: float) -> None:
    """Every minute of the last hours moved as far."""
    prices = [PRICE * math.exp(speed * (minute % 2)) for minute in range(120)]
    desk.tell(PriceHistory(instrument("BTCUSDT").id, tuple(prices), SECOND))


def band(desk: Desk, second: float) -> RiskBand:
    """The band after two turns at a second: one looks, the scales being due, and one more finds the same."""
    desk.turn(second)
    return RiskBand(int(desk.book.assessor.figures[desk.row(CROSS)].band))


def at_price(desk: Desk, price: float, second: int) -> RiskBand:
    """The band at another price."""
    desk.tell(mark("BTCUSDT", price, second * SECOND))
    return band(desk, second)


def picture(desk: Desk) -> MarginAssessment:
    """What a message says."""
    found = desk.book.describe(POOL, desk.now_ns, desk.now_ns)
    assert found is not None
    return found


def expected(value: float | None, levels: tuple[float, float, float]) -> int:
    """Said again in plain words: how many levels, falling, a figure has come to."""
    return 0 if value is None else sum(value <= level for level in levels)


@settings(max_examples=40, deadline=None)
@given(seed=seeds)
def test_the_band_by_time_and_volatility_is_that_of_the_figures_told(seed: int) -> None:
    """What a message tells of time and distance, found by solving, is in the band that the scale raised."""
    rng = Random(seed)
    both = MINUTES._replace(
        volatilities_raise=VOLATILITIES.volatilities_raise,
        volatilities_clear=VOLATILITIES.volatilities_clear,
    )
    levels = rng.choice([MINUTES, VOLATILITIES, both])
    desk = desk_of(levels, str(rng.randint(200, 9_000)), rng.choice(["1", "-1"]))
    moving(desk, 10 ** rng.uniform(-4, -1.5))
    found, told = band(desk, 2), picture(desk)
    assert told.at_present_speed is not None
    by_minutes = expected(told.at_present_speed.minutes, levels.minutes_raise)
    by_distance = expected(told.distance_volatilities, levels.volatilities_raise)
    assert int(found) == max(by_minutes, by_distance)


def test_without_a_speed_the_scale_is_silent() -> None:
    """Absent data raises nothing, and makes nothing UNKNOWN."""
    desk = desk_of(MINUTES, "150")
    assert band(desk, 2) is RiskBand.CLEAR
    moving(desk, 0.01)
    assert band(desk, 3) is RiskBand.CRITICAL


def test_the_worse_scale_counts() -> None:
    """Neither scale hides the other: critical by time is critical, past the line is past the line."""
    desk = desk_of(MINUTES, "400")
    moving(desk, 0.01)
    assert band(desk, 2) is RiskBand.CRITICAL
    assert at_price(desk, 9_600.0, 3) is RiskBand.LIQUIDATION
    assert at_price(desk, 9_900.0, 4) is RiskBand.CRITICAL


def test_a_level_in_minutes_clears_above_where_it_was_raised() -> None:
    """Between the two marks the band stays as it was."""
    desk = desk_of(MINUTES, "1600")
    moving(desk, 0.005)
    assert band(desk, 2) is RiskBand.WARNING
    assert at_price(desk, PRICE * 1.18, 3) is RiskBand.WARNING  # 60 < minutes < 66
    minutes = picture(desk).at_present_speed.minutes  # type: ignore[union-attr]
    assert 60 < minutes < 66
    assert at_price(desk, PRICE * 1.25, 4) is RiskBand.CLEAR


def test_an_unknown_pool_is_unknown_whatever_its_scales_say() -> None:
    """A price that nobody believes raises no band by time."""
    desk = desk_of(MINUTES, "400")
    moving(desk, 0.01)
    assert band(desk, 2) is RiskBand.CRITICAL
    desk.tell(mark("BTCUSDT", PRICE, 3 * SECOND, index=2 * PRICE))
    assert band(desk, 3) is RiskBand.UNKNOWN
    assert band(desk, 4) is RiskBand.UNKNOWN


def test_who_uses_none_of_them_pays_nothing() -> None:
    """Without a level on these scales no pool is looked at."""
    desk = desk_of(LEVELS)
    moving(desk, 0.05)
    desk.book._beside._reach = None  # type: ignore[method-assign, assignment]
    desk.turn(2)


def funded(rate: float, money: str) -> Desk:
    """A pool that pays funding within the hour."""
    desk = desk_of(FUNDING, money)
    eight = msgspec.structs.replace(instrument("BTCUSDT"), funding_hours=8.0)
    desk.tell(Instruments("binance_usdm", (eight,), (), SECOND))
    told = msgspec.structs.replace(
        mark("BTCUSDT", PRICE, 2 * SECOND), funding_rate=rate, next_funding_ns=3600 * SECOND
    )
    desk.tell(told)
    return desk


@pytest.mark.parametrize(
    ("rate", "money", "found"),
    [
        (0.001, "180", RiskBand.WARNING),  # 10 of 80
        (0.001, "120", RiskBand.MARGIN_CALL),  # 10 of 20
        (0.001, "111", RiskBand.CRITICAL),  # 10 of 11
        (0.001, "500", RiskBand.CLEAR),
        (-0.001, "111", RiskBand.CLEAR),  # it is paid
    ],
)
def test_funding_is_measured_against_what_is_left(rate: float, money: str, found: RiskBand) -> None:
    """What the next funding costs, against equity above maintenance."""
    assert band(funded(rate, money), 2) is found


@given(
    band_before=st.integers(0, 3),
    cost=st.floats(0, 100),
    headroom=st.floats(-10, 1000),
)
def test_a_funding_level_is_raised_by_its_own_mark(band_before: int, cost: float, headroom: float) -> None:
    """Wherever it was before, the band is at least what the raise marks say and at most what the clear marks
    do."""
    found = share_band(band_before, cost, headroom, FUNDING.funding_raise, FUNDING.funding_clear)
    if cost > 0:
        raised = sum(not cost < level * headroom for level in FUNDING.funding_raise)
        kept = sum(not cost < level * headroom for level in FUNDING.funding_clear)
        assert raised <= found <= max(raised, kept)
    else:
        assert found == 0
    assert share_band(band_before, None, headroom, FUNDING.funding_raise, FUNDING.funding_clear) == 0


def walked(levels: LevelRow, prices: list[float], speed: float) -> list[RiskBand]:
    """The bands along a way of prices, one a second."""
    desk = desk_of(levels, "600")
    moving(desk, speed)
    return [at_price(desk, price, 2 + number) for number, price in enumerate(prices)]


@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_a_dead_band_never_delays_an_escalation(seed: int) -> None:
    """Along any way a pool with a dead-band is never in a better band than one without, and rises at the
    same moment."""
    rng = Random(seed)
    prices = [PRICE * (1 + rng.uniform(-0.05, 0.05)) for _ in range(25)]
    speed = 10 ** rng.uniform(-3.5, -2)
    plain = walked(LEVELS, prices, speed)
    held = walked(LEVELS._replace(dead_band=rng.uniform(0.5, 3)), prices, speed)
    assert all(one >= other for one, other in zip(held, plain, strict=True))
    for number in range(1, len(prices)):
        if plain[number] > max(plain[:number]):
            assert held[number] == plain[number]


def test_a_level_clears_only_out_of_reach_of_a_usual_move() -> None:
    """With a dead-band of k volatilities a level stays until a move of k volatilities would not raise it."""
    speed, dead_band = 0.004, 1.5
    levels = LEVELS._replace(dead_band=dead_band)
    raised_at = 9_600.0  # equity 200, maintenance 96
    steps = [raised_at + 2 * step for step in range(100)]
    desk = desk_of(levels, "590")
    moving(desk, speed)
    assert at_price(desk, raised_at, 2) is RiskBand.WARNING
    cleared = next(p for n, p in enumerate(steps, 3) if at_price(desk, p, n) is RiskBand.CLEAR)
    moved = cleared * math.exp(-speed * dead_band)
    before = (cleared - 2) * math.exp(-speed * dead_band)
    assert ratio_at(moved) < 0.5 <= ratio_at(before)
    plain = desk_of(LEVELS, "590")
    assert at_price(plain, raised_at, 2) is RiskBand.WARNING
    assert at_price(plain, cleared - 10, 3) is RiskBand.CLEAR


def ratio_at(price: float) -> float:
    """Of a coin bought at 10,000 with 590 of money and 1 % maintenance."""
    return 0.01 * price / (590 + price - 10_000)


@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_what_is_offered_clears_the_scale_of_time_too(seed: int) -> None:
    """A pool that only its time left has raised is offered ways back, and carried out they clear it."""
    rng = Random(seed)
    money = rng.randint(1_200, 2_400)
    desk = desk_of(MINUTES, str(money))
    moving(desk, rng.uniform(0.002, 0.006))
    if band(desk, 2) is RiskBand.CLEAR:
        return
    (add,) = [option for option in picture(desk).rescue if option.action == "add"]
    more = Decimal(money) + Decimal(str(add.amount))
    desk.tell(snapshot(3 * SECOND, [wallet(str(more))], [leg("BTCUSDT", "1", "10000")]))
    desk.tell(mark("BTCUSDT", PRICE, 3 * SECOND))
    assert band(desk, 4) is RiskBand.CLEAR


def test_each_scale_says_where_it_stands() -> None:
    """A message names every scale with its figure, and the ones that know nothing."""
    desk = desk_of(MINUTES._replace(funding_raise=(0.1, 0.3, 0.6)), "600")
    silent = {scale.name: scale.band for scale in picture(desk).scales}
    assert silent == {"ratio": RiskBand.CLEAR, "minutes": None, "funding": None}
    moving(desk, 0.004)
    desk.turn(2)
    by_name = {scale.name: scale for scale in picture(desk).scales}
    assert by_name["minutes"].value == pytest.approx(picture(desk).at_present_speed.minutes)  # type: ignore[union-attr]
    assert by_name["minutes"].band is RiskBand.MARGIN_CALL


def pegged(levels: LevelRow, price: float | None, asset: str = "USDC") -> Desk:
    """A multi-assets pool that holds a stablecoin, and its price in USD."""
    desk = Desk(levels)
    coin = CollateralAsset("binance_usdm", asset, "", 2)
    desk.tell(Instruments("binance_usdm", (instrument("BTCUSDT"),), (coin,), 0))
    held = snapshot(SECOND, [wallet("500", asset=asset)], [])
    desk.tell(msgspec.structs.replace(held, pools=(PoolFact(CROSS, "multi_assets", "USD"),)))
    if price is not None:
        desk.tell(AssetPrice("binance_usdm", asset, price, 0.0, 0.0, SECOND, SECOND))
    desk.turn(1)
    return desk


PEG = HIGH._replace(depeg_raise=(0.005, 0.01, 0.03), depeg_clear=(0.00475, 0.0095, 0.0285))


@pytest.mark.parametrize(
    ("price", "found"),
    [
        (0.9999, RiskBand.CLEAR),
        (0.994, RiskBand.WARNING),
        (1.012, RiskBand.MARGIN_CALL),  # a premium hurts who owes it
        (0.8748, RiskBand.CRITICAL),  # USDC, 2023-03-11 07:50 UTC
        (None, RiskBand.UNKNOWN),  # no price: nothing is known of the pool
    ],
)
def test_a_broken_peg_raises_the_pool_that_holds_it(price: float | None, found: RiskBand) -> None:
    """The distance of a stablecoin from 1, up or down, is a scale of its own."""
    assert band(pegged(PEG, price), 2) is found


def test_only_what_is_meant_to_be_a_dollar_has_a_peg() -> None:
    """A coin of interest or of another currency is not off a peg."""
    assert band(pegged(PEG, 1.08, "EURI"), 2) is RiskBand.CLEAR
