"""What a Slack receiver that listens needs: who may press, and which way it comes."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from monitor.config import Receiver
from monitor.config_problem import Findings, key_at, shown

USER = re.compile(r"[UW][A-Z0-9]{1,40}")
MOST_USERS = 200
KEYS = ("users", "app_secret", "signing_secret", "listen")
BOT_TOKEN, APP_TOKEN = "xoxb-", "xapp-"


def are_slack_users(users: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    """Ids, not names: a name can be taken by somebody else."""
    if len(users) > MOST_USERS:
        yield "", f"has {len(users)} entries: at most {MOST_USERS}"
    for index, user in enumerate(users):
        if not USER.fullmatch(user):
            yield f"[{index}]", f"{shown(user)} is no user id of Slack: U or W and capitals, U012AB3CD"


def is_listen_address(text: str) -> str:
    """An address that only this machine reaches; the desk's proxy stands in front."""
    try:
        address_of(text)
    except ValueError as error:
        return str(error)
    return ""


def address_of(text: str) -> tuple[str, int]:
    """Host and port; ValueError says what would be right."""
    host, _, port = text.rpartition(":")
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else -1
    try:
        is_here = ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        is_here = False
    if not is_here or not 0 <= number <= 65_535:
        raise ValueError(f'{shown(text)} is no loopback address with a port: write "127.0.0.1:9465"')
    return host.strip("[]"), number


def check_slack(receiver: Receiver, place: str, findings: Findings) -> None:
    """Either way needs users; both ways at once are one too many."""
    socket, signed = receiver.app_secret is not None, receiver.signing_secret is not None
    if socket and (signed or receiver.listen is not None):
        findings.problem(
            key_at(place, "app_secret"),
            "opens a socket to Slack, signing_secret and listen wait for requests: keep one way",
        )
    elif signed != (receiver.listen is not None):
        lacking = "listen" if signed else "signing_secret"
        findings.problem(key_at(place, lacking), "is missing: signing_secret and listen are given together")
    hears = socket or signed
    if hears and not receiver.users:
        findings.problem(
            key_at(place, "users"), 'is missing: who may press the buttons, users = ["U012AB3CD"]'
        )
    if receiver.users and not (hears or receiver.listen is not None):
        findings.problem(
            key_at(place, "users"),
            "has no effect without app_secret, or signing_secret and listen: nothing hears what they press",
        )
    if receiver.app_secret is not None and not receiver.app_secret.reveal().startswith(APP_TOKEN):
        findings.problem(
            key_at(place, "app_secret"), f"({receiver.app_secret.source}) is no app token: {APP_TOKEN}..."
        )
