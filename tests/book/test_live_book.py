"""The book from events to bands: what is assessed, when it is unknown, and what is said of it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from monitor.book.settings import LevelRow
from monitor.domain.assessment import Reason, RescueOption, RiskBand, VenueReported
from monitor.domain.event import AccountRefused, StreamAlive, StreamGap, StreamReady, VenueWarning
from monitor.domain.turn import PoolState
from tests.support.books import LEVELS, Desk
from tests.support.facts import ACCOUNT, CROSS, SECOND, delta, instruments, leg, mark, snapshot, wallet


def long_desk(levels: LevelRow = LEVELS) -> Desk:
    """1,000 USDT of wallet under one long BTC from 10,000, assessed at 10,000."""
    desk = Desk(levels)
    desk.tell(instruments("BTCUSDT", "ETHUSDT"))
    desk.tell(snapshot(SECOND, [wallet("1000")], [leg("BTCUSDT", "1", "10000")]))
    desk.tell(mark("BTCUSDT", 10000.0, SECOND))
    desk.turn(1)
    return desk


def at(desk: Desk, second: int, price: float) -> PoolState | None:
    """The mark moves; what is said of the cross pool, if anything."""
    desk.tell(StreamAlive(ACCOUNT, second * SECOND), mark("BTCUSDT", price, second * SECOND))
    return desk.states(second).get(CROSS)


def test_an_account_is_unknown_until_its_first_snapshot() -> None:
    """An account has a verdict from the first turn on: UNKNOWN, with why."""
    desk = Desk()
    state = desk.states(1)["account"]
    assert (state.band, state.reasons) == (RiskBand.UNKNOWN, Reason.PARTIAL)
    assert "no snapshot" in state.detail


def test_the_placeholder_goes_when_the_pools_are_known() -> None:
    """The first snapshot names the pools, and the stand-in is told as removed."""
    desk = Desk()
    desk.turn(0)
    desk.tell(instruments("BTCUSDT"), snapshot(SECOND, [wallet("1000")], []), mark("BTCUSDT", 1.0, SECOND))
    desk.tell(snapshot(SECOND, [wallet("1000")], [leg("BTCUSDT", "1", "10000")]))
    assert desk.turn(1).removed == (f"{ACCOUNT}/account",)


def test_bands_rise_at_their_levels_and_fall_only_past_the_clear_marks() -> None:
    """ratio = 0.01 p / (1000 + p - 10000): each level in turn, and hysteresis on the way back."""
    desk = long_desk()
    bands = []
    for second, price in enumerate(
        [9200.0, 9150.0, 9120.0, 9105.0, 9080.0, 9180.0, 9186.0, 9188.0, 9195.0], 2
    ):
        at(desk, second, price)
        bands.append(RiskBand(int(desk.book.assessor.figures[desk.row(CROSS)].band)).label)
    assert bands == [
        "clear",  # 0.46
        "warning",  # 0.61
        "margin_call",  # 0.76
        "critical",  # 0.867
        "liquidation",  # 1.135
        "warning",  # 0.51: below 0.665 leaves margin call
        "warning",  # 0.494: under 0.5, above its clear mark 0.475
        "warning",  # 0.4887
        "clear",  # 0.4715
    ]


def test_only_changes_are_said() -> None:
    """A pool that stays in its band is not in the turn."""
    desk = long_desk()
    assert at(desk, 2, 10001.0) is None
    state = at(desk, 3, 9120.0)
    assert state is not None
    assert state.band is RiskBand.MARGIN_CALL
    assert at(desk, 4, 9121.0) is None


def test_a_silent_mark_is_unknown_with_the_time_of_its_last_good_datum() -> None:
    """The fault began when the mark was last seen, not when it was missed (N4)."""
    desk = long_desk()
    desk.tell(StreamAlive(ACCOUNT, 5 * SECOND))
    assert CROSS not in desk.states(5.5)
    state = desk.states(5.6)[CROSS]
    assert (state.band, state.reasons, state.last_band) == (RiskBand.UNKNOWN, Reason.STALE, RiskBand.CLEAR)
    assert (state.unknown_since_ns, state.unknown_seen_ns) == (SECOND, round(5.6 * SECOND))
    assert "BTCUSDT" in state.detail


def test_hysteresis_goes_on_through_unknown() -> None:
    """A pool that comes back between raise and clear mark comes back in the band that it had."""
    desk = long_desk()
    at(desk, 2, 9180.0)
    assert desk.states(9)[CROSS].band is RiskBand.UNKNOWN
    state = at(desk, 10, 9186.0)
    assert state is not None
    assert state.band is RiskBand.WARNING


def test_a_private_stream_that_is_dead_makes_the_account_stale() -> None:
    """Marks may flow: without a sign of life from the account's own stream nothing is known (N1)."""
    desk = long_desk()
    desk.tell(StreamAlive(ACCOUNT, 2 * SECOND))
    for second in range(2, 9):
        desk.tell(mark("BTCUSDT", 10000.0, second * SECOND))
    assert desk.states(8) == {}
    assert desk.states(8.3)[CROSS].reasons == Reason.STALE


