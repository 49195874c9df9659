"""Any other service through apprise, whose URL for it holds its secrets and is one itself.

apprise tells yes or no and writes the rest to its log: a status that is found there decides, else it is tried
again, and the route falls through meanwhile. It blocks, so it runs in threads of its own: a service that
hangs must not take those in which names are looked up. Its connections go where the URL says; their addresses
are not checked as those of other receivers are. Redirects are not followed; what it stores stays in memory.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from alerts.alert import Kind, Level, Notification
from alerts.message import headline, lines
from alerts.notify.answers import ATTEMPT_S, outcome_of
from alerts.notify.fitting import cut, fitted, inert
from alerts.notify.notifier import Delivered, Outcome, Retry
from monitor.config import Secret

BODY_LIMIT, TITLE_LIMIT = 4000, 250  # or less where the service takes less
SMALLEST_LIMIT = 80
THREADS = 4
STATUS = re.compile(r"\berror=(\d{3})\b")
SENT = "the service did not take it"
Send = Callable[..., Any]

# apprise writes URLs and messages there; secrets are masked, positions are not.
_log = logging.getLogger("apprise")
_log.propagate = False
_log.addHandler(logging.NullHandler())
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


class AppriseNotifier:
    """Sends through one URL of apprise's."""

    def __init__(self, name: str, url: Secret) -> None:
        self.name = name
        self._service, self._send = _opened(url)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix=f"apprise-{name}")

    async def notify(self, notification: Notification) -> Outcome:
        """One attempt of at most five seconds; a thread that hangs ends by its own time limits."""
        body = text_of(notification, min(self._service.body_maxlen, BODY_LIMIT))
        title = cut(inert(headline(notification)), title_limit(self._service.title_maxlen))
        sending = functools.partial(
            self._send, body=body, title=title, notify_type=type_of(notification), body_format="text"
        )
        try:
            async with asyncio.timeout(ATTEMPT_S):
                return _outcome(await asyncio.get_running_loop().run_in_executor(self._threads, sending))
        except TimeoutError:
            return Retry(f"no answer within {ATTEMPT_S:g} s")

    async def close(self) -> None:
        """Gives up what has not begun."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _opened(url: Secret) -> tuple[Any, Send]:
    """The service of the URL, and what sends to it; ValueError when apprise knows none."""
    import apprise

    asset = apprise.AppriseAsset(app_id="margind", app_desc="margind", http_redirects=False)
    service = apprise.Apprise.instantiate(url.reveal(), asset=asset, suppress_exceptions=True)
    if service is None:
        raise ValueError("apprise knows no such URL")
    all_of_it = apprise.Apprise(asset=asset)
    all_of_it.add(service)
    return service, all_of_it.notify


def _outcome(result: Any) -> Outcome:
    if result:
        return Delivered()
    told = " ".join(str(getattr(record, "message", "")) for record in result.logs())
    found = STATUS.findall(told)
    outcome = outcome_of(int(found[-1]), None) if found else Retry(SENT)
    return Retry(SENT) if isinstance(outcome, Delivered) else outcome


def type_of(notification: Notification) -> str:
    """apprise's own word for how bad it is."""
    if notification.kind is Kind.RESOLVED:
        return "success"
    return "failure" if notification.level >= Level.CRITICAL else "warning"


def title_limit(title_maxlen: int) -> int:
    """A service without titles has 0; apprise writes the title above the body then."""
    return max(min(title_maxlen or TITLE_LIMIT, TITLE_LIMIT), SMALLEST_LIMIT)


def text_of(notification: Notification, limit: int) -> str:
    """As many lines as fit; the id is in the last of them, so it comes first here."""
    told = (f"id {notification.id}", *lines(notification))
    return "\n".join(fitted(map(inert, told), max(limit, SMALLEST_LIMIT)))
