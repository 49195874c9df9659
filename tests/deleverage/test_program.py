"""A local program: what it gets, and that nothing of it is left."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from monitor.deleverage.program import OUTPUT_LIMIT, run_program
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.skipif(sys.platform != "linux", reason="Linux's /proc")]
LIMIT_S = 20.0


def a_program(folder: Path, text: str) -> list[str]:
    """A script of Python that the program hook may run."""
    path = folder / "program"
    path.write_text(f"#!{sys.executable} -IS\nimport json, os, sys, time\n{text}\n")
    path.chmod(0o700)
    return [str(path), "one word", "$HOME", "two"]


def is_gone(pid: int) -> bool:
    """Whether no such process runs any more; what nobody has waited for yet does not run."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


async def test_it_gets_the_request_and_nothing_else(tmp_path, monkeypatch):
    """JSON on stdin, its words as they are, a clean environment, the root as its folder."""
    monkeypatch.setenv("MARGIND_SECRET", "canary")
    tell = "print(json.dumps([sys.stdin.read(), sys.argv[1:], dict(os.environ), os.getcwd(), os.getsid(0)]))"
    ended = await run_program(a_program(tmp_path, tell), b'{"a":1}', LIMIT_S)
    assert ended.code == 0
    given, words, environment, folder, session = json.loads(ended.output)
    assert (given, words, folder) == ('{"a":1}', ["one word", "$HOME", "two"], "/")
    assert set(environment) <= {"PATH", "LANG", "LC_CTYPE"}
    assert session != os.getsid(0)


@pytest.mark.parametrize("code", [0, 1, 20, 77])
async def test_its_exit_code_is_told(tmp_path, code):
    """Each code is the program's own."""
    assert (await run_program(a_program(tmp_path, f"sys.exit({code})"), b"", LIMIT_S)).code == code


async def test_one_that_hangs_is_killed_with_all_that_it_started(tmp_path):
    """At the time limit a child, a daemon with a session of its own, and the program itself are gone."""
    text = f"""
pids = [os.getpid()]
for detached in (False, True):
    read, write = os.pipe()
    if os.fork() == 0:
        if detached:
            os.setsid()
            if os.fork():
                os._exit(0)
        os.write(write, b'%d\\n' % os.getpid())
        time.sleep(600)
    pids.append(int(os.read(read, 20)))
with open({str(tmp_path / "pids")!r} + ".new", "w") as file:
    json.dump(pids, file)
os.rename({str(tmp_path / "pids")!r} + ".new", {str(tmp_path / "pids")!r})
time.sleep(600)
"""
    ended = await run_program(a_program(tmp_path, text), b"", 1.5)
    assert ended.is_at_limit
    pids = json.loads((tmp_path / "pids").read_text())
    assert len(pids) == 3

    async def are_gone() -> bool:
        return all(map(is_gone, pids))

    await eventually(are_gone, "every process to be gone")


async def test_one_that_leaves_a_child_behind_ends_at_once(tmp_path):
    """A background child that holds the output does not hold the daemon."""
    text = "if os.fork() == 0:\n    os.setsid()\n    time.sleep(600)\nprint('done')"
    async with asyncio.timeout(LIMIT_S):
        ended = await run_program(a_program(tmp_path, text), b"", 600.0)
    assert (ended.code, ended.output) == (0, "done\n")


async def test_output_without_end_is_cut(tmp_path):
    """Of a gigabyte the beginning is kept, printable, and the program is not held up by us."""
    text = "block = b'\\x1b[31m' + b'x' * 1048571\nfor _ in range(1024): os.write(1, block)"
    ended = await run_program(a_program(tmp_path, text), b"", 60.0)
    assert ended.code == 0
    assert len(ended.output) == OUTPUT_LIMIT
    assert "\x1b" not in ended.output


async def test_one_that_does_not_read_its_stdin_is_no_trouble(tmp_path):
    """A request larger than a pipe does not hold us."""
    assert (await run_program(a_program(tmp_path, "pass"), b"x" * 10_000_000, LIMIT_S)).code == 0


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o600])
async def test_one_that_others_may_change_is_not_run(tmp_path, mode):
    """Whoever can write the program decides what happens to positions."""
    argv = a_program(tmp_path, "print('ran')")
    (tmp_path / "program").chmod(mode)
    ended = await run_program(argv, b"", LIMIT_S)
    assert ended.code is None
    assert "ran" not in ended.output


async def test_one_in_a_folder_that_others_may_change_is_not_run(tmp_path):
    """A folder that others may write lets them replace the program."""
    argv = a_program(tmp_path, "print('ran')")
    tmp_path.chmod(0o777)
    assert (await run_program(argv, b"", LIMIT_S)).code is None
