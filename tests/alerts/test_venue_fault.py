"""A venue that does not answer is told once, with all of its pools by name."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from alerts.alert import Condition, Kind, Notice
from alerts.holding import Holding
from alerts.incidents import Incidents
from alerts.route import Routing
from alerts.venue_fault import venue_key
from monitor.clock import SystemClock
from monitor.config import Alerts, Route
from monitor.config_duty import Escalation
from monitor.domain.assessment import Reason, RiskBand
from monitor.domain.identity import PoolId
from tests.support.alerting import SECOND_NS, Desk, a_config, a_state, a_turn, alerting, words

TIMES = Alerts(resolve_after_s=30, repeat_after_s=600, unknown_after_s=9)
POOLS = [PoolId(f"binance_usdm/a{number}/cross-USDT") for number in range(6)]
VENUE = venue_key(POOLS[0], "basis")
START_NS = 1_793_588_400 * SECOND_NS


class Outage:
    """Six pools of one venue, and a clock in seconds."""

    def __init__(self, incidents: Incidents | None = None) -> None:
        self.incidents = incidents or Incidents(TIMES)

    def at(self, second: float, pools: Sequence[PoolId] = (), known: bool = False) -> list[str]:
        """What is told when these pools become unknown, or known, at that second."""
        return [
            f"{told.key.condition.value} {told.kind.value}" for told in self.notices(second, pools, known)
        ]

    def notices(self, second: float, pools: Sequence[PoolId], known: bool, **change: object) -> list[Notice]:
        """The same, whole."""
        now_ns = round(second * SECOND_NS)
        told: list[Notice] = []
        for pool in pools:
            state = a_state(pool)
            if not known:
                times = {"unknown_since_ns": now_ns, "unknown_seen_ns": now_ns}
                state = a_state(pool, RiskBand.UNKNOWN, **(times | change))
            told += self.incidents.observe(state, now_ns, START_NS + now_ns)
        return told + self.incidents.tick(now_ns, START_NS + now_ns)


def test_most_pools_of_a_venue_are_one_alert_that_names_them() -> None:
    """Nine seconds after the fault the venue is told, once, with every pool that is unknown by then."""
    outage = Outage()
    assert outage.at(0, POOLS, known=True) == []
    assert outage.at(10, POOLS[:2]) == []
    assert outage.at(11, POOLS[2:5]) == []
    (told,) = outage.notices(19, [], False)
    assert (told.key, told.others) == (VENUE, tuple(POOLS[:5]))
    assert outage.at(60) == []


def test_a_few_pools_are_told_one_by_one() -> None:
    """Two unknown pools of six are their own matter."""
    outage = Outage()
    outage.at(0, POOLS, known=True)
    outage.at(10, POOLS[:2])
    assert outage.at(19) == ["unknown raised", "unknown raised"]


def test_a_pool_that_the_venues_alert_does_not_name_is_told_by_itself() -> None:
    """No pool is unknown without having been named."""
    outage = Outage()
    outage.at(0, POOLS, known=True)
    outage.at(10, POOLS[:5])
    assert outage.at(19) == ["venue raised"]
    outage.at(20, POOLS[5:])
    (told,) = outage.notices(29, [], False)
    assert (told.key.condition, told.key.pool) == (Condition.UNKNOWN, POOLS[5])


def test_what_is_still_unknown_when_the_venue_answers_again_is_told() -> None:
    """The end of the venue's alert lets those speak that have not come back."""
    outage = Outage()
    outage.at(0, POOLS, known=True)
    outage.at(10, POOLS)
    assert outage.at(19) == ["venue raised"]
    assert outage.at(30, POOLS[1:], known=True) == []
    assert outage.at(60) == ["venue resolved", "unknown raised"]


def test_a_refused_key_is_no_fault_of_the_venue() -> None:
    """Accounts whose keys are refused are told by themselves, however many they are."""
    outage = Outage()
    outage.at(0, POOLS, known=True)
    outage.notices(10, POOLS, False, reasons=Reason.REJECTED)
    assert outage.at(19) == ["unknown raised"] * len(POOLS)


def test_a_restart_in_an_outage_is_silent() -> None:
    """The next run knows which pools the venue's alert has named."""
    outage = Outage()
    outage.at(0, POOLS, known=True)
    outage.at(10, POOLS)
    (told,) = outage.notices(19, [], False)
    again = Outage(Incidents(TIMES, [told.incident], {VENUE: 1}, named={VENUE: told.others}))
    assert again.at(20, POOLS) == []
    assert again.at(40) == []
    assert again.at(41, POOLS, known=True) == ["venue resolved"]


def test_everybody_who_hears_of_an_account_hears_of_its_venue() -> None:
    """Routes and escalations of a single account take the alert of the venue that names it."""
    routes = (Route(("mine",), account="binance_usdm/a3"), Route(("all",)))
    steps = (Escalation(100, ("phone",), account="binance_usdm/a3"),)
    routing = Routing(routes, steps)
    outage = Outage(Incidents(TIMES, holding=Holding(routing=routing)))
    outage.at(0, POOLS, known=True)
    outage.at(10, POOLS)
    (told,) = outage.notices(19, [], False)
    assert set(routing.of(told, START_NS)) == {("mine",), ("all",)}
    (step,) = outage.notices(119, [], False)
    assert step.kind is Kind.UNACKNOWLEDGED
    assert routing.of(step, START_NS) == (("phone",),)


async def test_an_outage_through_the_alerts_whole_survives_a_restart(tmp_path: Path) -> None:
    """One message, and none again by the next run; its end goes to who heard the beginning."""
    config = a_config(tmp_path, unknown_after_s=0.1, resolve_after_s=0.0)
    desk, clock = Desk(), SystemClock()
    long_ago = clock.monotonic_ns() - 60 * SECOND_NS
    pools = [PoolId(f"binance_usdm/alpha/p{number}") for number in range(4)]
    gone = [
        a_state(pool, RiskBand.UNKNOWN, unknown_since_ns=long_ago, unknown_seen_ns=long_ago) for pool in pools
    ]
    for run in range(2):
        async with alerting(config, desk, clock=clock) as service:
            service.on_turn(a_turn(clock, gone))
            await desk.has(1)
            await asyncio.sleep(0.6 * run)  # two looks of the second run: that it tells nothing is the rule
    assert words(desk.got) == ["venue raised critical"]
    assert desk.got[0].others == tuple(pools)
    async with alerting(config, desk, clock=clock) as service:
        service.on_turn(a_turn(clock, [a_state(pool) for pool in pools]))
        await desk.has(2)
    assert words(desk.got) == ["venue raised critical", "venue resolved clear"]