def test_an_account_not_reconciled_for_a_minute_is_stale() -> None:
    """A living stream does not replace the full look."""
    desk = long_desk()
    desk.tell(StreamAlive(ACCOUNT, 61 * SECOND), mark("BTCUSDT", 10000.0, 61 * SECOND))
    assert desk.states(61) == {}
    desk.tell(StreamAlive(ACCOUNT, 62 * SECOND), mark("BTCUSDT", 10000.0, 62 * SECOND))
    assert desk.states(62)[CROSS].reasons == Reason.STALE


def test_a_gap_is_unknown_until_snapshot_and_ready() -> None:
    """StreamGap, UNKNOWN, snapshot, StreamReady: only the last one clears it, and a snapshot is asked for
    (D7)."""
    desk = long_desk()
    desk.tell(StreamGap("binance_usdm", ACCOUNT, "socket closed", 2 * SECOND))
    turn = desk.turn(2)
    assert turn.changed[0].reasons == Reason.GAP
    assert [(wish.account, wish.confirm) for wish in turn.reconcile] == [(ACCOUNT, False)]
    desk.tell(snapshot(3 * SECOND, [wallet("900")], [leg("BTCUSDT", "1", "10000")]))
    desk.tell(mark("BTCUSDT", 10000.0, 3 * SECOND))
    assert desk.states(3) == {}
    desk.tell(StreamReady("binance_usdm", ACCOUNT, 4 * SECOND))
    assert desk.states(4)[CROSS].band is RiskBand.CLEAR


def test_a_venue_whose_marks_broke_takes_all_of_its_pools_along() -> None:
    """A gap without an account is every price of the venue."""
    desk = long_desk()
    desk.tell(StreamGap("binance_usdm", None, "socket closed", 2 * SECOND))
    assert desk.states(2)[CROSS].reasons == Reason.GAP
    desk.tell(StreamReady("binance_usdm", None, 3 * SECOND), mark("BTCUSDT", 10000.0, 3 * SECOND))
    assert desk.states(3)[CROSS].band is RiskBand.CLEAR


def test_a_sudden_zero_balance_is_not_safe() -> None:
    """All gone in one read: UNKNOWN, the last good facts kept, a second endpoint asked (A2)."""
    desk = long_desk()
    desk.tell(snapshot(2 * SECOND, [wallet("0")], []))
    turn = desk.turn(2)
    assert turn.changed[0].reasons == Reason.IMPLAUSIBLE
    assert [wish.confirm for wish in turn.reconcile] == [True]
    assert math.isnan(turn.view.equity[0])
    desk.tell(snapshot(3 * SECOND, [wallet("1000")], [leg("BTCUSDT", "1", "10000")]))
    desk.tell(mark("BTCUSDT", 10000.0, 3 * SECOND))
    assert desk.states(3)[CROSS].band is RiskBand.CLEAR


def test_a_refused_key_is_unknown_until_a_snapshot_succeeds() -> None:
    """REJECTED names the reason and ends with the next good snapshot (A8)."""
    desk = long_desk()
    desk.tell(AccountRefused(ACCOUNT, Reason.REJECTED, "key refused: -2015", 2 * SECOND))
    state = desk.states(2)[CROSS]
    assert (state.reasons, state.detail) == (Reason.REJECTED, "key refused: -2015")
    desk.tell(snapshot(3 * SECOND, [wallet("1000")], [leg("BTCUSDT", "1", "10000")]))
    assert desk.states(3)[CROSS].band is RiskBand.CLEAR


def test_a_position_in_an_undefined_instrument_is_never_skipped() -> None:
    """Unknown symbol: UNKNOWN by name, and known once it is defined (D9)."""
    desk = long_desk()
    desk.tell(delta(2 * SECOND, [], [leg("NEWUSDT", "5", "1")]))
    state = desk.states(2)[CROSS]
    assert state.reasons == Reason.PARTIAL
    assert "NEWUSDT" in state.detail
    desk.tell(instruments("NEWUSDT", received_ns=3 * SECOND), mark("NEWUSDT", 1.0, 3 * SECOND))
    desk.tell(mark("BTCUSDT", 10000.0, 3 * SECOND))
    assert desk.states(3)[CROSS].band is RiskBand.CLEAR


