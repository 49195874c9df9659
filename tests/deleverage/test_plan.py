"""Plans over a real book: what is cut, in which order, and that the ratio told is the one that comes true."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.book.cutting import Cutting, Goal
from monitor.config_deleverage import Deleverage
from monitor.deleverage.plan import Plan, planned
from monitor.domain.identity import pool_id
from tests.support.books import Desk
from tests.support.facts import ACCOUNT, CROSS, SECOND, instruments, leg, mark, snapshot, wallet

PRICES = {"BTCUSDT": 60_000.0, "ETHUSDT": 3_000.0, "SOLUSDT": 150.0}
POLICY = Deleverage(symbols=("*",), target_ratio=0.5, target_distance=0.0)
NO_LIMIT = float("inf")


def a_desk(money: str, held: dict[str, str], pool: str = CROSS) -> Desk:
    """One pool with positions at their marks."""
    desk = Desk()
    desk.tell(instruments(*PRICES))
    legs = [leg(symbol, amount, repr(PRICES[symbol]), pool) for symbol, amount in held.items()]
    desk.tell(snapshot(SECOND, [wallet(money, pool)], legs))
    desk.tell(*(mark(symbol, price, SECOND) for symbol, price in PRICES.items()))
    desk.turn(2)
    return desk


def cutting(desk: Desk, pool: str = CROSS) -> Cutting:
    """The pool as a plan takes it."""
    found = desk.book.cutting(pool_id(ACCOUNT, pool))
    assert found is not None
    return found


def a_plan(money: str, held: dict[str, str], room: float = NO_LIMIT, **policy: object) -> Plan:
    """Its plan."""
    return planned(cutting(a_desk(money, held)), msgspec.structs.replace(POLICY, **policy), room)


def ratio_after(money: str, held: dict[str, str], plan: Plan) -> float:
    """The ratio of a book that was built anew with the positions and the fees of the plan."""
    left = dict.fromkeys(held, Decimal(0)) | {symbol: Decimal(amount) for symbol, amount in held.items()}
    fees = Decimal(0)
    for step in plan.steps:
        sign = -1 if step.side == "sell" else 1
        left[step.symbol] += sign * Decimal(step.quantity)
        fees += Decimal(step.quantity) * Decimal(repr(PRICES[step.symbol])) * Decimal("0.0005")
    desk = a_desk(str(Decimal(money) - fees), {s: str(q) for s, q in left.items() if q})
    told = desk.book.describe(pool_id(ACCOUNT, CROSS), desk.now_ns, desk.now_ns)
    assert told is not None and told.margin_ratio is not None
    return told.margin_ratio


def test_one_position_is_cut_just_enough():
    """The smallest amount that the venue takes meets the target; a step less would not."""
    plan = a_plan("700", {"BTCUSDT": "1"})
    (step,) = plan.steps
    assert (step.side, step.symbol, step.expected_position) == ("sell", "BTCUSDT", "1")
    assert plan.reaches and step.ratio_after is not None and step.ratio_after <= 0.5
    less = f"{Decimal(step.quantity) - Decimal('0.001'):f}"
    shorter = Plan((msgspec.structs.replace(step, quantity=less),), None, True)
    assert ratio_after("700", {"BTCUSDT": "1"}, shorter) > 0.5
    assert Decimal(step.limit_price) >= Decimal(59700) and step.notional == float(step.quantity) * 60_000


def test_a_short_is_bought_back():
    """What is short is bought, at most the slippage above its mark."""
    (step,) = a_plan("700", {"BTCUSDT": "-1"}).steps
    assert (step.side, step.expected_position, step.limit_price) == ("buy", "-1", "60300.00")


held_positions = st.dictionaries(
    st.sampled_from(list(PRICES)),
    st.integers(-40, 40).filter(bool).map(lambda n: str(Decimal(n) / 4)),
    min_size=1,
)


@settings(max_examples=40, deadline=None)
@given(held_positions, st.integers(200, 20_000), st.sampled_from([1e4, 1e5, NO_LIMIT]))
def test_every_plan_only_reduces_and_tells_the_ratio_that_comes_true(held, money, room):
    """No step turns or grows a position, all of them fit into the room, and the last ratio is that of a book
    built anew without what was cut."""
    desk = a_desk(str(money), held)
    if (found := desk.book.cutting(pool_id(ACCOUNT, CROSS))) is None:
        return
    plan = planned(found, POLICY, room)
    left = {symbol: Decimal(amount) for symbol, amount in held.items()}
    for step in plan.steps:
        before = left[step.symbol]
        assert Decimal(step.expected_position) == before
        assert (step.side == "sell") == (before > 0)
        assert 0 < Decimal(step.quantity) <= abs(before)
        left[step.symbol] -= Decimal(step.quantity).copy_sign(before)
    assert sum(step.notional for step in plan.steps) <= room * (1 + 1e-9)
    if plan.steps and plan.steps[-1].ratio_after is not None and any(left.values()):
        assert ratio_after(str(money), held, plan) == pytest.approx(plan.steps[-1].ratio_after, rel=1e-9)
    if plan.reaches and plan.steps:
        assert plan.steps[-1].ratio_after is not None and plan.steps[-1].ratio_after <= 0.5 + 1e-12


def test_a_hedge_is_not_taken_apart():
    """Where one side of a hedge weighs on the pool, cutting both is not what comes out if one is enough."""
    plan = a_plan("1000", {"BTCUSDT": "1", "ETHUSDT": "-1", "SOLUSDT": "1"})
    assert {step.symbol for step in plan.steps} == {"BTCUSDT"}


def test_what_is_not_allowed_is_left_alone():
    """Only instruments of the list are cut, and where none of the pool's is on it there is no plan."""
    held = {"BTCUSDT": "1", "ETHUSDT": "10"}
    plan = a_plan("800", held, symbols=("binance_usdm:ETHUSDT",))
    assert {step.symbol for step in plan.steps} == {"ETHUSDT"}
    nothing = a_plan("800", held, symbols=())
    assert nothing.steps == () and "symbols" in nothing.why and not nothing.reaches


