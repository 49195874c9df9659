"""Snapshots and deltas of one account, in every order in which they can arrive."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from monitor.book.holdings import Holdings, SnapshotVerdict
from monitor.domain.event import LeverageChanged
from monitor.domain.identity import instrument_id
from tests.support.facts import ACCOUNT, CROSS, delta, leg, snapshot, wallet

BTC = (instrument_id("binance_usdm", "BTCUSDT"), "")


def started() -> Holdings:
    """Holdings with one snapshot at time 10."""
    holdings = Holdings()
    holdings.apply_snapshot(snapshot(10, [wallet("1000")], [leg("BTCUSDT", "1", "100")]))
    return holdings


def test_a_snapshot_replaces_what_it_knows_and_drops_the_rest() -> None:
    """A position that the next snapshot no longer lists is gone."""
    holdings = started()
    holdings.apply_snapshot(snapshot(20, [wallet("900")], [leg("ETHUSDT", "2", "50")]))
    assert {key[0] for key in holdings.positions} == {instrument_id("binance_usdm", "ETHUSDT")}
    assert holdings.balances[CROSS, "USDT"].wallet == 900


def test_a_snapshot_never_overrides_a_newer_stream_message() -> None:
    """REST that was read before the stream spoke does not bring the old quantity back (A3)."""
    holdings = started()
    holdings.apply_delta(delta(30, [wallet("800")], [leg("BTCUSDT", "3", "101")]))
    verdict = holdings.apply_snapshot(snapshot(25, [wallet("1000")], [leg("BTCUSDT", "1", "100")]))
    assert verdict is SnapshotVerdict.APPLIED
    assert holdings.positions[BTC].quantity == 3
    assert holdings.balances[CROSS, "USDT"].wallet == 800


def test_a_position_that_the_stream_closed_later_stays_closed() -> None:
    """An old snapshot does not reopen what the stream has closed."""
    holdings = started()
    holdings.apply_delta(delta(30, [], [leg("BTCUSDT", "0", "0")]))
    holdings.apply_snapshot(snapshot(25, [wallet("1000")], [leg("BTCUSDT", "1", "100")]))
    assert BTC not in holdings.positions


def test_an_older_message_is_dropped_and_counted() -> None:
    """Out of order on the stream: the newer fact stands (D5)."""
    holdings = started()
    holdings.apply_delta(delta(30, [], [leg("BTCUSDT", "3", "101")]))
    changed, late = holdings.apply_delta(delta(29, [], [leg("BTCUSDT", "2", "101")]))
    assert (changed, late) == (set(), 1)
    assert holdings.positions[BTC].quantity == 3


def test_an_older_snapshot_is_refused_whole() -> None:
    """A snapshot older than the applied one changes nothing."""
    holdings = started()
    assert holdings.apply_snapshot(snapshot(9, [wallet("5")], [])) is SnapshotVerdict.STALE
    assert holdings.balances[CROSS, "USDT"].wallet == 1000


def test_all_gone_is_not_believed() -> None:
    """Zero balances from REST while the stream told of nothing keep the last good facts (A2)."""
    holdings = started()
    assert holdings.apply_snapshot(snapshot(20, [wallet("0")], [])) is SnapshotVerdict.IMPLAUSIBLE
    assert holdings.positions[BTC].quantity == 1


def test_all_gone_is_not_believed_of_two_endpoints_that_agree_against_the_stream() -> None:
    """A second endpoint that lies too is no proof while the stream was whole."""
    holdings = started()
    verdict = holdings.apply_snapshot(snapshot(20, [wallet("0")], [], confirmed=True))
    assert verdict is SnapshotVerdict.IMPLAUSIBLE


def test_positions_gone_with_the_money_still_there_is_not_believed_either() -> None:
    """An empty position list alone may be the lie."""
    holdings = started()
    assert holdings.apply_snapshot(snapshot(20, [wallet("1000")], [])) is SnapshotVerdict.IMPLAUSIBLE


def test_all_gone_is_believed_after_a_gap_when_a_second_endpoint_agrees() -> None:
    """What happened in a hole of the stream can only be told by REST."""
    holdings = started()
    holdings.stream_broke()
    assert holdings.apply_snapshot(snapshot(20, [wallet("0")], [])) is SnapshotVerdict.IMPLAUSIBLE
    assert holdings.apply_snapshot(snapshot(21, [wallet("0")], [], confirmed=True)) is SnapshotVerdict.APPLIED
    assert not holdings.positions


def test_all_gone_is_believed_when_the_stream_closed_it_first() -> None:
    """Closing the last position on the stream makes the empty snapshot plausible."""
    holdings = started()
    holdings.apply_delta(delta(15, [wallet("990")], [leg("BTCUSDT", "0", "0")]))
    assert holdings.apply_snapshot(snapshot(20, [wallet("990")], [])) is SnapshotVerdict.APPLIED


def test_a_first_look_that_finds_nothing_wants_a_second_one() -> None:
    """Started during an outage that shows zeros, an account is not called empty."""
    holdings = Holdings()
    assert holdings.apply_snapshot(snapshot(10, [], [])) is SnapshotVerdict.IMPLAUSIBLE
    assert holdings.apply_snapshot(snapshot(11, [], [], confirmed=True)) is SnapshotVerdict.APPLIED


def test_a_switch_from_cross_to_isolated_moves_the_leg() -> None:
    """A leg is in one pool only: told in another one, it leaves the first (A6)."""
    holdings = started()
    changed, _ = holdings.apply_delta(delta(20, [], [leg("BTCUSDT", "1", "100", pool="isolated-BTCUSDT")]))
    assert changed == {CROSS, "isolated-BTCUSDT"}
    assert [fact.pool for fact in holdings.positions.values()] == ["isolated-BTCUSDT"]


def test_a_leg_keeps_its_leverage_when_the_stream_omits_it() -> None:
    """A delta without leverage does not forget it."""
    holdings = started()
    holdings.apply_delta(delta(20, [], [leg("BTCUSDT", "2", "100", leverage=None)]))
    assert holdings.positions[BTC].leverage == 10


def test_a_new_leverage_is_written_on_every_leg() -> None:
    """Leverage belongs to the instrument, also in hedge mode."""
    holdings = Holdings()
    legs = [leg("BTCUSDT", "1", "100", side="long"), leg("BTCUSDT", "-2", "100", side="short")]
    holdings.apply_snapshot(snapshot(10, [wallet("1000")], legs))
    holdings.apply_leverage(LeverageChanged(ACCOUNT, BTC[0], Decimal(25), 20, 20))
    assert {fact.leverage for fact in holdings.positions.values()} == {Decimal(25)}


def test_a_leg_of_open_orders_alone_is_held_until_they_are_gone() -> None:
    """Nothing held and something ordered asks for margin; nothing of either is no leg. A new leverage keeps
    the orders."""
    holdings = started()
    ordered = msgspec.structs.replace(leg("BTCUSDT", "0", "0"), bids=Decimal(2), asks=Decimal(3))
    holdings.apply_delta(delta(30, [], [ordered]))
    holdings.apply_leverage(LeverageChanged(ACCOUNT, BTC[0], Decimal(20), 31, 31))
    found = holdings.positions[BTC]
    assert [found.quantity, found.bids, found.asks, found.leverage] == [0, 2, 3, 20]
    holdings.apply_delta(delta(40, [], [leg("BTCUSDT", "0", "0")]))
    assert BTC not in holdings.positions


def test_a_flip_from_long_to_short_is_one_leg() -> None:
    """One fill through zero leaves one position, short (A4)."""
    holdings = started()
    holdings.apply_delta(delta(20, [], [leg("BTCUSDT", "-1", "99")]))
    assert [fact.quantity for fact in holdings.positions.values()] == [-1]


@given(st.permutations(range(1, 9)), st.lists(st.integers(1, 8), max_size=8))
def test_any_order_and_any_replay_ends_at_the_newest(order: list[int], replay: list[int]) -> None:
    """Messages shuffled and half of them twice: the newest of each key stands (D5, D6)."""
    holdings = Holdings()
    holdings.apply_snapshot(snapshot(0, [wallet("1")], [leg("BTCUSDT", "100", "1")]))
    for at in [*order, *replay]:
        holdings.apply_delta(delta(at, [wallet(str(at))], [leg("BTCUSDT", str(at), "1")]))
    assert holdings.positions[BTC].quantity == 8
    assert holdings.balances[CROSS, "USDT"].wallet == 8
