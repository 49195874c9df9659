"""`margind arm`, `disarm`, `kill`, `confirm`, `actions` and `audit`, as a person types them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from alerts.service import AlertService
from monitor.cli import main
from monitor.control import ControlSocket
from monitor.deleverage.audit import NAME
from monitor.deleverage.controls import Controls
from monitor.deleverage.switch import KILL_FILE
from monitor.names import Metrics
from monitor.sinks.store_link import StoreLink
from tests.support.alerting import a_config
from tests.support.deleverage_stage import READY_S, Stage

pytestmark = pytest.mark.integration
Types = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
async def new(tmp_path, store):
    """Makes a stage with its control socket."""
    made: list[Stage] = []
    sockets: list[ControlSocket] = []

    async def stage(**policy) -> Stage:
        made.append(Stage(tmp_path, store.url, **policy))
        await made[-1].start()
        actions = made[-1].actions
        controls = Controls(actions, "main", lambda: StoreLink(store.url), is_on=True)
        duty = AlertService(a_config(tmp_path), made[-1].clock, Metrics(), lambda _: None, {}).duty
        note = actions.known.trail.note
        sockets.append(ControlSocket(tmp_path, made[-1].desk.book, made[-1].clock, duty, controls, note))
        await sockets[-1].start()
        return made[-1]

    yield stage
    for socket in sockets:
        await socket.stop()
    for each in made:
        await each.actions.stop()


@pytest.fixture
def types(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Types:
    """The exit code of a command, and what it says."""

    async def run(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        named = () if words[0] in ("actions", "audit") else ("--by", "anna")
        code = await asyncio.to_thread(main, [*words, *named, "--data-dir", str(tmp_path)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


async def test_arming_lasts_as_long_as_was_said(new, types):
    """Armed is shown with who and how long, ends by itself, and ends at once when it is taken back."""
    stage = await new()
    assert (await types("actions"))[1] == "not armed: margind arm --for 4h\n"
    code, said = await types("arm", "--for", "2h")
    assert (code, said) == (0, "ARMED by anna, for 120 minutes more\n")
    stage.clock.advance_s(7201)
    assert "not armed" in (await types("actions"))[1]
    await types("arm", "--for", "1h")
    assert (await types("disarm"))[1].startswith("not armed")
    assert [record.kind for record in stage.records("arm", "disarm")] == ["arm", "arm", "disarm"]


@pytest.mark.parametrize(
    ("policy", "words", "advice"),
    [
        ({"armed": False}, ("arm", "--for", "1h"), "armed = true"),
        ({"dry_run": True}, ("arm", "--for", "1h"), "dry_run = false"),
        ({}, ("arm", "--for", "2d"), "at most 43200 seconds"),
        ({}, ("confirm", "deadbeef"), "nothing waits under that word"),
    ],
)
async def test_what_is_not_done_says_what_would_be_right(new, types, policy, words, advice):
    """A refusal has its own exit code and one line."""
    await new(**policy)
    code, said = await types(*words)
    assert code == 2 and advice in said


async def test_the_kill_switch_stops_and_is_taken_back(new, types, tmp_path):
    """Killed: disarmed, nothing acts, arming is refused; released: still disarmed."""
    stage = await new()
    await types("arm", "--for", "2h")
    code, said = await types("kill", "--reason", "odd prices")
    assert code == 0 and "KILLED" in said and "not armed" in said
    assert "odd prices" in (tmp_path / KILL_FILE).read_text()
    assert (await types("arm", "--for", "1h"))[0] == 2
    stage.arm()
    await stage.at(READY_S)
    assert stage.hook.asked == [] and "kill" in stage.guards()
    assert (await types("kill", "--release"))[0] == 0
    await stage.at(READY_S + 2)
    assert "KILLED" not in (await types("actions"))[1]
    assert len(stage.records("kill", "kill_seen", "release")) >= 4


async def test_it_works_with_redis_down(new, types, store):
    """Killing and disarming need no Redis; it is said that Redis was not told."""
    await new()
    await store.kill()
    code, said = await types("kill")
    assert code == 0 and "KILLED" in said and "Redis was not told" in said
    assert (await types("disarm"))[0] == 0


async def test_killing_needs_no_daemon(types, tmp_path):
    """Where nobody answers the file alone is written, and taken back again."""
    code, said = await types("kill")
    assert code == 0 and (tmp_path / KILL_FILE).exists() and "no daemon answers" in said
    assert (await types("kill", "--release"))[0] == 0
    assert not (tmp_path / KILL_FILE).exists()
    assert (await types("arm", "--for", "1h"))[0] == 3


async def test_a_person_confirms(new, types):
    """What waits is listed with its word, and goes out when it is said."""
    stage = await new(confirm=True)
    stage.arm()
    await stage.at(READY_S)
    (token,) = stage.actions.waiting
    assert token in (await types("actions"))[1]
    async with asyncio.TaskGroup() as group:
        stage.actions._group = group
        code, said = await types("confirm", token)
    assert code == 0 and "confirmed" in said
    assert len(stage.hook.asked) == 1


async def test_a_person_hears_at_once_that_a_guard_refused(new, types):
    """A yes to what is not so any more ends with the guard's name and a code of its own."""
    stage = await new(confirm=True)
    stage.arm()
    await stage.at(READY_S)
    (token,) = stage.actions.waiting
    stage.price = 59_900.0
    stage.quantity = "1.01"
    stage.desk_at(READY_S + 5)
    code, said = await types("confirm", token)
    assert code == 2 and "nothing is cut: refused by plan" in said
    assert stage.hook.asked == []


async def test_the_audit_log_is_checked_and_shown(new, types, tmp_path):
    """Whole is 0 with its head; a changed or missing line is 1 and named; a head that was seen is held."""
    await new()
    await types("arm", "--for", "1h")
    code, said = await types("audit", "verify")
    head = said.split("head ")[1].split()[0]
    assert code == 0 and "whole" in said
    assert (await types("audit", "verify", "--seen", head))[0] == 0
    assert (await types("audit", "verify", "--seen", f"{head.split(':')[0]}:0000"))[0] == 1
    assert (await types("audit", "verify", "--seen", "99:abcd"))[0] == 1
    assert " arm anna " in (await types("audit", "show"))[1]
    path = tmp_path / NAME
    path.write_bytes(path.read_bytes().replace(b'"seconds":3600', b'"seconds":9999'))
    code, said = await types("audit", "verify")
    assert code == 1 and "DAMAGED: line" in said
