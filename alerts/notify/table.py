"""Every channel by its name in the config. One line a channel."""

from __future__ import annotations

from collections.abc import Callable

from alerts.notify.destination import ForbiddenDestination
from alerts.notify.email import EmailNotifier, Login
from alerts.notify.notifier import Notifier
from alerts.notify.slack import SlackNotifier
from alerts.notify.terminal import TerminalNotifier
from alerts.notify.webhook import WebhookNotifier
from monitor.config import Receiver
from monitor.config_check_alerts import is_signing_secret


def notifier_for(receiver: Receiver) -> Notifier:
    """The channel of a receiver; ValueError names the key that is missing or wrong."""
    make = NOTIFIERS.get(receiver.kind)
    if make is None:
        raise ValueError(f"{_key(receiver, 'kind')}: {receiver.kind!r} is none of {', '.join(NOTIFIERS)}")
    return make(receiver)


def _terminal(receiver: Receiver) -> Notifier:
    return TerminalNotifier(receiver.name)


def _webhook(receiver: Receiver) -> Notifier:
    if receiver.url is None:
        raise _missing(receiver, "url")
    if receiver.secret is None:
        raise _missing(receiver, "secret")
    if not is_signing_secret(receiver.secret):
        raise ValueError(f"{_key(receiver, 'secret')}: is no signing secret, whsec_ and base64")
    private = receiver.allow_private_destinations
    try:
        return WebhookNotifier(
            receiver.name, receiver.url, receiver.secret, allow_private_destinations=private
        )
    except ForbiddenDestination as error:
        raise ValueError(f"{_key(receiver, 'url')}: {error}") from error


def _slack(receiver: Receiver) -> Notifier:
    if receiver.secret is None:
        raise _missing(receiver, "secret")
    if receiver.channel is None:
        raise _missing(receiver, "channel")
    try:
        return SlackNotifier(
            receiver.name,
            receiver.secret,
            receiver.channel,
            url=receiver.url,
            allow_private_destinations=receiver.allow_private_destinations,
        )
    except ForbiddenDestination as error:
        raise ValueError(f"{_key(receiver, 'url')}: {error}") from error


def _email(receiver: Receiver) -> Notifier:
    if receiver.host is None:
        raise _missing(receiver, "host")
    if receiver.sender is None:
        raise _missing(receiver, "sender")
    if not receiver.to:
        raise _missing(receiver, "to")
    login = _login(receiver)
    try:
        return EmailNotifier(
            receiver.name,
            receiver.host,
            receiver.port,
            receiver.sender,
            receiver.to,
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
    if receiver.user is None:
        raise _missing(receiver, "user")
    if receiver.secret is None:
        raise _missing(receiver, "secret")
    return Login(receiver.user, receiver.secret)


def _key(receiver: Receiver, field: str) -> str:
    return f"receivers[{receiver.name}].{field}"


def _missing(receiver: Receiver, field: str) -> ValueError:
    return ValueError(f"{_key(receiver, field)}: is missing, {receiver.kind} needs it")


NOTIFIERS: dict[str, Callable[[Receiver], Notifier]] = {
    "terminal": _terminal,
    "webhook": _webhook,
    "slack": _slack,
    "email": _email,
}
