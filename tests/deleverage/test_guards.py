"""The guards: each refuses by its name, by itself, and what is not known is never a yes."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from monitor.deleverage.guards import GUARDS, refusals
from monitor.deleverage.situation import Leg, SecondSource
from monitor.domain.assessment import Reason, RiskBand
from monitor.domain.identity import InstrumentId
from tests.support.deleveraging import NOW_NS, POLICY, a_request, a_situation, a_step

BTC = InstrumentId("bybit:BTCUSDT")
GOOD = a_situation()
S = 10**9


def policy(**changed: Any) -> dict[str, Any]:
    """The situation under another config."""
    return {"config": msgspec.structs.replace(POLICY, **changed)}


def asking(**changed: Any) -> dict[str, Any]:
    """The situation with another request."""
    return {"request": msgspec.structs.replace(GOOD.request, **changed)}


def sources(*prices: float, quantity: str = "2.000", mark: float = 60_010.0) -> dict[str, Any]:
    """The situation in which these other prices are told."""
    others = tuple(SecondSource(f"other {price}", price) for price in prices)
    return {"legs": {BTC: Leg(quantity, mark, others)}}


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("dry_run", policy(dry_run=True)),
    ("dry_run", asking(dry_run=True)),
    ("armed_in_config", policy(armed=False)),
    ("armed", {"is_armed": False}),
    ("armed", {"armed_until_ns": GOOD.now_ns}),
    ("audit", {"audit_trouble": "the audit log is damaged: line 3"}),
    ("band", {"band": RiskBand.UNKNOWN}),
    ("band", {"band": RiskBand.MARGIN_CALL}),
    ("band", {"reasons": Reason.STALE}),
    ("band", {"reasons": Reason.IMPLAUSIBLE}),
    ("fresh", {"price_age_s": None}),
    ("fresh", {"price_age_s": 5.1}),
    ("fresh", {"price_age_s": math.nan}),
    ("fresh", {"price_age_s": -1.0}),
    ("fresh", {"account_age_s": None}),
    ("fresh", {"account_age_s": 90.1}),
    ("second_source", sources()),
    ("second_source", sources(60_000.0, 59_000.0)),
    ("second_source", sources(0.0)),
    ("second_source", sources(math.nan)),
    ("second_source", sources(math.inf)),
    ("margin_error", {"margin_error": None}),
    ("margin_error", {"margin_error": math.nan}),
    ("margin_error", {"margin_error": -0.02}),
    ("margin_error", {"is_margin_error_open": True}),
    ("recovery", {"known_since_ns": None}),
    ("recovery", {"known_since_ns": GOOD.now_ns - 119 * S}),
    ("recovery", {"outage_ended_ns": None}),
    ("recovery", {"outage_ended_ns": GOOD.now_ns - 119 * S}),
    ("plan", asking(steps=())),
    ("plan", sources(60_000.0, quantity="1.999")),
    ("plan", sources(60_000.0, quantity="2.001")),
    ("plan", sources(60_000.0, quantity="-2.000")),
    ("plan", sources(60_000.0, quantity="0.4")),
    ("plan", sources(60_310.0, mark=60_310.0)),
    ("plan", asking(steps=(a_step(quantity="0"),))),
    ("symbols", policy(symbols=("bybit:ETHUSDT",))),
    ("symbols", policy(symbols=())),
    ("slippage", policy(max_slippage=0.004)),
    ("slippage", asking(steps=(a_step(limit_price="59600.0"),))),
    ("cap_action", policy(most_action_usd=29_999.0)),
    ("cap_action", policy(most_action_usd=None)),
    ("cap_action", asking(steps=(a_step(notional=math.nan),))),
    ("cap_hour", {"used_hour": 170_001.0}),
    ("cap_hour", {"used_hour": math.nan}),
    ("cap_hour", {"used_hour": 200_000.0, "request": a_request(dry_run=False, fence=7, steps=())}),
    ("cap_hour", policy(most_hour_usd=None)),
    ("cap_day", {"used_day": 470_001.0}),
    ("cap_day", {"used_day": math.inf}),
    ("cap_day", policy(most_day_usd=None)),
    ("in_flight", {"in_flight": "dlv_0"}),
    ("cooldown", {"last_request_ns": GOOD.wall_ns - 299 * S}),
    ("cooldown", {"last_request_ns": GOOD.wall_ns + 60 * S}),
    ("expiry", asking(expires_ns=GOOD.wall_ns)),
    ("expiry", asking(created_ns=GOOD.wall_ns + 1)),
    ("fence", {"fence": None}),
    ("fence", {"fence": 6, "highest_fence": 7, "request": a_request(dry_run=False, fence=6)}),
    ("fence", asking(fence=6)),
    ("confirm", {"is_confirmed": False}),
    ("kill", {"killed": "/var/lib/margind/KILL"}),
]


def test_where_all_is_as_it_should_be_nobody_refuses():
    """The situation that every case below differs from in one thing passes."""
    assert refusals(GOOD) == []


@pytest.mark.parametrize(("guard", "wrong"), WRONG)
def test_one_thing_that_is_wrong_is_refused_by_the_guard_of_that_name(guard, wrong):
    """The first that refuses is the one whose matter it is, and it says why."""
    found = refusals(a_situation(**wrong))
    assert found[0].guard == guard
    assert len(found[0].why) > 10


def test_every_guard_has_a_case():
    """No guard is in the table that nothing above makes refuse."""
    assert {name for name, _ in GUARDS} == {name for name, _ in WRONG}


def test_the_kill_switch_is_asked_last():
    """Whatever else is asked, the last look is at the kill switch."""
    assert GUARDS[-1][0] == "kill"


def test_a_situation_of_which_nothing_is_known_passes_no_guard_of_data():
    """What the defaults leave out is refused, never allowed."""
    fields = ("band", "known_since_ns", "margin_error", "price_age_s", "account_age_s", "legs", "fence")
    blank = type(GOOD)(config=POLICY, request=GOOD.request, now_ns=GOOD.now_ns, wall_ns=NOW_NS)
    for name in fields:
        assert refusals(a_situation(**{name: getattr(blank, name)})), name


def test_a_false_drawdown_of_mixed_windows_triggers_nothing():
    """One venue's stale price beside another's fresh one is no drawdown: either the stale one is not counted,
    so that nothing stands beside the fall, or both count and do not agree."""
    fallen, before = 54_000.0, 60_000.0
    step = a_step(mark_price=repr(fallen), limit_price=repr(fallen * 0.995))
    for others in ((), (before,), (fallen, before)):
        now = a_situation(**sources(*others, mark=fallen), **asking(steps=(step,)))
        assert refusals(now)[0].guard == "second_source"
    assert refusals(a_situation(**sources(fallen, mark=fallen), **asking(steps=(step,)))) == []
