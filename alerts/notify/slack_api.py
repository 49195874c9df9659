"""Calls of Slack's Web API, and what its answers mean."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from alerts.notify.answers import ATTEMPT_S, outcome_of, outcome_of_failure
from alerts.notify.destination import checked_url, open_session
from alerts.notify.notifier import Delivered, Outcome, Rejected, Retry
from monitor.config import Secret

API = "https://slack.com/api/"
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

# slack_sdk writes whole messages to a logger below INFO, and URLs with tickets when a socket fails: positions
# and secrets do not belong in a log.
quiet = logging.getLogger("margind.slack_sdk")
quiet.setLevel(logging.CRITICAL)


class SlackApi:
    """One token at one base URL."""

    def __init__(self, token: Secret, url: str | None, *, allow_private: bool) -> None:
        self._token = token
        self.url = str(checked_url(url or API, allow_private=allow_private))
        self.allow_private = allow_private
        self._session: aiohttp.ClientSession | None = None
        self._client: AsyncWebClient | None = None

    async def call(self, method: str, payload: dict[str, Any]) -> tuple[Outcome, object]:
        """One call of at most five seconds: what became of it, and the answer where Slack took it."""
        try:
            async with asyncio.timeout(ATTEMPT_S):
                answer = await self._opened().api_call(method, json=payload)
        except TimeoutError:
            return Retry(f"no answer within {ATTEMPT_S:g} s"), None
        except SlackApiError as error:
            return _outcome_of_answer(error.response), None
        except (aiohttp.ClientError, OSError) as error:
            return outcome_of_failure(error), None
        except (
            SlackClientError,
            AttributeError,
            ValueError,
        ):  # slack_sdk expects an object in JSON and looks no further
            return Retry(NOT_SLACKS), None
        if not isinstance(answer.data, dict):
            return Retry(NOT_SLACKS), None
        return Delivered(), answer.data

    async def close(self) -> None:
        """Closes the connections."""
        self._client = None
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> AsyncWebClient:
        """One client over one session: slack_sdk would open one for each call, at five times the cost."""
        if self._client is None:
            self._session = open_session(allow_private=self.allow_private)
            self._client = client_of(self._token.reveal(), self.url, self._session)
        return self._client


def client_of(token: str, url: str, session: aiohttp.ClientSession) -> AsyncWebClient:
    """slack_sdk's client over a session of ours."""
    client = AsyncWebClient(
        token=token,
        base_url=url,
        session=session,
        retry_handlers=[],  # when to try again is decided by who knows the other receivers
        logger=quiet,
    )
    client.proxy = None  # slack_sdk takes one from the environment, we take none
    return client


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
