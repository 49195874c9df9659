"""What `margind actions`, `arm`, `disarm`, `kill` and `confirm` ask the running daemon, and how they tell its
answer. Nothing here needs the store; `kill` needs no daemon either."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from alerts.wording import plain
from monitor.alerts_command import asked_of
from monitor.deleverage.controls import Standing
from monitor.deleverage.request import DeleverageRequest
from monitor.deleverage.switch import KillFile
from monitor.exit_codes import CommandFailed, ExitCode


def show(data_dir: Path, as_json: bool) -> int:
    """Prints how it stands."""
    told = asked_of(data_dir, "/actions")
    if as_json:
        print(msgspec.json.format(told, indent=2).decode())
    else:
        _print(told)
    return ExitCode.DONE


def command(data_dir: Path, name: str, author: str, **more: object) -> int:
    """Arms or disarms."""
    _print(asked_of(data_dir, f"/actions/{name}", "POST", {"author": author, **more}))
    return ExitCode.DONE


def kill(data_dir: Path, author: str, reason: str) -> int:
    """The file first, which needs no daemon; then the daemon, which tells Redis."""
    if not data_dir.is_dir():
        raise CommandFailed(f"{data_dir} is no data directory", ExitCode.REFUSED)
    file = KillFile(data_dir)
    try:
        file.throw(f"{author}: {reason}")
    except OSError as error:
        print(f"{data_dir}: {error.strerror}; the daemon is asked")
    try:
        _print(asked_of(data_dir, "/actions/kill", "POST", {"author": author, "reason": reason}))
    except CommandFailed as error:
        if not file.where:
            raise
        print(f"killed by the file {file.where}; {error}")
        print("Redis does not have the flag: an executor that sees another folder is not stopped by it")
    return ExitCode.DONE


def release(data_dir: Path, author: str) -> int:
    """Takes the kill switch back; of a daemon that does not run, only the file."""
    try:
        _print(asked_of(data_dir, "/actions/release", "POST", {"author": author}))
    except CommandFailed as error:
        if error.code is not ExitCode.NOT_RUNNING:
            raise
        KillFile(data_dir).release()
        print("the file is gone; no daemon answers, so a flag in Redis stays")
    return ExitCode.DONE


def confirm(data_dir: Path, token: str, author: str) -> int:
    """Says yes."""
    told = asked_of(data_dir, "/actions/confirm", "POST", {"token": token, "author": author})
    request = msgspec.json.decode(told, type=DeleverageRequest)
    print(f"{request.id} of {plain(request.pool)}: confirmed, no guard refused it, the hooks are asked")
    print("what they answer: margind audit show")
    return ExitCode.DONE


def _print(told: bytes) -> None:
    print(*lines(msgspec.json.decode(told, type=Standing)), sep="\n")


def lines(told: Standing) -> Iterator[str]:
    """How it stands, as text."""
    yield _state(told)
    if told.killed:
        yield f"KILLED: {plain(told.killed)}"
    if told.redis:
        yield f"Redis was not told: {plain(told.redis)}"
    if told.is_on and told.fence is None:
        yield f"no right to act: {plain(told.fence_trouble)}"
    if told.audit_trouble:
        yield plain(told.audit_trouble)
    for each in told.waiting:
        yield f"waits {each.left_s:.0f} s: margind confirm {each.token}"
        yield f"    {plain(each.pool)}, {each.usd:,.0f} US dollars: {plain(each.reason)}"


def _state(told: Standing) -> str:
    if not told.is_on:
        return "off: [deleverage] covers no pool"
    if told.dry_run:
        return "dry run: requests are made, and nobody acts on them"
    if not told.armed_in_config:
        return "not armed: the config says armed = false"
    if not told.armed_by:
        return "not armed: margind arm --for 4h"
    return f"ARMED by {plain(told.armed_by)}, for {told.armed_left_s / 60:.0f} minutes more"
