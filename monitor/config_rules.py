"""What one key may hold: a table of rules, each answering with advice. `config_check` joins several keys."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from monitor.config import (
    Account,
    Alerts,
    Daemon,
    Heartbeat,
    Metrics,
    Receiver,
    Route,
    Store,
    Threshold,
)
from monitor.config_history import History
from monitor.config_names import ENVIRONMENTS, LEVEL_NAMES, RECEIVER_KINDS, VENUE_NAMES, VENUES, venue_facts
from monitor.config_problem import shown, suggestion
from monitor.config_read import Rule
from monitor.config_rules_levels import LEVEL_RULES
from monitor.config_slack import are_slack_users, is_listen_address
from monitor.domain.identity import PART
from monitor.store_url import SCHEME, SHAPE, BadStoreUrl, watched

HYPERLIQUID_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
PRIVATE_KEY = re.compile(r"(?<![0-9a-fA-F])(0x)?[0-9a-fA-F]{64}(?![0-9a-fA-F])")
MAIL_ADDRESS = re.compile(r"[^\s@<>\",;:\\()\[\]]{1,64}@[A-Za-z0-9.-]{1,253}")
LOOPBACK_NAMES = ("localhost",)


def is_name(text: str) -> str:
    """A part of an id."""
    if PART.fullmatch(text):
        return ""
    return f"{shown(text)} is no name: up to 64 letters, digits and . _ : @ + -, a letter or digit first"


def is_venue(text: str) -> str:
    """A venue that margind knows, or any other through ccxt."""
    if venue_facts(text) is not None:
        return ""
    known = f"known: {', '.join(VENUE_NAMES)}"
    return f"unknown venue {shown(text)}; {suggestion(text, VENUES, otherwise=known)}"


def one_of(*names: str) -> Rule:
    """One word of a list."""

    def rule(text: str) -> str:
        listed = f"one of {', '.join(names)}"
        advice = f"{shown(text)} is not known here; {suggestion(text, names, otherwise=listed)}"
        return "" if text in names else advice

    return rule


def within(least: float, most: float, unit: str = "") -> Rule:
    """A number in a range, ends included."""

    def rule(value: float) -> str:
        advice = f"{_figure(value)} is out of range: from {least:g} to {most:g}{unit and ' ' + unit}"
        return "" if least <= value <= most else advice

    return rule


def _figure(value: float) -> str:
    try:
        return f"{value:g}"
    except OverflowError:  # whole numbers have no bound in TOML
        return "a number of that size"


def fraction(most: float) -> Rule:
    """A fraction above 0; a per cent figure is recognised and turned into what was meant."""

    def rule(value: float) -> str:
        if 0 < value <= most:
            return ""
        if 1 <= value <= 100 * most:
            return f"{value:g} looks like per cent; this is a fraction: write {value / 100:g}"
        return f"{value:g} is out of range: above 0, at most {most:g}"

    return rule


def is_address(text: str) -> str:
    """An address of Hyperliquid. What may be a private key is told elsewhere, without showing it."""
    is_right = HYPERLIQUID_ADDRESS.fullmatch(text) or PRIVATE_KEY.search(text)
    return "" if is_right else "is no address: 0x and 40 hexadecimal digits, 0x1234...cdef"


def is_text(most: int) -> Rule:
    """A text that fits on one line."""
    return lambda text: _text_mistake(text, most)


def _text_mistake(text: str, most: int) -> str:
    is_right = 0 < len(text) <= most and text.isprintable()
    return "" if is_right else f"must be 1 to {most} printable characters"


def are_labels(labels: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """Words of the desk's own beside an account."""
    for key, value in labels.items():
        if advice := is_name(key) or _text_mistake(value, 200):
            yield key, advice


