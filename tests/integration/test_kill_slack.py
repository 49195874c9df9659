"""An incident in Slack, killed with SIGKILL at every named point, restarted, and counted."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

import pytest

from alerts.failpoints import NAMES, REMEMBERED
from tests.support.alert_harness import SLACK
from tests.support.alert_processes import begun, ended
from tests.support.slack_server import SlackWorkspace, workspace

STEPS = ("a=WARNING", "a=LIQUIDATION", "a=CLEAR")
pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


def posted(slack: SlackWorkspace) -> Counter[str]:
    """How often each notice was posted, by its id."""
    sent = [payload for method, payload in slack.calls if method == "chat.postMessage"]
    return Counter(payload["metadata"]["event_payload"]["id"] for payload in sent)


@pytest.mark.parametrize("failpoint", [*NAMES, *REMEMBERED])
async def test_a_thread_outlives_a_kill(tmp_path: Path, failpoint: str) -> None:
    """Each notice is there, at most one twice; the message ends as what is so; a further start is silent."""
    async with workspace() as slack:
        urls = [f"{SLACK}http://127.0.0.1:{slack.port}/api/"]
        code = await ended(begun(tmp_path, urls, STEPS, f"{failpoint}#2:kill"))
        assert code in (0, -signal.SIGKILL)
        for _ in range(2):
            assert await ended(begun(tmp_path, urls, ("a=LIQUIDATION",))) == 0
        told = posted(slack)
        assert told and max(told.values()) <= 2
        assert sum(told.values()) <= len(told) + 1
        words = [message["text"].split()[0] for message in slack.messages.values()]
        assert words[-1] == "LIQUIDATION"
        settled = posted(slack)
        assert await ended(begun(tmp_path, urls, ("a=LIQUIDATION",))) == 0
        assert posted(slack) == settled
