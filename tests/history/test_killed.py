"""A history outlives the death of who wrote it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from monitor.history.reading import read
from tests.support.histories import Kept, a_label

POOL = "bybit/a7/unified"


@pytest.mark.integration
@pytest.mark.parametrize("flushes", [1, 7, 40])
def test_what_was_flushed_is_there_after_a_kill(tmp_path: Path, flushes: int) -> None:
    """Whole, in order, without damage; and the next daemon goes on behind it."""
    words = [sys.executable, "-m", "tests.support.history_writer", str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        said = [int(writer.stdout.readline()) for _ in range(flushes)]
        writer.kill()
    found = read(tmp_path)
    figures = [(each.equity - 1000) / 5 for each in found.of_pool(POOL)]
    assert found.damage == ()
    assert figures[:flushes] == said
    assert figures == list(range(1, len(figures) + 1))
    again = Kept(tmp_path, [a_label(POOL)])
    again.saw(equity=1.0)
    found = read(tmp_path)
    assert found.damage == ()
    assert [each.equity for each in found.of_pool(POOL)][-1] == 1.0
