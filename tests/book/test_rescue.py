"""The cheapest way back: what is offered is enough, is ranked by its cost, and harms nobody else."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.book.rescue import ranked
from monitor.book.settings import LevelRow
from monitor.domain.assessment import MarginAssessment, RescueOption, RiskBand, TransferRoute
from monitor.domain.event import AccountSnapshot, BalanceFact, Instruments, PositionFact, PriceHistory
from monitor.domain.identity import AccountId, PoolId
from monitor.domain.instrument import Instrument
from tests.support.books import Desk
from tests.support.facts import ACCOUNT, CROSS, SECOND, instrument, instruments, leg, mark, snapshot, wallet

MAIN = AccountId("binance_usdm/main")
OTHER = AccountId("binance_usdm/other")
PRICE = 10_000.0
BY_DISTANCE = LevelRow(
    (0.5, 0.7, 0.85, 1.0), (0.475, 0.665, 0.8075, 0.95), (0.05, 0.03, 0.015), (0.0525, 0.0315, 0.01575)
)
BY_RATIO = BY_DISTANCE._replace(distance_raise=(0.0, 0.0, 0.0), distance_clear=(0.0, 0.0, 0.0))
ROUTE = TransferRoute(MAIN, ACCOUNT, "USDT", 1200.0, 1.0)


def of_account(
    account: AccountId, balances: list[BalanceFact], positions: list[PositionFact]
) -> AccountSnapshot:
    """A snapshot of another account."""
    return msgspec.structs.replace(snapshot(SECOND, balances, positions), account=account)


def desk_of(money: str = "800", spare: str = "5000", levels: LevelRow = BY_RATIO) -> Desk:
    """A pool with a long of one coin and too little money, and another account of the desk with a little
    position."""
    desk = Desk(levels, (ACCOUNT, MAIN))
    desk.tell(instruments("BTCUSDT", "ETHUSDT"))
    desk.tell(snapshot(SECOND, [wallet(money)], [leg("BTCUSDT", "1", "10600")]))
    desk.tell(of_account(MAIN, [wallet(spare)], [leg("BTCUSDT", "0.1", "10000")]))
    desk.tell(mark("BTCUSDT", PRICE, SECOND), mark("ETHUSDT", 500.0, SECOND))
    desk.book.reroute((ROUTE,))
    desk.turn(1)
    return desk


def picture(desk: Desk, account: AccountId = ACCOUNT) -> MarginAssessment:
    """The pool as it is told of."""
    found = desk.book.describe(PoolId(f"{account}/{CROSS}"), desk.now_ns, desk.now_ns)
    assert found is not None
    return found


def ways(desk: Desk, action: str) -> list[RescueOption]:
    """The offers of one kind."""
    return [option for option in picture(desk).rescue if option.action == action]


def after_cash(desk: Desk, account: AccountId, balance: str, legs: list[PositionFact]) -> MarginAssessment:
    """The same book with another snapshot of one account: what really happens, told by the venue."""
    told = of_account(account, [wallet(balance)], legs)
    desk.tell(msgspec.structs.replace(told, venue_ns=2 * SECOND, received_ns=2 * SECOND))
    desk.turn(2)
    return picture(desk, account)


def test_a_move_leaves_both_accounts_where_it_says() -> None:
    """Carried out, a transfer has the ratio that was told on both sides, and clears the pool."""
    desk = desk_of()
    (move,) = ways(desk, "move")
    assert (move.from_account, move.takes_s, move.cost) == (MAIN, 1200.0, 1.0)
    more = Decimal(str(move.amount))
    taken = after_cash(desk, ACCOUNT, str(800 + more), [leg("BTCUSDT", "1", "10600")])
    given_ = after_cash(desk, MAIN, str(5000 - more - 1), [leg("BTCUSDT", "0.1", "10000")])
    assert taken.band is RiskBand.CLEAR
    assert taken.margin_ratio == pytest.approx(move.ratio_after)
    assert given_.margin_ratio == pytest.approx(move.giver_ratio_after)


@pytest.mark.parametrize("spare", ["5", "20", "31"])
def test_an_account_that_would_warn_itself_gives_nothing(spare: str) -> None:
    """Who gives stays clear, keeps its initial margin, and has what it gives."""
    assert ways(desk_of(spare=spare), "move") == []


def test_nobody_gives_to_another_desk() -> None:
    """A way between desks is none, whatever the config once said."""
    desk = desk_of()
    desk.book.placing.pools[PoolId(f"{MAIN}/{CROSS}")].desk = "another"
    assert ways(desk, "move") == []


def test_what_is_unknown_gives_nothing() -> None:
    """A pool whose margin nobody knows spares nothing."""
    desk = desk_of()
    desk.book.reroute((TransferRoute(OTHER, ACCOUNT, "USDT", 60.0),))
    assert ways(desk, "move") == []
    desk.book.reroute((ROUTE,))
    desk.tell(mark("BTCUSDT", PRICE, 2 * SECOND, index=2 * PRICE))
    desk.turn(2)
    assert picture(desk).rescue == ()


def test_a_cut_costs_its_fee_and_frees_margin() -> None:
    """The cost is the taker fee on what is closed, the margin freed is the model's."""
    (cut,) = ways(desk_of(), "cut")
    assert cut.worth == pytest.approx(cut.amount * PRICE)
    assert cut.cost == pytest.approx(cut.amount * PRICE * 0.0005)
    assert cut.freed == pytest.approx(cut.amount * PRICE * 0.01)
    assert cut.equity_gained == pytest.approx(-cut.amount * PRICE * 0.0005)


