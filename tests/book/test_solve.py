"""The solver against the closed forms that the venues publish: it only searches the model."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from monitor.book.solve import CUT, TOP_UP, Change, Solver
from tests.support.small_books import float_book, moves_of, pocket_of, price_of, requirement, solver, surveyed
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool, sliced, tiers

USDT = Coin("USDT")
REACH = 9.19  # the solver looks a little further, in logarithms
STEPS = tiers((0, "0.004"), (50_000, "0.01"), (250_000, "0.025"), (1_000_000, "0.05"), (5_000_000, "0.1"))
ENOUGH = 1e12
rngs = st.integers(0, 2**48).map(Random)
sides = pytest.mark.parametrize("side", [1, -1])


def contract(name: str, mark: float, schedule: tuple = STEPS, **more) -> Contract:
    """A linear contract at a mark of six digits."""
    return Contract(name, Decimal(f"{mark:.6g}"), schedule, **more)


def leg(of: Contract, quantity: float, entry: float | None = None, leverage: int = 10) -> Leg:
    """A leg, entered at mark unless told."""
    price = of.mark if entry is None else Decimal(f"{entry:.8g}")
    return Leg(of, Decimal(f"{quantity:.8g}"), price, Decimal(leverage))


def pool(wallet: float, *legs: Leg, model: str = "tiered") -> SmallPool:
    """One USDT balance with these legs."""
    return SmallPool(model, (Line(USDT, Decimal(wallet), legs),))


def random_leg(rng: Random, name: str, schedule: tuple = STEPS) -> Leg:
    """A leg of a hundred to ten million in value, up to 30 % away from its entry."""
    mark = 10 ** rng.uniform(-3, 5)
    size = 10 ** rng.uniform(2, 7) / mark
    return leg(contract(name, mark, schedule), rng.choice([1, -1]) * size, mark * rng.uniform(0.7, 1.3))


def is_safe(held: SmallPool) -> bool:
    """Whether the pool stands well above its maintenance margin."""
    found = requirement(held)
    return found.maintenance_margin < 0.999 * found.equity


def binance_price(wallet: float, one: Leg, others: tuple[Leg, ...]) -> float:
    """`(WB - TMM1 + UPNL1 + cum - s q EP) / (q MMR - s q)`, of the bracket that holds the value there."""
    size, side = abs(float(one.quantity)), math.copysign(1, one.quantity)
    free = wallet + sum(_gain(leg) - _maintenance(leg) for leg in others)
    steps = one.contract.tiers
    for step, above in zip(steps, [*(float(s.floor) for s in steps[1:]), math.inf], strict=True):
        rate, deduction = float(step.maintenance_rate), float(step.deduction)
        found = (free + deduction - side * size * float(one.entry_price)) / (size * rate - side * size)
        beyond = side * (float(one.contract.mark) - found) > 0
        if found > 0 and beyond and float(step.floor) <= found * size < above:
            return found
    return math.nan


def _gain(one: Leg) -> float:
    return float(one.quantity * (one.contract.mark - one.entry_price))


def _maintenance(one: Leg) -> float:
    return requirement(pool(0, one)).maintenance_margin


def within_reach(price: float, one: Leg) -> bool:
    """Whether a price lies where the solver looks."""
    return price > 0 and abs(math.log(price / float(one.contract.mark))) < REACH


@given(rng=rngs)
def test_binance_isolated_price(rng: Random) -> None:
    """A position on its own margin is liquidated at the published closed form, or never."""
    one = random_leg(rng, "A")
    wallet = float(abs(one.quantity) * one.contract.mark) * rng.uniform(0.02, 1.5)
    assume(is_safe(pool(wallet, one)))
    expected = binance_price(wallet, one, ())
    assume(math.isnan(expected) or within_reach(expected, one))
    assert price_of(pool(wallet, one)) == pytest.approx(expected, rel=1e-9, nan_ok=True)


@given(rng=rngs)
def test_binance_cross_price_holds_the_others_at_mark(rng: Random) -> None:
    """In a cross wallet each position's price is the closed form with the other contracts at their marks."""
    legs = tuple(random_leg(rng, name) for name in "ABCD"[: rng.randint(2, 4)])
    value = sum(float(abs(one.quantity) * one.contract.mark) for one in legs)
    wallet = value * rng.uniform(0.02, 1.5)
    held = pool(wallet, *legs)
    assume(is_safe(held))
    for place, one in enumerate(legs):
        expected = binance_price(wallet, one, (*legs[:place], *legs[place + 1 :]))
        if math.isnan(expected) or within_reach(expected, one):
            assert price_of(held, place) == pytest.approx(expected, rel=1e-8, nan_ok=True)


