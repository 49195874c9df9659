"""A mail of ours, header by header.

The Message-ID is made from the notification id, so that a mail program shows a repeated attempt once. What
belongs to one incident is one thread: every mail of it refers to the same root, which is no mail itself and
is made from the incident alone, so that nothing has to be remembered; and the subject is the same, because
Gmail asks for that too. How bad it is are the first words of the body, which lists of mails show as well.

Python before 3.11.15, 3.12.13 and 3.13.12 lets an encoded word smuggle a line break into a header
(CVE-2024-6923, CVE-2026-1299), so that none is let near one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY

from alerts.alert import Notification
from alerts.message import headline, lines
from alerts.wording import plain, pool_parts

SUBJECT_LIMIT = 200
PICTURE = "margin-ratio"


def lines_of(notification: Notification) -> tuple[str, ...]:
    """What the mail of one notification says, its headline first."""
    return (headline(notification), "", *lines(notification))


def subject_of(notification: Notification) -> str:
    """The same for all mails of an incident."""
    condition = notification.key.condition.value.replace("_", " ")
    pool = pool_parts(notification.key.pool).id
    return f"margind: incident {notification.incident:,}, {condition}, {pool}"


def root_of(notification: Notification) -> str:
    """What all mails of an incident refer to, without the domain."""
    key = notification.key
    text = f"{key.pool}|{key.condition.value}|{notification.incident}"
    return f"thread_{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:32]}"


def message_of(
    told: Sequence[str],
    id_: str,
    sender: str,
    to: tuple[str, ...],
    subject: str | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> EmailMessage:
    """The mail of these lines: plain text, and headers that no foreign text can break out of."""
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = sender
    message["To"] = ", ".join(to)
    message["Subject"] = header_text(subject or told[0])
    message["Date"] = now()
    message["Message-ID"] = f"<{id_}@{_domain(sender)}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n".join(told), cte="quoted-printable")
    return message


def threaded(message: EmailMessage, root: str, sender: str) -> EmailMessage:
    """The same, below the root of its incident."""
    message["In-Reply-To"] = message["References"] = f"<{root}@{_domain(sender)}>"
    return message


def shown(message: EmailMessage, html: str, picture: bytes | None) -> EmailMessage:
    """The same with its HTML beside the text, and the picture inside of that."""
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    if picture is not None:
        body = message.get_body(("html",))
        assert isinstance(body, EmailMessage)
        body.add_related(
            picture,
            "image",
            "png",
            cid=f"<{PICTURE}>",
            disposition="inline",
            filename="margin-ratio.png",
        )
    return message


def header_text(text: str) -> str:
    """`text` on one line, with nothing that a mail program would take for an encoded word (RFC 2047)."""
    return plain(text, SUBJECT_LIMIT).replace("=?", "= ?").replace("?=", "? =")


def _domain(sender: str) -> str:
    return sender.rpartition("@")[2]