def test_a_hedge_is_enough_by_distance() -> None:
    """A pool that is near and not over by ratio is offered the contract beside its own, opened against it,
    and after it stands clear."""
    desk = desk_of(money="1150", levels=BY_DISTANCE)
    desk.tell(Instruments("binance_usdm", (beside(),), (), SECOND))
    desk.tell(mark("BTCSIDE", PRICE, SECOND))
    desk.turn(1)
    (hedge,) = ways(desk, "hedge")
    assert hedge.target == "binance_usdm:BTCSIDE"
    assert hedge.freed is not None
    assert -1 < hedge.amount < 0 < -hedge.freed
    balance = str(Decimal(1150) + Decimal(str(hedge.amount)) * Decimal(str(PRICE)) * Decimal("0.0005"))
    legs = [leg("BTCUSDT", "1", "10600"), leg("BTCSIDE", str(hedge.amount), "10000")]
    taken = after_cash(desk, ACCOUNT, balance, legs)
    assert taken.margin_ratio == pytest.approx(hedge.ratio_after)
    assert taken.band is RiskBand.CLEAR


def beside() -> Instrument:
    """Another contract on BTC."""
    return msgspec.structs.replace(instrument("BTCSIDE"), underlying="BTC")


def test_a_hedge_that_is_not_enough_is_not_offered() -> None:
    """Where the ratio itself is past its level a hedge only asks for more margin."""
    desk = desk_of()
    desk.tell(Instruments("binance_usdm", (beside(),), (), SECOND))
    desk.tell(mark("BTCSIDE", PRICE, SECOND))
    desk.turn(1)
    assert ways(desk, "hedge") == []


def test_where_no_single_cut_is_enough_everything_is_reduced() -> None:
    """Two like positions: neither alone does, so all are reduced by the same share, the least whole per cent
    that is enough; carried out, it has the ratio that was told."""
    desk = Desk(BY_RATIO)
    desk.tell(instruments("BTCUSDT", "ETHUSDT"))
    desk.tell(snapshot(SECOND, [wallet("205")], [leg("BTCUSDT", "1", "10000"), leg("ETHUSDT", "20", "500")]))
    desk.tell(mark("BTCUSDT", PRICE, SECOND), mark("ETHUSDT", 500.0, SECOND))
    desk.turn(1)
    assert ways(desk, "cut") == []
    (whole,) = ways(desk, "reduce")
    assert whole.fraction is not None
    left = Decimal(1) - Decimal(str(whole.fraction))
    assert whole.cost == pytest.approx(whole.fraction * 20_000 * 0.0005)
    legs = [leg("BTCUSDT", str(left), "10000"), leg("ETHUSDT", str(20 * left), "500")]
    taken = after_cash(desk, ACCOUNT, str(Decimal(205) - Decimal(str(whole.cost))), legs)
    assert taken.band is RiskBand.CLEAR
    assert taken.margin_ratio == pytest.approx(whole.ratio_after)
    less = left + Decimal("0.01")
    assert float(200 * less / (Decimal(205) - 10 * (1 - less))) >= 0.475


def test_a_clear_pool_needs_no_way_back() -> None:
    """Nothing is offered to who needs nothing."""
    assert picture(desk_of(money="5000")).rescue == ()


def option_of(rng: Random) -> RescueOption:
    """Any way back."""
    cost = rng.choice([None, 0.0, rng.uniform(0, 10)])
    action = rng.choice(["add", "move", "cut", "hedge"])
    late = action == "move" and rng.random() < 0.3
    return RescueOption(action, "x", 1.0, None, 0.4, 2, cost, rng.uniform(0, 9), is_late=late)


@settings(max_examples=50)
@given(seed=st.integers(0, 2**32), count=st.integers(0, 12))
def test_the_ranking_is_by_time_then_cost(seed: int, count: int) -> None:
    """What is late comes last, then what nobody knows the cost of; among the rest no cheaper one stands
    behind, and the order of finding does not matter."""
    rng = Random(seed)
    options = [option_of(rng) for _ in range(count)]
    found = ranked(options)
    keys = [(one.is_late, one.cost is None, one.cost or 0.0) for one in found]
    assert keys == sorted(keys)
    rng.shuffle(options)
    assert ranked(options) == found


def test_collateral_that_comes_too_late_stands_behind_what_reduces() -> None:
    """At a speed that leaves less time than every known way takes, reducing comes first."""
    desk = desk_of()
    wild = [PRICE * (1.02 if minute % 2 else 1.0) for minute in range(100)]
    desk.tell(PriceHistory(instrument("BTCUSDT").id, tuple(wild), SECOND))
    found = picture(desk)
    assert found.at_present_speed is not None
    assert found.at_present_speed.minutes < 20
    assert [(option.action, option.is_late) for option in found.rescue] == [
        ("cut", False),
        ("add", True),
        ("move", True),
    ]
