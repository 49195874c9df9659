"""Slack, through chat.postMessage of its Web API.

Slack posts a message again when it is sent again: an attempt whose answer was lost may show twice. Both then
hold the notification id, in the text and in the metadata. Escaped is what "Formatting text for app surfaces"
(docs.slack.dev, 2026-01) names, and Slack is told to look for no mention and no link.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from alerts.alert import Notification
from alerts.digest import digest_id, digest_lines
from alerts.message import headline, lines
from alerts.notify.answers import ATTEMPT_S, outcome_of, outcome_of_failure
from alerts.notify.destination import checked_url, open_session
from alerts.notify.notifier import Delivered, Outcome, Rejected, Retry
from monitor.config import Secret

API = "https://slack.com/api/"
TEXT_LIMIT = 4000  # characters of `text`, escaped
ROOM_FOR_COUNT = 40
# "1 per second [and channel]. Short bursts >1 allowed": docs.slack.dev, "Rate limits", 2026-11. How short is
# not said; who goes on past it is answered with pauses of many seconds.
EVERY_S = 1.0
BURST = 5
AGAIN = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "message_limit_exceeded",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
    }
)
NOT_SLACKS = "an answer that is not Slack's"  # a proxy's page, say; slack_sdk takes some for a success
ERROR_CODE = re.compile(r"[a-z_]{1,64}")  # of anything else an answer may hold, nothing is repeated

# slack_sdk writes whole messages to a logger below INFO: positions do not belong in a log.
_quiet = logging.getLogger("margind.slack_sdk")
_quiet.setLevel(logging.WARNING)


class SlackNotifier:
    """Posts text to one channel."""

    every_s = EVERY_S
    burst = BURST
    room = TEXT_LIMIT

    def __init__(
        self,
        name: str,
        token: Secret,
        channel: str,
        *,
        url: str | None = None,
        allow_private_destinations: bool = False,
    ) -> None:
        self.name = name
        self._token = token
        self._channel = channel
        self._url = str(checked_url(url or API, allow_private=allow_private_destinations))
        self._allow_private = allow_private_destinations
        self._session: aiohttp.ClientSession | None = None
        self._client: AsyncWebClient | None = None

    async def notify(self, notification: Notification) -> Outcome:
        """One call of at most five seconds."""
        return await self._post(payload_of(text_of(notification), notification.id, self._channel))

    async def digest(self, notifications: Sequence[Notification]) -> Outcome:
        """The same of many."""
        text = "\n".join(map(escaped, digest_lines(notifications)))
        return await self._post(payload_of(text, digest_id(notifications), self._channel))

    async def _post(self, payload: dict[str, Any]) -> Outcome:
        try:
            async with asyncio.timeout(ATTEMPT_S):
                answer = await self._opened().chat_postMessage(**payload)
        except TimeoutError:
            return Retry(f"no answer within {ATTEMPT_S:g} s")
        except SlackApiError as error:
            return _outcome_of_answer(error.response)
        except (aiohttp.ClientError, OSError) as error:
            return outcome_of_failure(error)
        except (
            SlackClientError,
            AttributeError,
            ValueError,
        ):  # slack_sdk expects an object in JSON and looks no further
            return Retry(NOT_SLACKS)
        return Delivered() if isinstance(answer.data, dict) else Retry(NOT_SLACKS)

    async def close(self) -> None:
        """Closes the connections."""
        self._client = None
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> AsyncWebClient:
        """One client over one session: slack_sdk would open one for each call, at five times the cost."""
        if self._client is None:
            self._session = open_session(allow_private=self._allow_private)
            self._client = AsyncWebClient(
                token=self._token.reveal(),
                base_url=self._url,
                session=self._session,
                retry_handlers=[],  # when to try again is decided by who knows the other receivers
                logger=_quiet,
            )
            self._client.proxy = None  # slack_sdk takes one from the environment, we take none
        return self._client


def _outcome_of_answer(answer: Any) -> Outcome:
    """`answer` is slack_sdk's response, or aiohttp's where the body was no JSON."""
    status: int = answer.status if isinstance(answer, aiohttp.ClientResponse) else answer.status_code
    retry_after = {name.lower(): value for name, value in answer.headers.items()}.get("retry-after")
    code = _code_of(getattr(answer, "data", None))
    if status != 200:
        outcome = outcome_of(status, retry_after)
        return Rejected(f"{outcome.reason} {code}") if isinstance(outcome, Rejected) else outcome
    if code in AGAIN or code == "":
        retry = outcome_of(429, retry_after)
        assert isinstance(retry, Retry)
        return Retry(code or NOT_SLACKS, retry.after_s)
    return Rejected(code)


def _code_of(body: object) -> str:
    code = body.get("error") if isinstance(body, dict) else None
    return code if isinstance(code, str) and ERROR_CODE.fullmatch(code) else ""


def payload_of(text: str, id_: str, channel: str) -> dict[str, Any]:
    """The arguments of chat.postMessage."""
    return {
        "channel": channel,
        "text": text,
        "mrkdwn": False,
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "metadata": {"event_type": "margind_alert", "event_payload": {"id": id_}},
    }


def text_of(notification: Notification, limit: int = TEXT_LIMIT) -> str:
    """Headline and lines, escaped, as many as fit; the rest is counted."""
    told = [escaped(line) for line in (headline(notification), *lines(notification))]
    size, kept = 0, []
    for line in told:
        size += len(line) + 1
        if size > limit - ROOM_FOR_COUNT:
            break
        kept.append(line)
    if len(kept) < len(told):
        kept.append(f"({len(told) - len(kept)} more lines were cut)")
    return "\n".join(kept)


def escaped(text: str) -> str:
    """What Slack shows as `text` and as nothing else."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
