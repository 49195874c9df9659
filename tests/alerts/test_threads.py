"""Services that keep incidents of their own: what is open there is what is open here, in whatever order."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.alert import Incident, Kind, Level, Notification, thread_of
from alerts.notify.threads import LEVELS, MOST_THREADS, Action, Step, Threads, steps
from monitor.domain.identity import PoolId
from tests.support.notifications import a_notification

RISEN = (Level.WARNING, Level.CRITICAL, Level.LIQUIDATION, Level.MARGIN_CALL, Level.CRITICAL, Level.CLEAR)


def story(levels: tuple[Level, ...]) -> list[Notification]:
    """What is told of one incident that goes through these levels."""
    told, worst = [], Level.CLEAR
    for number, level in enumerate(levels):
        before = levels[number - 1] if number else Level.CLEAR
        worst = max(worst, level)
        kind = Kind.RESOLVED if not level else Kind.ESCALATED if level > before else Kind.EASED
        page = a_notification(kind=kind if number else Kind.RAISED, level=level)
        told.append(msgspec.structs.replace(page, thread="t", worst=worst, created_ns=10 + number))
    return told


class Service:
    """What a service has open, and how often it rang."""

    def __init__(self) -> None:
        self.threads = Threads()
        self.open: set[Level] = set()
        self.rung: list[Level] = []

    def hear(self, told: Notification) -> None:
        """Takes every step."""
        for action, level in self.threads.plan("t", told):
            if action is Action.TRIGGER and level not in self.open:
                self.rung.append(level)
                self.open.add(level)
            elif action is Action.RESOLVE:
                self.open.discard(level)
        self.threads.delivered("t", told)


def test_each_change_of_level_rings_once_and_one_is_open() -> None:
    """The service rings for every level that is reached, has that one open alone, and none in the end."""
    service = Service()
    for told in story(RISEN):
        service.hear(told)
        assert service.open == ({told.level} if told.level else set())
    assert service.rung == list(RISEN[:-1])


def test_a_repetition_does_not_ring_again() -> None:
    """What is open already is told again, and opens nothing."""
    (raised,) = story((Level.CRITICAL,))
    again = msgspec.structs.replace(raised, kind=Kind.REPEATED, created_ns=11)
    assert steps(again) == steps(raised) == (Step(Action.TRIGGER, Level.CRITICAL),)


@given(st.lists(st.sampled_from(LEVELS), min_size=1, max_size=3), st.data())
def test_the_order_of_arrival_does_not_decide_what_stays_open(
    levels: list[Level], data: st.DataObject
) -> None:
    """Retries overtake each other: when all are delivered, an ended incident is ended, and each page rang."""
    changes = [level for level, _ in itertools.groupby(levels)]
    told = story((*changes, Level.CLEAR))
    service = Service()
    for one in data.draw(st.permutations(told)):
        service.hear(one)
    assert service.open == set()
    assert set(service.rung) == set(changes)


def test_an_old_end_does_not_end_what_began_since() -> None:
    """The resolution of the last incident of a thread comes late: the new one stays open."""
    raised, resolved = story((Level.CRITICAL, Level.CLEAR))
    anew = msgspec.structs.replace(raised, created_ns=99)
    service = Service()
    for told in (raised, anew, resolved):
        service.hear(told)
    assert service.open == {Level.CRITICAL}


def test_one_of_many_is_no_end() -> None:
    """While other pools of the same fault are unknown, nothing is resolved."""
    resolved = msgspec.structs.replace(story((Level.CRITICAL, Level.CLEAR))[1], left=2)
    assert steps(resolved) == ()


def test_what_is_remembered_is_bounded() -> None:
    """The oldest thread is forgotten."""
    threads, (raised,) = Threads(), story((Level.CRITICAL,))
    for number in range(MOST_THREADS + 1):
        threads.delivered(str(number), raised)
    assert not threads.is_open("0")
    assert threads.is_open("1") and threads.is_open(str(MOST_THREADS))


@pytest.mark.parametrize(
    ("condition", "is_one"),
    [("unknown", True), ("margin", False), ("deficit", False), ("venue_worse", False)],
)
def test_one_fault_is_one_thread(condition: str, is_one: bool) -> None:
    """Pools of a desk that a venue's fault makes unknown are one incident; any other is its own."""
    names = [f"bybit/{name}/unified" for name in ("alpha", "beta")]
    first, second = (thread_of(incident(name, condition), "main") for name in names)
    assert (first == second) is is_one
    assert thread_of(incident(names[0], condition), "other") != first or not is_one


def incident(pool: str, condition: str) -> Incident:
    """An open one."""
    key = a_notification().key
    key = msgspec.structs.replace(key, pool=PoolId(pool), condition=type(key.condition)(condition))
    return Incident(key, 1, Level.CRITICAL, 1, 0, 0, Level.CRITICAL, "basis")
