"""Mail over SMTP, encrypted by STARTTLS with a checked certificate. Addresses come from the config only.

The picture and the HTML are best effort: what takes too long or fails costs them, never the mail.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import ssl
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from typing import NamedTuple

import numpy as np
import structlog
from aiosmtplib import SMTP, SMTPException, SMTPRecipientsRefused, SMTPResponseException

from alerts.aids import Aids
from alerts.alert import Notification
from alerts.digest import digest_id, digest_lines
from alerts.notify.answers import ATTEMPT_S
from alerts.notify.faults import RENDER_FAULTS
from alerts.notify.mail_chart import is_worth, png_of, with_now
from alerts.notify.mail_html import html_of
from alerts.notify.mail_message import (
    PICTURE,
    lines_of,
    message_of,
    root_of,
    shown,
    subject_of,
    threaded,
)
from alerts.notify.notifier import Delivered, Outcome, Rejected, Retry
from alerts.trend import Hour
from monitor.config import Secret
from monitor.config_rules import is_loopback, is_mail_address
from monitor.domain.assessment import RiskBand

log = structlog.get_logger()
DRAW_S = 1.0  # past it the mail goes out without a picture
EMPTY_HOUR = Hour(np.zeros(0), np.zeros(0, dtype=np.float32))
STEP_S = 3.0  # one command and its answer
GOODBYE_S = 0.5
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
        self._aids: Aids | None = None
        self._drawing = ThreadPoolExecutor(1, f"draws-{name}")
        self._tls = ssl.create_default_context(cafile=ca_file) if starttls else None

    def aid(self, aids: Aids) -> None:
        """Takes what a picture is drawn from."""
        self._aids = aids

    async def notify(self, notification: Notification) -> Outcome:
        """One conversation of at most five seconds. SMTP says not how long to wait: no delay is told."""
        told, id_ = lines_of(notification), notification.id
        message = message_of(told, id_, self._sender, self._to, subject_of(notification))
        threaded(message, root_of(notification), self._sender)
        picture = await self._picture(notification)
        return await self._mail(self._with_html(message, notification, picture))

    async def digest(self, notifications: Sequence[Notification]) -> Outcome:
        """The same of many."""
        told, id_ = digest_lines(notifications), digest_id(notifications)
        return await self._mail(message_of(told, id_, self._sender, self._to))

    async def listen(self) -> None:
        """Loads what draws, so that no page has to wait for that; nothing else to do."""
        await asyncio.get_running_loop().run_in_executor(self._drawing, png_of, EMPTY_HOUR, ())

    def _with_html(
        self, message: EmailMessage, notification: Notification, picture: bytes | None
    ) -> EmailMessage:
        """With the plain text alone where anything about it fails."""
        bare = copy.deepcopy(message)
        try:
            html = html_of(notification, PICTURE if picture is not None else None)
            return shown(message, html, picture)
        except RENDER_FAULTS as error:
            self._count_plainer("html", error)
            return bare

    async def _picture(self, notification: Notification) -> bytes | None:
        """The last hour of the pool, drawn in a thread; None where there is none, or it takes too long."""
        aids, assessment = self._aids, notification.assessment
        if aids is None or assessment is None or notification.others:
            return None
        try:
            hour = aids.trend.hour(notification.key.pool, aids.clock.monotonic_ns())
            if hour is None or not is_worth(hour):
                return None
            is_told = assessment.band is not RiskBand.UNKNOWN
            hour = with_now(hour, assessment.margin_ratio if is_told else None)
            async with asyncio.timeout(DRAW_S):
                levels = aids.levels(assessment)
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._drawing, png_of, hour, levels)
        except (TimeoutError, *RENDER_FAULTS) as error:
            self._count_plainer("picture", error)
            return None

    def _count_plainer(self, what: str, error: Exception) -> None:
        log.warning("mail_goes_out_plainer", receiver=self.name, without=what, error=type(error).__name__)
        if self._aids is not None:
            self._aids.metrics.render_fallback.labels(self.name, what).inc()

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
        """Nothing is held between two mails but the thread that draws."""
        self._drawing.shutdown(wait=False, cancel_futures=True)

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
