"""Killed with SIGKILL at every named point between a crossing and its delivery, restarted, and counted.

What was recorded as an intent, and what still holds after the restart, is delivered; one kill costs at most
one more copy of each message that was under way, with the same id; a start with nothing new says nothing.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import NamedTuple

import pytest
from aiohttp import web
from standardwebhooks.webhooks import Webhook

from alerts import failpoints
from alerts.failpoints import DELEVERAGE, EXECUTOR, KEPT, NAMES, REMEMBERED
from tests.support.alert_processes import RUN_S, begun, ended
from tests.support.receivers import SIGNING_SECRET, HttpServer

PATIENCE_S = "0.3"
pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


class Story(NamedTuple):
    """A path of alerting: what the book says in turn, and how each sink answers its first attempts."""

    steps: tuple[str, ...]
    answers: tuple[tuple[int, ...], ...] = ((),)  # by sink: statuses of the first attempts, then 204


STORM = ",".join(f"p{number}=CRITICAL" for number in range(40))
STORIES = {
    "raised": Story(("a=CRITICAL",)),
    "escalated": Story(("a=WARNING", "a=LIQUIDATION")),
    "resolved": Story(("a=CRITICAL", "a=CLEAR")),
    "again": Story(("a=CRITICAL", "a=CLEAR", "a=MARGIN_CALL")),
    "unknown": Story(("a=WARNING", "a=UNKNOWN", "a=WARNING")),
    "together": Story((",".join(f"u{number}=UNKNOWN" for number in range(5)),)),
    "all_at_once": Story(("a=WARNING+all",)),
    "retried": Story(("a=CRITICAL",), ((503, 429),)),
    "rejected": Story(("a=CRITICAL",), ((410,) * 9, ())),
    "replaced": Story(("!a=WARNING", "a=CRITICAL"), ((503,),)),
}


class Sink:
    """A webhook receiver that checks signatures, counts, and answers by its script."""

    def __init__(self, answers: Sequence[int] = ()) -> None:
        self.answers = list(answers)
        self.delivered: Counter[str] = Counter()
        self.said: dict[str, tuple[object, ...]] = {}  # by id: pool, condition, incident, level, kind
        self.order: list[str] = []
        self.on_delivery: Callable[[], None] = lambda: None

    async def handle(self, request: web.Request) -> web.Response:
        """Verified, then counted unless the script says otherwise."""
        body = await request.read()
        content = Webhook(SIGNING_SECRET).verify(body, dict(request.headers))
        id_ = request.headers["webhook-id"]
        if self.answers:
            return web.Response(status=self.answers.pop(0), headers={"retry-after": PATIENCE_S})
        self.delivered[id_] += 1
        self.order.append(id_)
        pools = frozenset((content["pool"]["id"], *content["others"]))
        fields = (content[name] for name in ("condition", "incident", "level", "kind"))
        self.said[id_] = (pools, *fields)
        self.on_delivery()
        return web.Response(status=204)


class Sinks:
    """All sinks of one case, running."""

    def __init__(self, sinks: Sequence[Sink], urls: Sequence[str]) -> None:
        self.all = sinks
        self.urls = list(urls)

    @property
    def delivered(self) -> Counter[str]:
        """How often each id was delivered, over all sinks."""
        return sum((sink.delivered for sink in self.all), Counter())

    @property
    def said(self) -> dict[str, tuple[object, ...]]:
        """What each id said."""
        return {id_: said for sink in self.all for id_, said in sink.said.items()}


@asynccontextmanager
async def sinks(answers: Sequence[Sequence[int]]) -> AsyncIterator[Sinks]:
    """One sink for each script."""
    made = [Sink(script) for script in answers]
    servers = [HttpServer(sink.handle) for sink in made]
    try:
        for server in servers:
            await server.__aenter__()
        yield Sinks(made, [f"http://127.0.0.1:{server.port}/" for server in servers])
    finally:
        for server in servers:
            await server.__aexit__()


def recorded(folder: Path) -> tuple[set[str], set[str]]:
    """The ids of all intents in the ledger, and of those that a newer notice replaced."""
    database = sqlite3.connect(folder / "ledger" / "ledger.sqlite")
    try:
        intents = {id_ for (id_,) in database.execute("SELECT id FROM intents")}
        replaced = database.execute("SELECT id FROM deliveries WHERE state = 'superseded'")
        return intents, {id_ for (id_,) in replaced}
    finally:
        database.close()


def last_states(steps: Sequence[str]) -> list[str]:
    """What the book says of each pool after a restart: how it is now."""
    held = dict(pair.split("=") for step in steps for pair in step.removeprefix("!").split(","))
    return [",".join(f"{pool}={band}" for pool, band in held.items())]


def check(folder: Path, told: Sinks) -> None:
    """Nothing recorded is missing, nothing came more than twice, and no message has two ids."""
    intents, replaced = recorded(folder)
    assert intents - replaced <= set(told.delivered), "lost"
    assert set(told.delivered) <= intents, "told without a record"
    assert max(told.delivered.values(), default=0) <= 2, "more than one duplicate"
    doubled = [said for said, count in Counter(told.said.values()).items() if count > 1]
    assert doubled == [], "one message under two ids"


async def case(folder: Path, name: str, failpoint: str) -> bool:
    """One kill on one path, and what must hold afterwards; answers whether the run came to the failpoint."""
    story = STORIES[name]
    async with sinks(story.answers) as told:
        code = await ended(begun(folder, told.urls, story.steps, failpoint))
        assert code in (0, -signal.SIGKILL)
        before = Counter(told.delivered)
        states = last_states(story.steps)
        assert await ended(begun(folder, told.urls, states)) == 0
        check(folder, told)
        if code == 0:
            assert told.delivered == before, "a clean restart is not silent"
        _check_news(name, told)
        settled = Counter(told.delivered)
        assert await ended(begun(folder, told.urls, states)) == 0
        assert told.delivered == settled, "a restart with nothing new says something"
    return code != 0


def _check_news(name: str, told: Sinks) -> None:
    """What still holds after the restart was told, whatever was recorded before the kill."""
    said = {(condition, level) for _, condition, _, level, _ in told.said.values()}
    must: dict[str, set[tuple[str, str]]] = {
        "raised": {("margin", "critical")},
        "escalated": {("margin", "liquidation")},
        "again": {("margin", "margin_call")},
        "together": {("venue", "critical")},
        "unknown": {("margin", "warning")},
        "all_at_once": {("venue_worse", "liquidation")},  # the milder ones of the pool wait
        "retried": {("margin", "critical")},
        "rejected": {("margin", "critical")},
        "replaced": {("margin", "critical")},
    }
    assert must.get(name, set()) <= said
    if name == "resolved" and ("margin", "critical") in said:
        assert ("margin", "clear") in said


@pytest.mark.parametrize("failpoint", NAMES)
async def test_killed_at_every_point_of_every_path(tmp_path: Path, failpoint: str) -> None:
    """The first three times that a story comes by; one that never does ends clean, and some do."""
    died = []
    for name in STORIES:
        for count in (1, 2, 3):
            folder = tmp_path / f"{name}-{count}"
            is_dead = await case(folder, name, f"{failpoint}#{count}:kill")
            if not is_dead:
                break
            died.append((name, count))
    assert died, f"no path comes to {failpoint}"


@pytest.mark.parametrize("name", STORIES)
async def test_killed_when_the_receiver_has_it(tmp_path: Path, name: str) -> None:
    """The sink has read the message and kills the sender before it answers."""
    story = STORIES[name]
    async with sinks(story.answers) as told:
        process = begun(tmp_path, told.urls, story.steps)
        for sink in told.all:
            sink.on_delivery = process.kill
        assert await ended(process) == -signal.SIGKILL
        for sink in told.all:
            sink.on_delivery = lambda: None
        under_way = set(told.delivered)
        assert await ended(begun(tmp_path, told.urls, last_states(story.steps))) == 0
        check(tmp_path, told)
        _check_news(name, told)
        assert under_way & {id_ for id_, count in told.delivered.items() if count == 2}


async def _random_kills(folder: Path, kills: int, seed: int) -> None:
    rng = random.Random(seed)
    for number in range(kills):
        here = folder / str(number)
        async with sinks(((),)) as told:
            process = begun(here, told.urls, (STORM, "p1=CLEAR", "p1=WARNING,p2=LIQUIDATION"))
            if rng.random() < 0.5:
                told.all[0].on_delivery = _killing(process, told.all[0], rng.randrange(1, 42))
            else:
                await asyncio.sleep(rng.uniform(0, 0.4))  # at any time, that is the point
                process.kill()
            await ended(process)
            told.all[0].on_delivery = lambda: None
            states = last_states((STORM, "p1=WARNING,p2=LIQUIDATION"))
            assert await ended(begun(here, told.urls, states)) == 0
            check(here, told)
            pools = {pool for pools, *_ in told.said.values() for pool in pools}  # type: ignore[attr-defined]
            assert len(pools) == 40
            settled = Counter(told.delivered)
            assert await ended(begun(here, told.urls, states)) == 0
            assert told.delivered == settled


def _killing(process: ForkServerProcess, sink: Sink, at: int) -> Callable[[], None]:
    """Kills the process when the sink has had so many messages."""

    def killing() -> None:
        if sum(sink.delivered.values()) == at:
            process.kill()

    return killing


async def test_thirty_kills_at_random_times(tmp_path: Path) -> None:
    """In a storm of forty pages, at any moment: every pool is told of, no id more than twice."""
    await _random_kills(tmp_path, 30, seed=41)


@pytest.mark.soak
async def test_a_thousand_kills_at_random_times(tmp_path: Path) -> None:
    """As above, a thousand times."""
    await _random_kills(tmp_path, 1000, seed=int.from_bytes(os.urandom(4), "big"))


async def test_the_variable_kills_a_real_process(tmp_path: Path) -> None:
    """MARGIND_FAILPOINT works as documented, in a process that was started as any other."""
    async with sinks(((),)) as told:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.support.alert_harness",
            str(tmp_path),
            told.urls[0],
            "a=CRITICAL",
            cwd=Path(__file__).parents[2],
            env={**os.environ, "MARGIND_FAILPOINT": "attempt_answered:kill"},
        )
        async with asyncio.timeout(RUN_S):
            assert await process.wait() == -signal.SIGKILL
        assert list(told.delivered.values()) == [1]
        assert await ended(begun(tmp_path, told.urls, ("a=CRITICAL",))) == 0
        assert list(told.delivered.values()) == [2]


@pytest.mark.parametrize("failpoint", KEPT)
async def test_killed_around_what_people_say(tmp_path: Path, failpoint: str) -> None:
    """Whatever of an acknowledgement or a silence was kept, what becomes worse is told, and nothing twice."""
    steps = ("a=CRITICAL", "ack a", "silence a", "a=LIQUIDATION")
    async with sinks(((),)) as told:
        assert await ended(begun(tmp_path, told.urls, steps, f"{failpoint}:kill")) == -signal.SIGKILL
        assert await ended(begun(tmp_path, told.urls, ("a=LIQUIDATION",))) == 0
        check(tmp_path, told)
        assert {("margin", "critical"), ("margin", "liquidation")} <= {
            (condition, level) for _, condition, _, level, _ in told.said.values()
        }
        assert max(told.delivered.values()) == 1, "a kill beside the deliveries costs no duplicate"


def test_there_are_forty_named_points() -> None:
    """All are killed at: these here, those of Slack, of hooks and of the executor in their own files."""
    named = (*NAMES, *KEPT, *REMEMBERED, *DELEVERAGE, *EXECUTOR)
    assert len(set(named)) == len(named) >= 40


def test_a_wrong_failpoint_is_refused() -> None:
    """A name that is none would be a test that can't fail."""
    with pytest.raises(ValueError, match="none of noticed"):
        failpoints.arm("no_such_place:kill")
    failpoints.arm("")
