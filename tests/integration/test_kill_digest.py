"""A storm in digests, killed with SIGKILL at every named point, restarted, and counted."""

from __future__ import annotations

import re
import signal
from collections import Counter
from pathlib import Path

import pytest

from alerts.failpoints import NAMES
from tests.support.alert_harness import SLACK
from tests.support.alert_processes import begun, ended
from tests.support.receivers import SlackDesk, http_desk

POOLS = 40
STORM = [",".join(f"p{number}=CRITICAL" for number in range(POOLS))]
NAMED = re.compile(r"CRITICAL binance_usdm/alpha/(p\d+): ")
pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


def told(desk: SlackDesk) -> Counter[str]:
    """How often each pool was named."""
    return Counter(NAMED.findall("\n".join(desk.texts)))


@pytest.mark.parametrize("failpoint", NAMES)
async def test_a_storm_outlives_a_kill(tmp_path: Path, failpoint: str) -> None:
    """Every pool is named, none more than twice, and a start with nothing new says nothing."""
    desk = SlackDesk()
    async with http_desk(desk):
        urls = [f"{SLACK}http://127.0.0.1:{desk.port}/api/"]
        code = await ended(begun(tmp_path, urls, STORM, f"{failpoint}#2:kill"))
        assert code in (0, -signal.SIGKILL)
        assert any("alerts at once" in text for text in desk.texts) or code
        assert await ended(begun(tmp_path, urls, STORM)) == 0
        found = told(desk)
        assert len(found) == POOLS and max(found.values()) <= 2
        if code == 0:
            assert max(found.values()) == 1
        assert await ended(begun(tmp_path, urls, STORM)) == 0
        assert told(desk) == found
