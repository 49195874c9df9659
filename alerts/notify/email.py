"""Mail over SMTP, encrypted by STARTTLS with a checked certificate.

The Message-ID is made from the notification id, so that a mail program shows a repeated attempt once.
Addresses come from the config only. Python before 3.11.15, 3.12.13 and 3.13.12 lets an encoded word smuggle a
line break into a header (CVE-2024-6923, CVE-2026-1299), so that none is let near one.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from typing import NamedTuple

from aiosmtplib import SMTP, SMTPException, SMTPRecipientsRefused, SMTPResponseException

from alerts.alert import Notification
from alerts.digest import digest_id, digest_lines
from alerts.message import headline, lines
from alerts.notify.answers import ATTEMPT_S
from alerts.notify.notifier import Delivered, Outcome, Rejected, Retry
from alerts.wording import plain
from monitor.config import Secret
from monitor.config_rules import is_loopback, is_mail_address

STEP_S = 3.0  # one command and its answer
GOODBYE_S = 0.5
SUBJECT_LIMIT = 200
# People read these, and servers count them: a storm is a few mails.
EVERY_S, BURST = 1.0, 5
DIGEST_LIMIT = 40_000  # characters
OURSELVES = "[127.0.0.1]"  # RFC 5321, 4.1.4: looking up our own name can take longer than the page has


class Login(NamedTuple):
    """What the server asks for before it takes mail."""

    user: str
    password: Secret


class EmailNotifier:
    """Sends one mail to fixed people. Delivered: the server took it for at least one of them."""

    every_s = EVERY_S
    burst = BURST
    room = DIGEST_LIMIT

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        sender: str,
        to: tuple[str, ...],
        *,
        login: Login | None = None,
        starttls: bool = True,
        ca_file: str | None = None,
    ) -> None:
        if not starttls and not is_loopback(host):
            raise ValueError("starttls may be off only for a host on this machine")
        _check_addresses((sender, *to))
        self.name = name
        self._host, self._port = host, port
        self._sender, self._to = sender, to
        self._login = login
        self._tls = ssl.create_default_context(cafile=ca_file) if starttls else None

    async def notify(self, notification: Notification) -> Outcome:
        """One conversation of at most five seconds. SMTP says not how long to wait: no delay is told."""
        return await self._mail(message_of(lines_of(notification), notification.id, self._sender, self._to))

    async def digest(self, notifications: Sequence[Notification]) -> Outcome:
        """The same of many."""
        told, id_ = digest_lines(notifications), digest_id(notifications)
        return await self._mail(message_of(told, id_, self._sender, self._to))

    async def _mail(self, message: EmailMessage) -> Outcome:
        content = message.as_bytes()
        client = SMTP(
            hostname=self._host,
            port=self._port,
            timeout=STEP_S,
            start_tls=False,  # `_send` does it, so that its absence has a word of its own
            tls_context=self._tls,
            local_hostname=OURSELVES,
        )
        try:
            async with asyncio.timeout(ATTEMPT_S):
                outcome = await self._send(client, content)
            await _say_goodbye(client)
        except SMTPRecipientsRefused as error:
            return _refused([refusal.code for refusal in error.recipients])
        except SMTPResponseException as error:
            return _refused([error.code])
        except TimeoutError:  # aiosmtplib's too
            return Retry(f"no answer within {STEP_S:g} s, or {ATTEMPT_S:g} s in all")
        except (SMTPException, OSError) as error:
            return Retry(f"the connection failed: {type(error).__name__}")
        finally:
            client.close()
        return outcome

    async def close(self) -> None:
        """Nothing is held between two mails."""

    async def _send(self, client: SMTP, content: bytes) -> Outcome:
        await client.connect()
        if self._tls is not None:
            await client.ehlo()
            if not client.supports_extension("starttls"):
                return Rejected("the server offers no STARTTLS, and messages name positions")
            await client.starttls()
        if self._login is not None:
            await client.login(self._login.user, self._login.password.reveal())
        await client.sendmail(self._sender, list(self._to), content)
        return Delivered()


def _check_addresses(addresses: tuple[str, ...]) -> None:
    for address in addresses:
        advice = is_mail_address(address)
        if advice:
            raise ValueError(advice)
        if not (address.isascii() and address.isprintable()):
            raise ValueError(f"{address!a} is no mail address that every server takes: ASCII only")


async def _say_goodbye(client: SMTP) -> None:
    """The mail is accepted: whatever becomes of the goodbye, it is not sent again."""
    with contextlib.suppress(SMTPException, OSError):
        await client.quit(timeout=GOODBYE_S)


def _refused(codes: list[int]) -> Outcome:
    """5xx is for good; 4xx (a greylist says 451) and what is no SMTP for now. No words are repeated."""
    told = sorted({code for code in codes if 100 <= code < 600})
    words = f"SMTP {', '.join(map(str, told))}" if told else "an answer that is not SMTP"
    return Rejected(words) if min(codes) >= 500 else Retry(words)


def lines_of(notification: Notification) -> tuple[str, ...]:
    """What the mail of one notification says, its subject first."""
    return (headline(notification), "", *lines(notification))


def message_of(
    told: Sequence[str],
    id_: str,
    sender: str,
    to: tuple[str, ...],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> EmailMessage:
    """The mail of these lines: plain text, and headers that no foreign text can break out of."""
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = sender
    message["To"] = ", ".join(to)
    message["Subject"] = header_text(told[0])
    message["Date"] = now()
    message["Message-ID"] = f"<{id_}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n".join(told), cte="quoted-printable")
    return message


def header_text(text: str) -> str:
    """`text` on one line, with nothing that a mail program would take for an encoded word (RFC 2047)."""
    return plain(text, SUBJECT_LIMIT).replace("=?", "= ?").replace("?=", "? =")
