"""Balances that grow with time alone: in the running book, and assessed as of now."""

from __future__ import annotations

from decimal import Decimal

import pytest

from monitor.book.live_book import ACCRUAL_TICK_NS, LiveBook
from monitor.book.settings import BookSettings, LevelRow
from monitor.domain.accrual import Accrual, Loan, VaultDebt
from monitor.domain.event import (
    AccountDelta,
    AccountSnapshot,
    BalanceFact,
    Instruments,
    MarkPrice,
    PoolFact,
    PositionFact,
    StreamReady,
)
from monitor.domain.identity import account_id, instrument_id, pool_id
from monitor.domain.instrument import Instrument, Kind, MarginTier, TierSchedule

HOUR_NS = 3_600 * 10**9
START_NS = 500_000 * HOUR_NS  # a full hour, wall clock
NOTHING = Decimal(0)
NOW_NS = 1_000 * 10**9
ACCOUNT = account_id("margin_venue", "desk")
POOL = pool_id(ACCOUNT, "cross")
LEVELS = LevelRow((0.8, 0.88, 0.95, 1.0), (0.76, 0.84, 0.9, 0.95))


def book_with(accrual: Accrual) -> LiveBook:
    """An account with 1,000 USD in it, and a loan in USD."""
    live = LiveBook(BookSettings(("margin_level",), lambda *_: LEVELS))
    live.declare(ACCOUNT, "desk", NOW_NS)
    held = (BalanceFact("cross", "USD", Decimal(1_000), accrual=accrual),)
    fact = PoolFact("cross", "margin_level", "USD", threshold=Decimal("1.1"))
    snapshot = AccountSnapshot(ACCOUNT, (fact,), held, (), {}, START_NS, NOW_NS, confirmed=True)
    live.apply(snapshot, START_NS)
    live.apply(StreamReady("margin_venue", ACCOUNT, NOW_NS), START_NS)
    return live


def owed(live: LiveBook, after_ns: int) -> float:
    """What the pool owes at that time after the start, by a turn of the book."""
    live.turn(NOW_NS + after_ns, START_NS + after_ns, None)
    return float(live.assessor.figures[live.placing.pools[POOL].row].maintenance_margin) / 1.1


LOAN = Loan(Decimal(800), Decimal("0.0001"), START_NS - HOUR_NS // 2)


def test_a_loan_is_assessed_with_its_interest() -> None:
    """Two hours have begun at the start: 800 x 0.0001 each."""
    assert owed(book_with(LOAN), 0) == pytest.approx(800.16)


def test_the_next_hour_is_charged_without_any_event() -> None:
    """Within a minute of the full hour the pool owes an hour more, and not before it."""
    live = book_with(LOAN)
    owed(live, 0)
    assert owed(live, HOUR_NS - 1) == pytest.approx(800.16)
    assert owed(live, HOUR_NS - 1 + ACCRUAL_TICK_NS) == pytest.approx(800.24)


def test_a_vaults_debt_grows_from_minute_to_minute() -> None:
    """A factor of 1.000001 a second, so that it shows: sixty seconds are the sixtieth power."""
    live = book_with(VaultDebt(Decimal(700), Decimal(1), Decimal("1.000001"), START_NS))
    assert owed(live, 0) == pytest.approx(700)
    assert owed(live, ACCRUAL_TICK_NS) == pytest.approx(700 * 1.000001**60, rel=1e-12)


def test_a_loan_that_is_repaid_accrues_no_more() -> None:
    """A balance that states its amounts replaces the one that grew."""
    live = book_with(LOAN)
    owed(live, 0)
    repaid = BalanceFact("cross", "USD", Decimal(1_000), Decimal(10))
    live.apply(AccountDelta(ACCOUNT, (repaid,), (), START_NS + 1, NOW_NS + 1), START_NS + 1)
    assert owed(live, 10 * HOUR_NS) == pytest.approx(10)


def market(index: str) -> Instruments:
    """A dYdX market at 100 USDC, with its funding index of now."""
    step = MarginTier(NOTHING, Decimal("0.03"), Decimal("0.05"), NOTHING)
    terms = (Kind.LINEAR, "BTC", "USDC", Decimal(1), NOTHING, 2, 2, TierSchedule((step,), "a test"))
    made = Instrument(instrument_id("dydx", "BTC-USD"), *terms, funding_index=Decimal(index))
    return Instruments("dydx", (made,), (), NOW_NS)


def test_funding_is_settled_again_when_the_index_moves() -> None:
    """A long of 2 in a wallet of 50, settled at 10: at 12.5 it owes 5 of it, at 11 it owes 2."""
    account = account_id("dydx", "desk")
    live = LiveBook(BookSettings(("dydx",), lambda *_: LEVELS))
    live.declare(account, "desk", NOW_NS)
    live.apply(market("12.5"), START_NS)
    name = instrument_id("dydx", "BTC-USD")
    leg = PositionFact("sub-0", name, "", Decimal(2), NOTHING, funding_index=Decimal(10))
    held = BalanceFact("sub-0", "USDC", Decimal(50))
    fact = PoolFact("sub-0", "dydx", "USDC")
    live.apply(AccountSnapshot(account, (fact,), (held,), (leg,), {}, START_NS, NOW_NS), START_NS)
    mark = MarkPrice(name, 100.0, None, None, None, START_NS, NOW_NS)
    live.apply(mark, START_NS)

    def equity() -> float:
        live.turn(NOW_NS, START_NS, None)
        return float(live.assessor.figures[live.placing.pools[pool_id(account, "sub-0")].row].equity)

    assert equity() == 50 - 5 + 200
    live.apply(market("11"), START_NS)
    assert equity() == 50 - 2 + 200
