"""A changed rule of a venue, from the state of a pool to the message."""

from __future__ import annotations

from alerts.alert import Condition, Kind, Level
from alerts.levels import detail_of
from alerts.message import headline
from monitor.domain.assessment import Reason, RiskBand
from monitor.domain.identity import PoolId
from monitor.domain.turn import PoolState
from tests.support.notifications import POOL, a_notification

WORDS = "BTCUSDT tier 1: from 0 rate 0.004, now from 0 rate 0.005"


def test_a_rule_change_says_what_was_and_what_is() -> None:
    """Its own detail, not that of an UNKNOWN, and the ratio that follows from it."""
    state = PoolState(
        PoolId(POOL),
        "basis",
        RiskBand.CLEAR,
        RiskBand.CLEAR,
        Reason(0),
        False,
        False,
        RiskBand.CLEAR,
        None,
        None,
        "",
        WORDS,
    )
    detail = detail_of(state, Condition.RULE_CHANGE)
    page = a_notification(condition=Condition.RULE_CHANGE, level=Level.WARNING, detail=detail)
    assert headline(page) == (
        f"WARNING {POOL}: the venue changed its margin rules, {WORDS}; margin ratio 0.87"
    )
    assert detail_of(state, Condition.MARGIN) == ""


def test_its_end_is_no_change_back() -> None:
    """After an hour it is no news, and the message says that the rules hold."""
    page = a_notification(condition=Condition.RULE_CHANGE, kind=Kind.RESOLVED, level=Level.CLEAR)
    assert headline(page).endswith("the changed margin rules hold for an hour now, margin ratio 0.87")