def test_the_caps_end_the_plan():
    """With room for a part it cuts that part and says that it does not reach; with none it says why."""
    plan = a_plan("700", {"BTCUSDT": "1"}, room=6_030.0)
    assert [step.quantity for step in plan.steps] == ["0.100"] and not plan.reaches
    assert "no room" in a_plan("700", {"BTCUSDT": "1"}, room=1.0).why


def test_the_distance_counts_as_well():
    """A pool whose ratio is fine and whose end is near is cut until it is far enough away."""
    held = {"BTCUSDT": "1"}
    assert a_plan("2000", held).steps == ()
    plan = a_plan("2000", held, target_distance=0.04)
    assert plan.reaches and plan.steps
    shrunk = cutting(a_desk("2000", held))
    shrunk.cut(0, float(plan.steps[0].quantity))
    assert shrunk.excess(Goal(0.5, 0.04)) <= 0 < shrunk.excess(Goal(0.5, 0.042))


def test_planning_changes_nothing_of_the_book():
    """Prices, positions and figures are after a plan what they were before."""
    desk = a_desk("2000", {"BTCUSDT": "1", "ETHUSDT": "-3"})
    before = desk.book.describe(pool_id(ACCOUNT, CROSS), desk.now_ns, desk.now_ns)
    quotes = desk.book.quotes.values.copy()
    planned(cutting(desk), msgspec.structs.replace(POLICY, target_distance=0.2), NO_LIMIT)
    assert desk.book.describe(pool_id(ACCOUNT, CROSS), desk.now_ns, desk.now_ns) == before
    assert (desk.book.quotes.values == quotes)[~(quotes != quotes)].all()


def test_an_isolated_position_is_closed_whole_or_not_at_all():
    """A venue gives margin back as it is closed, so a part of it changes nothing."""
    pool = "isolated-BTCUSDT"
    desk = a_desk("700", {"BTCUSDT": "1"}, pool)
    (step,) = planned(cutting(desk, pool), POLICY, NO_LIMIT).steps
    assert Decimal(step.quantity) == 1
    assert planned(cutting(desk, pool), POLICY, 59_999.0).steps == ()


def test_an_unknown_pool_has_no_plan():
    """Nothing is planned on what is not known."""
    desk = a_desk("700", {"BTCUSDT": "1"})
    desk.turn(600)
    assert desk.book.cutting(pool_id(ACCOUNT, CROSS)) is None