def test_a_new_leg_without_leverage_waits_for_a_snapshot() -> None:
    """What the stream does not tell is not guessed: PARTIAL, and a snapshot at once."""
    desk = long_desk()
    desk.tell(mark("ETHUSDT", 100.0, 2 * SECOND))
    desk.tell(delta(2 * SECOND, [], [leg("ETHUSDT", "1", "100", leverage=None)]))
    turn = desk.turn(2)
    assert turn.changed[0].reasons == Reason.PARTIAL
    assert [wish.account for wish in turn.reconcile] == [ACCOUNT]


def test_an_unsupported_model_is_unsupported() -> None:
    """A pool of a model that was not compiled gets no number."""
    desk = long_desk()
    event = snapshot(2 * SECOND, [wallet("1000")], [leg("BTCUSDT", "1", "10000")])
    strange = type(event.pools[0])(CROSS, "portfolio_margin", "USD")
    changed = type(event)(
        ACCOUNT, (strange,), event.balances, event.positions, {}, event.venue_ns, event.received_ns
    )
    desk.tell(changed)
    state = desk.states(2)[CROSS]
    assert Reason.UNSUPPORTED in state.reasons
    assert "portfolio_margin" in state.detail


def test_an_empty_account_is_never_in_danger() -> None:
    """No position, nothing required: clear, also with an empty wallet."""
    desk = Desk()
    desk.tell(instruments("BTCUSDT"), snapshot(SECOND, [wallet("0")], [], confirmed=True))
    assert desk.states(1)[CROSS].band is RiskBand.CLEAR


def test_a_deficit_is_flagged_beside_the_band() -> None:
    """Negative equity with nothing required is no liquidation, and not nothing either."""
    desk = Desk()
    desk.tell(instruments("BTCUSDT"), snapshot(SECOND, [wallet("-5")], []))
    state = desk.states(1)[CROSS]
    assert (state.band, state.deficit) == (RiskBand.CLEAR, True)


@pytest.mark.parametrize("price", [9000.0, 8000.0, 1.0])
def test_zero_and_negative_equity_is_liquidation(price: float) -> None:
    """Decisions do not divide: equity at or under zero with something required is the worst band."""
    desk = long_desk()
    state = at(desk, 2, price)
    assert state is not None
    assert state.band is RiskBand.LIQUIDATION


@pytest.mark.parametrize(
    "table", ["pools", "balances", "positions", "instruments", "assets", "tiers", "quotes"]
)
def test_nan_in_any_column_is_unknown_never_clear(table: str) -> None:
    """Every float column of the book, one after the other, for a pool that reads it."""
    desk = long_desk()
    held, columns = desk.book.placing.columns, desk.book.assessor.book()
    rows = getattr(columns, table)
    names = [None] if table == "quotes" else [n for n in rows.dtype.names if rows.dtype[n] == np.float64]
    for name in names:
        column = rows if name is None else rows[name]
        before = column.copy()
        column[:] = math.nan
        held.shared_version += 1  # as its writers do
        desk.book.placing.touched[:] = True
        desk.book.assessor.sweep()
        figures = desk.book.assessor.figures[desk.row(CROSS)]
        assert (figures.band, figures.reasons) == (RiskBand.UNKNOWN, Reason.IMPLAUSIBLE), (table, name)
        column[:] = before


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_an_infinite_number_is_unknown(value: float) -> None:
    """Infinity is no number either."""
    desk = long_desk()
    desk.book.assessor.book().positions["quantity"][:] = value  # type: ignore[call-overload]
    desk.book.placing.touched[:] = True
    desk.book.assessor.sweep()
    assert desk.book.assessor.figures[desk.row(CROSS)].band == RiskBand.UNKNOWN


def reported(equity: float, maintenance: float) -> VenueReported:
    """The venue's own figures."""
    return VenueReported(
        equity=equity, maintenance_margin=maintenance, ratio=maintenance / equity, ratio_name="r"
    )


def reconcile(desk: Desk, second: int, figures: VenueReported) -> None:
    """A snapshot with the venue's figures at a mark of 9,500."""
    event = snapshot(
        second * SECOND,
        [wallet("1000")],
        [leg("BTCUSDT", "1", "10000")],
        reported=figures,
        marks={"BTCUSDT": 9500.0},
    )
    desk.tell(event, mark("BTCUSDT", 10000.0, second * SECOND))


