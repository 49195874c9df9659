"""The commands about cutting positions: what stands, arm, disarm, kill, confirm; and the audit log."""

from __future__ import annotations

import argparse
from pathlib import Path

from monitor.cli_alerts import add_author, add_data_dir, author_of, duration, folder_of
from monitor.cli_parser import Commands, add_command


def add_actions(commands: Commands) -> None:
    """How it stands."""
    added = add_command(commands, "actions", "how cutting positions stands: armed, killed, waiting", _actions)
    added.add_argument("--json", action="store_true", help="for programs")
    add_data_dir(added)


def add_arm(commands: Commands) -> None:
    """Arming."""
    added = add_command(commands, "arm", "let requests to cut positions be acted on, for a while", _arm)
    added.add_argument("--for", dest="seconds", type=duration, required=True, help="30m, 4h")
    add_author(added)
    add_data_dir(added)


def add_disarm(commands: Commands) -> None:
    """Disarming."""
    added = add_command(commands, "disarm", "let no request be acted on from now on", _disarm)
    add_author(added)
    add_data_dir(added)


def add_kill(commands: Commands) -> None:
    """The kill switch."""
    text = "stop every request to cut positions, also where no daemon answers"
    added = add_command(commands, "kill", text, _kill)
    added.add_argument("--release", action="store_true", help="take it back; it stays disarmed")
    added.add_argument("--reason", default="", help="for whoever wonders")
    add_author(added)
    add_data_dir(added)


def add_confirm(commands: Commands) -> None:
    """The second step."""
    added = add_command(commands, "confirm", "say yes to a request that waits for a person", _confirm)
    added.add_argument("token", metavar="WORD", help="as the page tells it")
    add_author(added)
    add_data_dir(added)


def add_audit(commands: Commands) -> None:
    """The audit log."""
    added = add_command(commands, "audit", "check the audit log, or print it", _audit)
    added.add_argument("what", choices=("verify", "show"))
    added.add_argument(
        "config", type=Path, nargs="?", metavar="FILE", help="its data_dir and audit_key are used"
    )
    added.add_argument(
        "--seen",
        metavar="LINE:HEX",
        help="a head that was seen elsewhere: that line must still begin with these digits of its mark",
    )
    add_data_dir(added)


def _actions(parsed: argparse.Namespace) -> int:
    from monitor.deleverage_command import show

    return show(folder_of(parsed), parsed.json)


def _arm(parsed: argparse.Namespace) -> int:
    from monitor.deleverage_command import command

    return command(folder_of(parsed), "arm", author_of(parsed), seconds=parsed.seconds)


def _disarm(parsed: argparse.Namespace) -> int:
    from monitor.deleverage_command import command

    return command(folder_of(parsed), "disarm", author_of(parsed))


def _kill(parsed: argparse.Namespace) -> int:
    from monitor.deleverage_command import kill, release

    if parsed.release:
        return release(folder_of(parsed), author_of(parsed))
    return kill(folder_of(parsed), author_of(parsed), parsed.reason)


def _confirm(parsed: argparse.Namespace) -> int:
    from monitor.deleverage_command import confirm

    return confirm(folder_of(parsed), parsed.token, author_of(parsed))


def _audit(parsed: argparse.Namespace) -> int:
    from monitor.audit_command import show, verify
    from monitor.config_load import load_audit

    folder, key = folder_of(parsed), None
    if parsed.config is not None:
        folder, key = load_audit(parsed.config)
    return verify(folder, key, parsed.seen) if parsed.what == "verify" else show(folder, key)
