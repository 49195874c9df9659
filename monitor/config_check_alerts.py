"""What must hold between the keys of receivers and routes: that each alert has somebody who is told."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec

from monitor import config_slack, secrets
from monitor.config import RATIO_LEVELS, Account, Commands, Heartbeat, Receiver, Route, Secret
from monitor.config_check import Entry, Known, check_names, id_of, refuse_repeats
from monitor.config_problem import Findings, key_at, shown, suggestion
from monitor.config_read import keys_of
from monitor.config_rules import is_loopback, is_receiver_url

LEAST_SECRET = 32  # characters of the secret that marks commands
SIGNING_PREFIX = "whsec_"
SIGNING_BYTES = (24, 64)  # Standard Webhooks 1.0.0, "Signature scheme", 2026-01
KEYS_OF_KIND = {
    "terminal": (),
    "webhook": ("url", "secret", "secret_previous", "allow_private_destinations"),
    "slack": ("url", "secret", "channel", *config_slack.KEYS, "allow_private_destinations"),
    "email": (
        "host",
        "port",
        "user",
        "secret",
        "sender",
        "to",
        "starttls",
        "ca_file",
        "allow_private_destinations",
    ),
    "pagerduty": ("secret", "url", "allow_private_destinations"),
    "opsgenie": ("secret", "url", "allow_private_destinations"),
    "alertmanager": ("url", "user", "secret", "allow_private_destinations"),
    "telegram": ("secret", "channel", "url", "allow_private_destinations"),
    "discord": ("secret", "allow_private_destinations"),
    "teams": ("secret", "allow_private_destinations"),
    "apprise": ("secret",),
    "stream": ("url", "channel", "secret"),
}
NEEDED_BY_KIND = {
    "webhook": ("url", "secret"),
    "slack": ("secret", "channel"),
    "email": ("host", "sender", "to"),
    "pagerduty": ("secret",),
    "opsgenie": ("secret",),
    "alertmanager": ("url",),
    "telegram": ("secret", "channel"),
    "discord": ("secret",),
    "teams": ("secret",),
    "apprise": ("secret",),
    "stream": ("url", "channel"),
}


URL_IS_SECRET = ("discord", "teams")  # who knows it may post


def check_receivers(entries: list[Entry[Receiver]], findings: Findings) -> None:
    """Each receiver has what its kind needs and nothing of another kind's."""
    names = [(entry.place, entry.table.get("name")) for entry in entries]
    named = ((place, name) for place, name in names if isinstance(name, str))
    refuse_repeats(named, "is already the receiver", "name", findings)
    for entry in entries:
        kind = entry.table.get("kind")
        if isinstance(kind, str) and kind in KEYS_OF_KIND:
            _refuse_other_kinds(kind, entry, findings)
        if entry.value is not None:
            _check_kind(entry.value, entry.place, findings)


def check_heartbeat(heartbeat: Heartbeat | None, findings: Findings) -> None:
    """Its URL is one that may be posted to; it is not shown."""
    if heartbeat is None or heartbeat.url is None:
        return
    if not _may_be_posted_to(heartbeat.url, heartbeat.allow_private_destinations):
        findings.problem("heartbeat.url", 'what its place holds must be "https://HOST/PATH"')


def check_commands(commands: Commands | None, findings: Findings) -> None:
    """Its secret can't be guessed."""
    if commands is not None and commands.secret is not None and len(commands.secret.reveal()) < LEAST_SECRET:
        text = f"({commands.secret.source}) is too short: at least {LEAST_SECRET} characters"
        findings.problem("commands.secret", f"{text}, e.g. of `openssl rand -base64 32`")


def _refuse_other_kinds(kind: str, entry: Entry[Receiver], findings: Findings) -> None:
    mine = {"name", "kind", *KEYS_OF_KIND[kind]}
    for field in msgspec.structs.fields(Receiver):
        if field.name in mine:
            continue
        for key in (field.name, *secrets.keys_of(field.name)):
            if key in entry.table and key in keys_of(Receiver):
                text = (
                    f"is not for {kind}; its keys are {', '.join(KEYS_OF_KIND[kind]) or 'name and kind only'}"
                )
                findings.problem(key_at(entry.place, key), text)