def test_the_venues_figure_is_compared_at_the_venues_own_mark() -> None:
    """The live mark may be elsewhere: margin error is measured at the snapshot's (A13)."""
    desk = long_desk()
    reconcile(desk, 2, reported(500.0, 95.0))
    desk.turn(2)
    assert desk.book.assessor.margin_error[desk.row(CROSS)] == pytest.approx(0.0, abs=1e-12)


def test_margin_error_opens_after_two_reconciles_past_the_limit_and_closes_with_one_good() -> None:
    """One bad comparison may be a fast market; it asks for another at once."""
    desk = long_desk()
    reconcile(desk, 2, reported(500.0, 100.0))
    turn = desk.turn(2)
    assert [wish.why for wish in turn.reconcile] == ["margin error"]
    assert not any(state.margin_error_open for state in turn.changed)
    reconcile(desk, 3, reported(500.0, 100.0))
    assert desk.states(3)[CROSS].margin_error_open
    reconcile(desk, 4, reported(500.0, 95.0))
    assert not desk.states(4)[CROSS].margin_error_open


def test_a_venue_that_sees_worse_is_told_at_its_own_band() -> None:
    """A venue figure worse than ours stands beside ours, at the severity that the venue's has."""
    desk = long_desk()
    reconcile(desk, 2, reported(125.0, 95.0))
    state = desk.states(2)[CROSS]
    assert (state.band, state.venue_band) == (RiskBand.CLEAR, RiskBand.MARGIN_CALL)


def test_a_margin_call_of_the_venue_asks_for_a_snapshot() -> None:
    """The venue's own warning is a reason to look, not a verdict."""
    desk = long_desk()
    desk.tell(VenueWarning(ACCOUNT, "MARGIN_CALL BTCUSDT", 2 * SECOND, 2 * SECOND))
    turn = desk.turn(2)
    assert [wish.account for wish in turn.reconcile] == [ACCOUNT]


def test_a_distance_level_is_raised_where_the_move_would_liquidate() -> None:
    """1,000 under a long of 10,000: liquidated some 9.1 % down; 10 % raises, and 9.1 % x 1.05 clears."""
    levels = LEVELS._replace(distance_raise=(0.10, 0.05, 0.02), distance_clear=(0.105, 0.0525, 0.021))
    desk = Desk(levels)
    desk.tell(instruments("BTCUSDT"))
    desk.tell(
        snapshot(SECOND, [wallet("1000")], [leg("BTCUSDT", "1", "10000")]), mark("BTCUSDT", 10000.0, SECOND)
    )
    assert desk.states(1)[CROSS].band is RiskBand.WARNING
    assert at(desk, 2, 10140.0) is None  # 10.4 % away: inside the clear mark
    state = at(desk, 3, 10200.0)  # 10.9 %
    assert state is not None
    assert state.band is RiskBand.CLEAR


def test_a_closed_isolated_pool_leaves_and_its_row_forgets_it() -> None:
    """A pool that the venue no longer lists is removed; the next pool in its row starts unknown to nobody's
    past."""
    desk = long_desk()
    isolated = "isolated-ETHUSDT"
    held = [leg("BTCUSDT", "1", "10000"), leg("ETHUSDT", "10", "100", pool=isolated)]
    desk.tell(snapshot(2 * SECOND, [wallet("1000"), wallet("12", pool=isolated)], held))
    desk.tell(mark("ETHUSDT", 98.9, 2 * SECOND))
    assert desk.states(2)[isolated].band is RiskBand.LIQUIDATION
    desk.tell(snapshot(3 * SECOND, [wallet("1000")], [leg("BTCUSDT", "1", "10000")]))
    desk.tell(mark("BTCUSDT", 10000.0, 3 * SECOND))
    assert desk.turn(3).removed == (f"{ACCOUNT}/{isolated}",)
    other = "isolated-BTCUSDT"
    desk.tell(delta(4 * SECOND, [wallet("5000", pool=other)], [leg("BTCUSDT", "1", "10000", pool=other)]))
    assert desk.states(4)[other].last_band is RiskBand.CLEAR