@given(rng=rngs)
def test_hedge_mode_price(rng: Random) -> None:
    """Both legs of a hedged symbol stand at one mark: the published formula, on the side of its root."""
    flat = tiers((0, f"{rng.uniform(0.004, 0.1):.4f}"))
    of = contract("A", 10 ** rng.uniform(-2, 5), flat)
    mark = float(of.mark)
    long = leg(of, 10 ** rng.uniform(3, 6) / mark, mark * rng.uniform(0.8, 1.2))
    short = leg(of, -float(long.quantity) * rng.uniform(0.2, 3), mark * rng.uniform(0.8, 1.2))
    wallet = float(long.quantity) * mark * rng.uniform(0.1, 1)
    assume(is_safe(pool(wallet, long, short)))
    rate, longs, shorts = float(flat[0].maintenance_rate), float(long.quantity), -float(short.quantity)
    numerator = wallet - longs * float(long.entry_price) + shorts * float(short.entry_price)
    expected = numerator / (longs * rate + shorts * rate - longs + shorts)
    assume(within_reach(expected, long))
    price = surveyed(pool(wallet, long, short)).legs.price
    below, above = (expected, math.nan) if expected < mark else (math.nan, expected)
    assert price[0] == pytest.approx(below, rel=1e-8, nan_ok=True)
    assert price[1] == pytest.approx(above, rel=1e-8, nan_ok=True)


@given(rng=rngs)
def test_hyperliquid_price(rng: Random) -> None:
    """`price - side x margin available / size / (1 - l x side)`, with all that the account has available."""
    legs = []
    for name in "ABC"[: rng.randint(1, 3)]:
        lowest = Decimal(1) / (2 * rng.choice([3, 5, 10, 20, 25, 40, 50]))
        legs.append(random_leg(rng, name, tiers((0, lowest))))
    value = sum(float(abs(one.quantity) * one.contract.mark) for one in legs)
    held = pool(value * rng.uniform(0.02, 1.5), *legs)
    assume(is_safe(held))
    found = requirement(held)
    available = found.equity - found.maintenance_margin
    for place, one in enumerate(legs):
        side, size = math.copysign(1, one.quantity), abs(float(one.quantity))
        rate = float(one.contract.tiers[0].maintenance_rate)
        expected = float(one.contract.mark) - side * available / size / (1 - rate * side)
        if expected <= 0 or within_reach(expected, one):
            found_there = price_of(held, place)
            assert found_there == pytest.approx(expected if expected > 0 else math.nan, rel=1e-8, nan_ok=True)


@sides
@given(rng=rngs)
def test_bybit_isolated_price(side: int, rng: Random) -> None:
    """`EP - s (IM - MM) / q - s extra / q`, with both margins at entry."""
    entry = 10 ** rng.uniform(-3, 5)
    leverage = rng.randint(1, 50)
    of = contract("A", entry * rng.uniform(0.97, 1.03))
    one = leg(of, side * 10 ** rng.uniform(2, 7) / entry, entry, leverage)
    size, entry = abs(float(one.quantity)), float(one.entry_price)
    initial = size * entry / leverage
    maintenance = float(sliced(of.tiers, Decimal(size * entry)))
    extra = rng.choice([0.0, initial * rng.uniform(0, 2)])
    held = pool(initial + extra, one, model="bybit_isolated")
    assume(is_safe(held))
    expected = entry - side * (initial - maintenance) / size - side * extra / size
    assume(expected <= 0 or within_reach(expected, one))
    wanted = expected if expected > 0 else math.nan
    assert price_of(held) == pytest.approx(wanted, rel=1e-8, nan_ok=True)


@sides
@pytest.mark.parametrize("step", range(1, len(STEPS)))
@pytest.mark.parametrize("nudge", [-1e-9, 0.0, 1e-9])
def test_the_bracket_is_the_one_at_the_liquidation_price(side: int, step: int, nudge: float) -> None:
    """A liquidation price where the value is just a floor, or beside it, is found from either bracket."""
    entry, floor = 100.0, float(STEPS[step].floor) * (1 + nudge)
    expected = 80.0 if side > 0 else 120.0
    size = floor / expected
    maintenance = floor * float(STEPS[step].maintenance_rate) - float(STEPS[step].deduction)
    one = Leg(contract("A", entry), Decimal(side * size), Decimal(entry))
    held = SmallPool("tiered", (Line(USDT, Decimal(maintenance + size * 20), (one,)),))
    assert price_of(held) == pytest.approx(expected, rel=1e-9)