def are_endpoints(endpoints: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """Overrides of a venue's URLs: on this machine only, so that no key leaves for somebody else's server."""
    for key, value in endpoints.items():
        url = _split(value)
        if url is None or url.scheme not in ("http", "https", "ws", "wss") or not is_loopback(url.host):
            yield key, "must be the loopback exchange on this machine, http://127.0.0.1:PORT or ws://..."


def is_store_url(text: str) -> str:
    """Where Redis is; its password is not part of it."""
    if text.startswith(SCHEME):
        return _sentinel_mistake(text)
    url = _split(text)
    if (
        url is None
        or url.scheme not in ("redis", "rediss", "unix")
        or bool(url.host) == (url.scheme == "unix")
    ):
        return (
            'must be "redis://HOST:PORT/0", "rediss://..." (TLS), "unix:///path" or '
            f'"{SHAPE}"; leave it out for our own'
        )
    if url.has_user or "password=" in text:
        return "holds a user or password: write password_file, password_env or password_credential"
    return ""


def _sentinel_mistake(text: str) -> str:
    try:
        watched(text)
    except BadStoreUrl as fault:
        return str(fault)
    if "@" in text or "password=" in text:
        return "holds a user or password: write password_file, password_env or password_credential"
    return ""


def is_receiver_url(text: str) -> str:
    """Where a message is posted."""
    url = _split(text)
    if url is None or url.scheme not in ("http", "https") or not url.host:
        return 'must be "https://HOST/PATH"'
    return "holds a user or password: messages are signed with the secret instead" if url.has_user else ""


def is_any_url(text: str) -> str:
    """Where a message is posted, or for a stream which Redis; `config_check_alerts` knows which it is for."""
    return is_store_url(text) if text.startswith(("redis:", "rediss:", "unix:")) else is_receiver_url(text)


def is_loopback_host(text: str) -> str:
    """An address that only this machine reaches: the page has no password."""
    advice = f"{shown(text)} is not loopback, and metrics have no password: write 127.0.0.1, a proxy in front"
    return "" if is_loopback(text) else advice


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK_NAMES


def is_mail_address(text: str) -> str:
    """A bare address; a display name could carry more than a name."""
    advice = f"{shown(text)} is no mail address: name@example.com, without a display name"
    return "" if MAIL_ADDRESS.fullmatch(text) else advice


def are_mail_addresses(texts: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    """The list of those who are told."""
    for index, text in enumerate(texts):
        if advice := is_mail_address(text):
            yield f"[{index}]", advice


def are_receivers(names: tuple[str, ...]) -> str:
    """An ordered list without repeats."""
    if not names:
        return 'is empty: name at least one receiver, receivers = ["ops"]'
    repeated = [name for name in names if names.count(name) > 1]
    return f"names {shown(repeated[0])} more than once" if repeated else ""


class _Url(NamedTuple):
    scheme: str
    host: str
    has_user: bool


def _split(text: str) -> _Url | None:
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises when it is none
    except ValueError:
        return None
    return _Url(parts.scheme, parts.hostname or "", parts.username is not None or parts.password is not None)


RULES: dict[tuple[type, str], Rule] = {
    (Daemon, "data_dir"): is_text(4096),
    (Daemon, "shard"): is_name,
    (Daemon, "margin_error_limit"): fraction(1.0),
    (Daemon, "implausible_index_gap"): fraction(0.5),
    (Store, "url"): is_store_url,
    (Store, "flush_ms"): within(10, 10_000, "milliseconds"),
    (Account, "name"): is_name,
    (Account, "venue"): is_venue,
    (Account, "desk"): is_name,
    (Account, "environment"): one_of(*ENVIRONMENTS),
    (Account, "address"): is_address,
    (Account, "subaccount"): is_text(200),
    (Account, "endpoints"): are_endpoints,
    (Account, "labels"): are_labels,
    **LEVEL_RULES,
    (Threshold, "hysteresis"): fraction(0.5),
    (Threshold, "hysteresis_volatilities"): within(0.1, 10),
    (Receiver, "name"): is_name,
    (Receiver, "kind"): one_of(*RECEIVER_KINDS),
    (Receiver, "url"): is_any_url,
    (Receiver, "channel"): is_text(200),
    (Receiver, "users"): are_slack_users,
    (Receiver, "listen"): is_listen_address,
    (Receiver, "host"): is_text(253),
    (Receiver, "port"): within(1, 65_535),
    (Receiver, "user"): is_text(320),
    (Receiver, "sender"): is_mail_address,
    (Receiver, "to"): are_mail_addresses,
    (Receiver, "ca_file"): is_text(4096),
    (Route, "receivers"): are_receivers,
    (Route, "minimum"): one_of(*LEVEL_NAMES),
    (Route, "venue"): is_venue,
    (Alerts, "resolve_after_s"): within(0, 3_600, "seconds"),
    (Alerts, "repeat_after_s"): within(60, 7 * 86_400, "seconds"),
    (Alerts, "fall_through_after_s"): within(0.1, 10, "seconds"),
    (Alerts, "unknown_after_s"): within(0.1, 300, "seconds"),
    (Alerts, "silence_longest_s"): within(60, 30 * 86_400, "seconds"),
    (Alerts, "page_budget"): within(0, 3_600, "messages an hour"),
    (Alerts, "digest_every_s"): within(5, 3_600, "seconds"),
    (Heartbeat, "every_s"): within(5, 3_600, "seconds"),
    (History, "keep_days"): within(0.01, 3_650, "days"),
    (History, "most_mb"): within(1, 1_000_000, "megabytes"),
    (Metrics, "host"): is_loopback_host,
    (Metrics, "port"): within(0, 65_535),
}