def test_many_pools_that_come_and_go_keep_their_own_figures() -> None:
    """Blocks move when pools grow and leave; every pool still reads its own rows."""
    desk = Desk()
    symbols = [f"S{number}USDT" for number in range(40)]
    desk.tell(instruments(*symbols))
    for step in range(1, 60):
        held = [leg(s, "1", "100", pool=f"isolated-{s}") for s in symbols[step % 7 :: 1 + step % 3]]
        money = [wallet(str(10 + n), pool=fact.pool) for n, fact in enumerate(held)]
        desk.tell(snapshot(step * SECOND, [wallet("1"), *money], held))
        desk.tell(*(mark(s, 100.0, step * SECOND) for s in symbols))
        desk.turn(step)
        for n, fact in enumerate(held):
            assert desk.book.assessor.figures[desk.row(fact.pool)].equity == 10 + n


def test_the_full_picture_names_what_brings_the_pool_back() -> None:
    """A rescue is solved, rounded to what the venue takes, and its ratio is the model's after it."""
    desk = long_desk()
    at(desk, 2, 9120.0)
    assessment = desk.book.describe(f"{ACCOUNT}/{CROSS}", desk.now_ns, desk.now_ns)  # type: ignore[arg-type]
    assert assessment is not None
    add, cut = assessment.rescue
    assert (add.action, add.target) == ("add", "USDT")
    assert add.ratio_after == pytest.approx(91.2 / (120 + add.amount))
    assert 0.4749 < add.ratio_after < 0.475
    left = 1 - cut.amount
    fee = cut.amount * 9120 * 0.0005
    assert cut.ratio_after == pytest.approx(91.2 * left / (120 - fee))
    assert 0.47 < cut.ratio_after < 0.475
    (move,) = assessment.moves
    assert move.lower_percent == pytest.approx(100 * ((9000 / 0.99) / 9120 - 1))
    assert move.upper_percent is None
    assert assessment.contributors[0].liquidation_price == pytest.approx(9000 / 0.99)


def test_a_rescue_clears_the_distance_too() -> None:
    """A pool that is near by distance is brought back until both scales are clear, add or cut."""
    levels = LEVELS._replace(distance_raise=(0.05, 0.03, 0.015), distance_clear=(0.0525, 0.0315, 0.01575))
    for number in range(2):
        desk = long_desk(levels)
        at(desk, 2, 9300.0)
        option = desk.book.describe(f"{ACCOUNT}/{CROSS}", desk.now_ns, desk.now_ns).rescue[number]  # type: ignore[arg-type, union-attr]
        more = str(1000 + option.amount) if option.action == "add" else "1000"
        less = "1" if option.action == "add" else str(1 - option.amount)
        realised = 0.0 if option.action == "add" else option.amount * (9300 - 10000 - 9300 * 0.0005)
        after = Desk(levels)
        after.tell(instruments("BTCUSDT"))
        after.tell(snapshot(SECOND, [wallet(str(float(more) + realised))], [leg("BTCUSDT", less, "10000")]))
        after.tell(mark("BTCUSDT", 9300.0, SECOND))
        assert after.states(1)[CROSS].band is RiskBand.CLEAR, option


def isolated_rescue(money: str, price: float) -> tuple[RescueOption, ...]:
    """What is offered to an isolated position of one coin, bought at 10,000."""
    desk, pool = Desk(), "isolated-BTCUSDT"
    held = leg("BTCUSDT", "1", "10000", pool=pool)
    desk.tell(instruments("BTCUSDT"), snapshot(SECOND, [wallet(money, pool=pool)], [held]))
    desk.tell(mark("BTCUSDT", price, SECOND))
    desk.turn(1)
    assessment = desk.book.describe(f"{ACCOUNT}/{pool}", desk.now_ns, desk.now_ns)  # type: ignore[arg-type]
    assert assessment is not None
    return assessment.rescue


def test_a_part_of_an_isolated_position_is_no_rescue() -> None:
    """Venues give margin back in proportion to what is closed: add collateral, or close all of it."""
    add, close = isolated_rescue("1000", 9_120.0)
    assert add.action == "add"
    assert (close.action, close.amount, close.fraction, close.ratio_after) == ("cut", 1.0, 1.0, 0.0)


def test_an_isolated_position_that_is_safe_needs_no_rescue() -> None:
    """Nothing is offered where nothing is asked."""
    assert isolated_rescue("5000", 10_000.0) == ()


def test_the_picture_of_an_unknown_pool_has_no_figures() -> None:
    """Never the last good ratio."""
    desk = long_desk()
    desk.turn(30)
    assessment = desk.book.describe(f"{ACCOUNT}/{CROSS}", desk.now_ns, desk.now_ns)  # type: ignore[arg-type]
    assert assessment is not None
    assert (assessment.band, assessment.margin_ratio, assessment.equity) == (RiskBand.UNKNOWN, None, None)