@sides
def test_an_inverse_price(side: int) -> None:
    """A coin-settled position: worth x (1 + s rate) over (s x wallet + worth / entry), worth in USD."""
    of = contract("A", 25_000, tiers((0, "0.004")), multiplier=Decimal(100), inverse=True)
    worth, wallet = 200 * 100, 0.2
    held = SmallPool("tiered", (Line(Coin("BTC"), Decimal(str(wallet)), (leg(of, side * 200, 24_000),)),))
    expected = worth * (1 + side * 0.004) / (side * wallet + worth / 24_000)
    assert price_of(held) == pytest.approx(expected, rel=1e-10)


def test_no_move_liquidates_a_covered_position() -> None:
    """A long that the wallet pays whole has no price, down to nothing; up is no danger either."""
    held = pool(10_000, leg(contract("A", 100), 50))
    assert math.isnan(price_of(held))
    assert moves_of(held)["A"] == pytest.approx((math.nan, math.nan), nan_ok=True)


def test_an_idle_pool_has_no_moves() -> None:
    """No position, no underlying, no move."""
    assert moves_of(pool(10)) == {}
    assert surveyed(pool(10)).moves.underlying.size == 0


def test_both_sides_of_a_hedged_book() -> None:
    """A net long whose short climbs into a steep bracket: falls and rises liquidate."""
    long, short = (contract(name, 100, underlying="X") for name in ("A", "B"))
    steep = replace(short, tiers=tiers((0, "0.01"), (30_000, "0.3")))
    held = pool(1_500, leg(long, 220), leg(steep, -200))
    lower, upper = moves_of(held)["X"]
    assert 0.2 < lower < 1 < upper < 4
    assert_edge(held, lower, inside=lower * (1 + 1e-9))
    assert_edge(held, upper, inside=upper * (1 - 1e-9))


def test_a_short_beside_its_coin() -> None:
    """Coin collateral beside a short: falls liquidate where the coin weighs more, rises where the short."""
    coin = Coin("BTC", Decimal(100), "BTC", bid_buffer=Decimal("0.05"))
    short = leg(contract("BTCUSDT", 100, underlying="BTC"), -30)
    indebted = Line(USDT, Decimal(-4_500), (short,))
    held = SmallPool("multi_assets", (Line(coin, Decimal(60)), indebted))
    lower, upper = moves_of(held)["BTC"]
    assert math.isnan(upper)
    assert_edge(held, lower, inside=lower * (1 + 1e-9))
    heavy = Line(USDT, Decimal(0), (replace(short, quantity=Decimal(-40)),))
    held = SmallPool("multi_assets", (Line(coin, Decimal(36)), heavy))
    lower, upper = moves_of(held)["BTC"]
    assert math.isnan(lower)
    assert_edge(held, upper, inside=upper * (1 - 1e-9))


@given(rng=rngs)
def test_collateral_that_is_the_underlying_moves_with_it(rng: Random) -> None:
    """A move takes the coin along; the venue's own price of the position holds it still."""
    price, size = 1_000.0, rng.uniform(1, 50)
    wallet, buffer, rate = rng.uniform(0.1, 20), 0.05, 0.01
    coin = Coin("ETH", Decimal(1000), "ETH", bid_buffer=Decimal(str(buffer)))
    one = leg(contract("ETHUSDT", price, tiers((0, "0.01")), underlying="ETH"), size)
    size = float(one.quantity)
    held = SmallPool("multi_assets", (Line(coin, Decimal(wallet)), Line(USDT, Decimal(0), (one,))))
    assume(is_safe(held))
    expected = size / (wallet * (1 - buffer) + size - size * rate)
    assert moves_of(held)["ETH"][0] == pytest.approx(expected, rel=1e-9)
    still = price - (wallet * price * (1 - buffer) - size * price * rate) / (size * (1 - rate))
    wanted = still if still > 0.2 else math.nan
    assume(still < 0 or still > 0.2)
    assert price_of(held) == pytest.approx(wanted, rel=1e-8, nan_ok=True)


@sides
def test_a_pool_that_is_liquidated_already(side: int) -> None:
    """Its moves are none at all, and its price lies where a recovery would end it."""
    of = contract("A", 100, tiers((0, "0.01")))
    held = pool(100, leg(of, side * 100, 100 + side * 5))
    assert moves_of(held)["A"] == (1.0, 1.0)
    # 100 + s x 100 x (P - entry) = 0.01 x 100 x P
    expected = (100 - side * 100 * (100 + side * 5)) / (1 - side * 100)
    assert price_of(held) == pytest.approx(expected, rel=1e-9)
    assert side * (expected - 100) > 0


MODEL_OF_RESCUE = ["tiered", "multi_assets", "bybit_unified", "bybit_isolated"]


