"""Every channel by its name in the config. One line a channel."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TypeVar

from alerts.notify.alertmanager import AlertmanagerNotifier
from alerts.notify.apprise import AppriseNotifier
from alerts.notify.destination import ForbiddenDestination
from alerts.notify.discord import DiscordNotifier
from alerts.notify.email import EmailNotifier, Login
from alerts.notify.notifier import Notifier
from alerts.notify.opsgenie import OpsgenieNotifier
from alerts.notify.pagerduty import PagerDutyNotifier
from alerts.notify.slack import SlackNotifier
from alerts.notify.slack_hearing import Hearing
from alerts.notify.stream import StreamNotifier
from alerts.notify.teams import TeamsNotifier
from alerts.notify.telegram import TelegramNotifier
from alerts.notify.terminal import TerminalNotifier
from alerts.notify.webhook import WebhookNotifier
from monitor.config import Receiver
from monitor.config_check_alerts import is_signing_secret

T = TypeVar("T")


def notifier_for(receiver: Receiver) -> Notifier:
    """The channel of a receiver; ValueError names the key that is missing or wrong."""
    make = NOTIFIERS.get(receiver.kind)
    if make is None:
        raise ValueError(f"{_key(receiver, 'kind')}: {receiver.kind!r} is none of {', '.join(NOTIFIERS)}")
    return make(receiver)


def _terminal(receiver: Receiver) -> Notifier:
    return TerminalNotifier(receiver.name)


def _webhook(receiver: Receiver) -> Notifier:
    for key, secret in (("secret", receiver.secret), ("secret_previous", receiver.secret_previous)):
        if secret is not None and not is_signing_secret(secret):
            raise ValueError(f"{_key(receiver, key)}: is no signing secret, whsec_ and base64")
    with _naming_the_url(receiver):
        return WebhookNotifier(
            receiver.name,
            _needed(receiver, "url", receiver.url),
            _needed(receiver, "secret", receiver.secret),
            previous=receiver.secret_previous,
            allow_private_destinations=receiver.allow_private_destinations,
        )


def _slack(receiver: Receiver) -> Notifier:
    with _naming_the_url(receiver):
        return SlackNotifier(
            receiver.name,
            _needed(receiver, "secret", receiver.secret),
            _needed(receiver, "channel", receiver.channel),
            url=receiver.url,
            allow_private_destinations=receiver.allow_private_destinations,
            hears=_hears(receiver),
        )


def _pagerduty(receiver: Receiver) -> Notifier:
    with _naming_the_url(receiver):
        return PagerDutyNotifier(
            receiver.name,
            _needed(receiver, "secret", receiver.secret),
            url=receiver.url,
            allow_private_destinations=receiver.allow_private_destinations,
        )


def _opsgenie(receiver: Receiver) -> Notifier:
    with _naming_the_url(receiver):
        return OpsgenieNotifier(
            receiver.name,
            _needed(receiver, "secret", receiver.secret),
            url=receiver.url,
            allow_private_destinations=receiver.allow_private_destinations,
        )


def _alertmanager(receiver: Receiver) -> Notifier:
    if receiver.user is not None:
        _needed(receiver, "secret", receiver.secret)
    with _naming_the_url(receiver):
        return AlertmanagerNotifier(
            receiver.name,
            _needed(receiver, "url", receiver.url),
            user=receiver.user,
            secret=receiver.secret,
            allow_private_destinations=receiver.allow_private_destinations,
        )


def _hears(receiver: Receiver) -> Hearing | None:
    """How presses come in, where the config tells a way."""
    if receiver.app_secret is None and receiver.signing_secret is None:
        return None
    users = frozenset(_needed(receiver, "users", receiver.users))
    if receiver.app_secret is not None:
        return Hearing(users, app_token=receiver.app_secret)
    listen = _needed(receiver, "listen", receiver.listen)
    return Hearing(users, signing_secret=receiver.signing_secret, listen=listen)


def _telegram(receiver: Receiver) -> Notifier:
    with _naming_the_url(receiver):
        return TelegramNotifier(
            receiver.name,
            _needed(receiver, "secret", receiver.secret),
            _needed(receiver, "channel", receiver.channel),
            url=receiver.url,
            allow_private_destinations=receiver.allow_private_destinations,
        )


def _discord(receiver: Receiver) -> Notifier:
    with _naming_the_url(receiver, "secret"):
        url = _needed(receiver, "secret", receiver.secret)
        allow_private = receiver.allow_private_destinations
        return DiscordNotifier(receiver.name, url, allow_private_destinations=allow_private)


def _teams(receiver: Receiver) -> Notifier:
    with _naming_the_url(receiver, "secret"):
        url = _needed(receiver, "secret", receiver.secret)
        allow_private = receiver.allow_private_destinations
        return TeamsNotifier(receiver.name, url, allow_private_destinations=allow_private)


def _apprise(receiver: Receiver) -> Notifier:
    url = _needed(receiver, "secret", receiver.secret)
    try:
        return AppriseNotifier(receiver.name, url)
    except ValueError as error:
        raise ValueError(f"{_key(receiver, 'secret')}: {error}") from error


def _stream(receiver: Receiver) -> Notifier:
    url, key = _needed(receiver, "url", receiver.url), _needed(receiver, "channel", receiver.channel)
    return StreamNotifier(receiver.name, url, key, password=receiver.secret)


@contextlib.contextmanager
def _naming_the_url(receiver: Receiver, key: str = "url") -> Iterator[None]:
    try:
        yield
    except ForbiddenDestination as error:
        raise ValueError(f"{_key(receiver, key)}: {error}") from error


def _email(receiver: Receiver) -> Notifier:
    host = _needed(receiver, "host", receiver.host)
    sender = _needed(receiver, "sender", receiver.sender)
    to = _needed(receiver, "to", receiver.to)
    login = _login(receiver)
    try:
        return EmailNotifier(
            receiver.name,
            host,
            receiver.port,
            sender,
            to,
            login=login,
            starttls=receiver.starttls,
            ca_file=receiver.ca_file,
        )
    except OSError as error:  # ssl.SSLError too
        raise ValueError(
            f"{_key(receiver, 'ca_file')}: {error.strerror or 'holds no certificate'}"
        ) from error
    except ValueError as error:
        raise ValueError(f"receivers[{receiver.name}]: {error}") from error


def _login(receiver: Receiver) -> Login | None:
    if receiver.user is None and receiver.secret is None:
        return None
    return Login(_needed(receiver, "user", receiver.user), _needed(receiver, "secret", receiver.secret))


def _needed(receiver: Receiver, field: str, value: T | None) -> T:
    if not value:
        raise ValueError(f"{_key(receiver, field)}: is missing, {receiver.kind} needs it")
    return value


def _key(receiver: Receiver, field: str) -> str:
    return f"receivers[{receiver.name}].{field}"


NOTIFIERS: dict[str, Callable[[Receiver], Notifier]] = {
    "terminal": _terminal,
    "webhook": _webhook,
    "slack": _slack,
    "email": _email,
    "pagerduty": _pagerduty,
    "opsgenie": _opsgenie,
    "alertmanager": _alertmanager,
    "telegram": _telegram,
    "discord": _discord,
    "teams": _teams,
    "apprise": _apprise,
    "stream": _stream,
}