def _check_kind(receiver: Receiver, place: str, findings: Findings) -> None:
    for name in NEEDED_BY_KIND.get(receiver.kind, ()):
        if not getattr(receiver, name):
            wanted = f"{name}_file, {name}_env or {name}_credential" if name == "secret" else f"{name} = ..."
            findings.problem(key_at(place, name), f"is missing: {receiver.kind} needs {wanted}")
    _check_scheme(receiver, place, findings)
    if (
        receiver.url is not None
        and receiver.url.startswith("http:")
        and not receiver.allow_private_destinations
    ):
        findings.problem(
            key_at(place, "url"),
            "must be https; for a receiver inside your own network set allow_private_destinations = true",
        )
    if receiver.kind == "alertmanager" and receiver.user is not None and receiver.secret is None:
        findings.problem(key_at(place, "secret"), "is missing: user is given, and it is the password")
    if receiver.kind in URL_IS_SECRET and receiver.secret is not None:
        _check_secret_url(receiver.secret, place, receiver.allow_private_destinations, findings)
    if receiver.kind == "apprise" and receiver.secret is not None and "://" not in receiver.secret.reveal():
        findings.problem(key_at(place, "secret"), f"({receiver.secret.source}) is no URL of apprise's")
    if receiver.kind == "webhook":
        _check_signing(receiver, place, findings)
    if receiver.kind == "slack":
        config_slack.check_slack(receiver, place, findings)
    if receiver.kind == "email":
        _check_email(receiver, place, findings)


def _may_be_posted_to(url: Secret, allow_private: bool) -> bool:
    text = url.reveal()
    return not is_receiver_url(text) and (allow_private or urlsplit(text).scheme != "http")


def _check_secret_url(secret: Secret, place: str, allow_private: bool, findings: Findings) -> None:
    """A URL that is a secret, and is not shown."""
    if not _may_be_posted_to(secret, allow_private):
        findings.problem(
            key_at(place, "secret"),
            f'({secret.source}) must hold the URL of the webhook, "https://HOST/PATH"',
        )


def _check_scheme(receiver: Receiver, place: str, findings: Findings) -> None:
    """A stream is in Redis, everything else is posted to."""
    if receiver.url is None:
        return
    is_redis = receiver.url.startswith(("redis:", "rediss:", "unix:"))
    if receiver.kind == "stream" and not is_redis:
        findings.problem(
            key_at(place, "url"), 'must be "redis://HOST:PORT/0", "rediss://..." or "unix:///path"'
        )
    if receiver.kind != "stream" and is_redis:
        findings.problem(key_at(place, "url"), 'must be "https://HOST/PATH"')


def _check_signing(receiver: Receiver, place: str, findings: Findings) -> None:
    secret, previous = receiver.secret, receiver.secret_previous
    for key, given in (("secret", secret), ("secret_previous", previous)):
        if given is not None and not is_signing_secret(given):
            findings.problem(
                key_at(place, key),
                f"({given.source}) is no signing secret: {SIGNING_PREFIX} and {SIGNING_BYTES[0]} "
                f"to {SIGNING_BYTES[1]} bytes in base64",
            )
    if secret is not None and previous is not None and secret.reveal() == previous.reveal():
        findings.problem(
            key_at(place, "secret_previous"),
            "is the same as secret: give the new one as secret, or remove this",
        )


def _check_email(receiver: Receiver, place: str, findings: Findings) -> None:
    if (receiver.user is None) != (receiver.secret is None):
        given, lacking = ("secret", "user") if receiver.user is None else ("user", "secret")
        findings.problem(
            key_at(place, lacking), f"is missing: {given} is given, and the server wants both or none"
        )
    if not receiver.starttls and receiver.host is not None and not is_loopback(receiver.host):
        findings.problem(
            key_at(place, "starttls"), "may be false only for a host on this machine: messages name positions"
        )