@pytest.mark.parametrize("model", MODEL_OF_RESCUE)
@given(rng=rngs)
def test_a_rescue_is_enough_and_a_little_less_is_not(model: str, rng: Random) -> None:
    """Every amount to add and fraction to close brings the pool under the level; 0.1 % less does not."""
    count = 1 if model == "bybit_isolated" else rng.randint(1, 3)
    legs = tuple(random_leg(rng, name) for name in "ABC"[:count])
    first = requirement(pool(0, *legs, model=model))
    level = rng.choice([0.475, 0.665, 0.95])
    held = pool(first.maintenance_margin * rng.uniform(0.3, 1.9) - first.equity, *legs, model=model)
    if model in ("multi_assets", "bybit_unified"):
        coin = Coin("ETH", Decimal(2_000), "ETH", bid_buffer=Decimal("0.05"), ask_buffer=Decimal("0.05"))
        held = SmallPool(model, (*held.lines, Line(coin, Decimal("0.01"))))
    found = surveyed(held, level, ENOUGH)
    amounts = [(TOP_UP, place, found.adds[place]) for place in range(len(held.lines))]
    cuts = [(CUT, place, found.legs.cut[place]) for place in range(count)]
    before = requirement(held)
    is_over = before.maintenance_margin >= level * before.equity
    if is_over:
        assert all(amount > 0 for amount in found.adds[: len(held.lines)]), "money always helps"
    for kind, place, size in (*amounts, *cuts):
        if is_over and not math.isnan(size):
            assert_rescues(held, level, Change(kind, place, float(size)))


def test_closing_that_is_not_enough_is_no_rescue() -> None:
    """Where even the whole position does not do, nothing is offered for it; what is offered does."""
    small, large = leg(contract("A", 100), 1), leg(contract("B", 100), 10_000)
    held = pool(12_000, small, large)
    found = surveyed(held, 0.475, ENOUGH)
    assert math.isnan(found.legs.cut[0])
    assert_rescues(held, 0.475, Change(CUT, 1, float(found.legs.cut[1])))


def test_no_rescue_is_looked_for_unless_asked() -> None:
    """With nothing to spend no amounts are sought."""
    found = surveyed(pool(120, leg(contract("A", 100), 100)))
    assert all(math.isnan(amount) for amount in found.adds)


@given(rng=rngs)
def test_walking_finely_finds_what_growing_steps_find(rng: Random) -> None:
    """The search for models without convexity gives the same factors where both apply."""
    legs = tuple(random_leg(rng, name) for name in "AB")
    value = sum(float(abs(one.quantity) * one.contract.mark) for one in legs)
    held = pool(value * rng.uniform(0.05, 0.5), *legs)
    assume(is_safe(held))
    book = float_book(held)
    fine = Solver(solver().models, [1.0] * 4).survey(0, 1.0, 0.0, book, pocket_of(book)).moves
    quick = surveyed(held).moves
    for name in ("lower", "upper"):
        assert getattr(fine, name) == pytest.approx(getattr(quick, name), rel=1e-9, nan_ok=True)


def test_the_nearest_move_is_the_least_of_all() -> None:
    """The distance of a pool is its nearest liquidating move, inf where there is none."""
    near = pool(1_000, leg(contract("A", 100), 50), leg(contract("B", 10), -400))
    covered = pool(10_000, leg(contract("A", 100), 1))
    book, distance = float_book(near, covered), np.full(2, math.nan)
    solver().nearest(np.arange(2), book, pocket_of(book), distance)
    factors = moves_of(near)
    expected = min(1 - factors["A"][0], factors["B"][1] - 1)
    assert list(distance) == pytest.approx([expected, math.inf], rel=1e-12)


def assert_rescues(held: SmallPool, level: float, change: Change) -> None:
    """The change is enough, and 0.1 % less of it is not."""
    less = change._replace(size=change.size * 0.999)
    book = float_book(held)
    (after, without) = solver().after([change, less], 0, book, pocket_of(book))
    assert after[0] < level * after[1] * (1 + 1e-9) + 1e-9
    assert without[0] >= level * without[1]


def assert_edge(held: SmallPool, factor: float, inside: float) -> None:
    """At the factor the pool is liquidated, a billionth before it is not."""
    there, before = (requirement(_moved(held, f)) for f in (factor, inside))
    assert there.maintenance_margin >= there.equity * (1 - 1e-10)
    assert before.maintenance_margin < before.equity


def _moved(held: SmallPool, factor: float) -> SmallPool:
    """All contracts and coins that follow something, at a factor of their price."""

    def moved(line: Line) -> Line:
        legs = tuple(
            replace(leg, contract=replace(leg.contract, mark=leg.contract.mark * Decimal(factor)))
            for leg in line.legs
        )
        price = line.coin.price * Decimal(factor) if line.coin.underlying else line.coin.price
        return replace(line, legs=legs, coin=replace(line.coin, price=price))

    return replace(held, lines=tuple(moved(line) for line in held.lines))
