"""Where the data lies, and who may read it."""

from __future__ import annotations

import stat
from pathlib import Path

from monitor.paths import default_data_dir, make_data_dir


def test_a_data_directory_is_for_its_owner_only(tmp_path: Path) -> None:
    """It holds what was told of positions; one that is there already is left as it is."""
    made = make_data_dir(tmp_path / "share" / "margind")
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    made.chmod(0o750)
    assert stat.S_IMODE(make_data_dir(made).stat().st_mode) == 0o750


def test_the_first_place_that_is_named_counts() -> None:
    """Ours over systemd's, and systemd's first over the home directory."""
    assert default_data_dir({"MARGIND_DATA": "/a", "STATE_DIRECTORY": "/b:/c"}) == Path("/a")
    assert default_data_dir({"STATE_DIRECTORY": "/b:/c"}) == Path("/b")
    assert default_data_dir({}).parts[-2:] == ("share", "margind")