def is_signing_secret(secret: Secret) -> bool:
    """Whether a secret has the form that Standard Webhooks gives it."""
    text = secret.reveal()
    try:
        content = base64.b64decode(text.removeprefix(SIGNING_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return False
    return text.startswith(SIGNING_PREFIX) and SIGNING_BYTES[0] <= len(content) <= SIGNING_BYTES[1]


def check_routes(
    entries: list[Entry[Route]],
    accounts: list[Entry[Account]],
    receivers: list[Entry[Receiver]],
    known: Known,
    named_elsewhere: set[str],
    findings: Findings,
) -> None:
    """Each route can be reached, each receiver is used, and each account has somebody who is told."""
    for entry in entries:
        check_names(entry.table, entry.place, known, findings)
        for index, name in _names_in(entry.table):
            if name not in known.receivers:
                text = f"no receiver is called {shown(name)}; {suggestion(name, known.receivers)}"
                findings.problem(f"{key_at(entry.place, 'receivers')}[{index}]", text)
    used = named_elsewhere | {name for entry in entries for _, name in _names_in(entry.table)}
    for receiver in receivers:
        own_name = receiver.table.get("name")
        if entries and isinstance(own_name, str) and own_name not in used:
            findings.problem(receiver.place, "no route uses it: name it in a route's receivers, or remove it")
    routes = [(entry.place, entry.value) for entry in entries if entry.value is not None]
    _refuse_last_words(routes, receivers, findings)
    _refuse_unreachable(routes, findings)
    if len(routes) == len(entries) and entries:
        _refuse_untold(accounts, [route for _, route in routes], findings)
        _warn_idle(accounts, routes, findings)


def _names_in(table: dict[str, Any]) -> Iterator[tuple[int, str]]:
    names = table.get("receivers")
    for index, name in enumerate(names if isinstance(names, list) else ()):
        if isinstance(name, str):
            yield index, name


def _refuse_last_words(
    routes: list[tuple[str, Route]], receivers: list[Entry[Receiver]], findings: Findings
) -> None:
    terminals = [entry.table.get("name") for entry in receivers if entry.table.get("kind") == "terminal"]
    for place, route in routes:
        for name in route.receivers[:-1]:
            if name in terminals:
                findings.problem(
                    key_at(place, "receivers"),
                    f"{shown(name)} is a terminal and never fails, so those after it would never be told: "
                    "put it last, or into a route of its own with continue = true",
                )


def _refuse_unreachable(routes: list[tuple[str, Route]], findings: Findings) -> None:
    for index, (place, route) in enumerate(routes):
        for earlier_place, earlier in routes[:index]:
            if not earlier.continue_ and _covers(earlier, route):
                findings.problem(
                    place,
                    f"is never reached: {earlier_place} takes all of it; "
                    "put the narrower route first, or give the earlier one continue = true",
                )
                break


def _covers(earlier: Route, later: Route) -> bool:
    matches = ((earlier.desk, later.desk), (earlier.account, later.account), (earlier.venue, later.venue))
    lower = RATIO_LEVELS.index(earlier.minimum) <= RATIO_LEVELS.index(later.minimum)
    return lower and all(wide is None or wide == narrow for wide, narrow in matches)


def _refuse_untold(accounts: list[Entry[Account]], routes: list[Route], findings: Findings) -> None:
    for entry in accounts:
        if entry.value is None:
            continue
        lowest = min(
            (RATIO_LEVELS.index(r.minimum) for r in routes if route_takes(r, entry.value)), default=None
        )
        if lowest is None:
            findings.problem(
                entry.place,
                "no route takes its alerts: add a [[routes]] without desk, account and venue at the end",
            )
        elif lowest > 0:
            levels = " and ".join(RATIO_LEVELS[:lowest])
            findings.warn(
                entry.place, f"nobody is told of {levels}: its routes begin at {RATIO_LEVELS[lowest]}"
            )


def _warn_idle(accounts: list[Entry[Account]], routes: list[tuple[str, Route]], findings: Findings) -> None:
    read = [entry.value for entry in accounts if entry.value is not None]
    for place, route in routes:
        if len(read) == len(accounts) and not any(route_takes(route, account) for account in read):
            findings.warn(place, "matches no account of this config")


def route_takes(route: Route, account: Account) -> bool:
    """Whether a route matches an account, whatever the level."""
    return (
        route.desk in (None, account.desk)
        and route.venue in (None, account.venue)
        and route.account in (None, id_of(account))
    )
