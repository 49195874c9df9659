"""What a replay makes of recorded lines, ours and those of others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.exit_codes import CommandFailed, ExitCode
from monitor.recording.replay import Replay
from tests.support.recordings import BYBIT_URL, ticker, written

ROOT = Path(__file__).resolve().parents[2]
RECORDED = "recordings/public/BYBIT/cryptofeed_bybit_2_v3.jsonl.gz"


def document(*paths: Path, venue: str | None = None) -> dict:
    """What a replay of these files says, for programs."""
    return Replay(paths, venue).run().document()


def test_a_delta_without_a_mark_confirms_the_last_one(tmp_path: Path) -> None:
    """Frames and marks are counted apart, and the last mark stays fresh as long as its symbol talks."""
    lines = [ticker("BTCUSDT", 1000.0 + second, 60_000.0 if second == 0 else None) for second in range(20)]
    (symbol,) = document(written(tmp_path / "a.gz", lines))["symbols"]
    assert (symbol["frames"], symbol["marks"], symbol["mark"], symbol["state"]) == (20, 1, 60_000.0, "fresh")
    assert symbol["longest_silence_s"] == 1.0


def test_a_symbol_that_falls_silent_is_stale_at_its_own_time(tmp_path: Path) -> None:
    """The clock is that of the recording: another symbol's frames let this one's mark grow old."""
    lines = [ticker("ETHUSDT", 1000.0, 3_000.0)]
    lines += [ticker("BTCUSDT", 1000.0 + second, 60_000.0) for second in range(8)]
    told = {
        symbol["symbol"]: symbol["state"] for symbol in document(written(tmp_path / "a", lines))["symbols"]
    }
    assert told == {"bybit:ETHUSDT": "stale", "bybit:BTCUSDT": "fresh"}


def test_time_stands_still_where_no_time_is_told(tmp_path: Path) -> None:
    """Lines without `t` are played at the time of the line before; nothing grows old meanwhile."""
    lines = [ticker("ETHUSDT", 1000.0, 3_000.0)]
    lines += [ticker("BTCUSDT", 1000.0 + step / 1000, 60_000.0 + step) | {"t": None} for step in range(900)]
    told = document(written(tmp_path / "a", lines))
    assert {symbol["state"] for symbol in told["symbols"]} == {"fresh"}
    assert told["from"] == told["to"] == "1970-01-01 00:16:40.000"


def test_without_any_time_every_mark_is_taken(tmp_path: Path) -> None:
    """Where the source kept no times at all, the venue's own order holds."""
    lines = [ticker("BTCUSDT", 1000.0 + step, 60_000.0 + step) | {"t": None} for step in range(3)]
    told = document(written(tmp_path / "a", lines))
    assert told["symbols"][0]["mark"] == 60_002.0
    assert told["refused_by_the_book"] == {}


def test_files_of_one_time_are_played_together(tmp_path: Path) -> None:
    """Two connections that were recorded side by side are merged by time, in any order of words."""
    even = written(tmp_path / "even", [ticker("BTCUSDT", 1000.0 + s, 1.0 + s) for s in range(0, 10, 2)])
    odd = written(tmp_path / "odd", [ticker("BTCUSDT", 1000.0 + s, 1.0 + s) for s in range(1, 10, 2)])
    one, other = document(even, odd), document(odd, even)
    assert one == other
    assert one["symbols"][0]["mark"] == 10.0
    assert one["refused_by_the_book"] == {}


def test_what_was_sent_or_opened_is_not_decoded(tmp_path: Path) -> None:
    """Outbound lines of foreign recordings are counted as such."""
    lines = [
        {"t": 1.0, "url_or_channel": BYBIT_URL, "frame": "", "dir": "connect"},
        {"t": 1.0, "url_or_channel": BYBIT_URL, "frame": '{"op":"subscribe"}', "dir": "send"},
        ticker("BTCUSDT", 1.1, 5.0),
    ]
    told = document(written(tmp_path / "a", lines))
    assert told["lines"] == {"frames": 1, "outbound": 2}


def test_three_outcomes_are_counted(tmp_path: Path) -> None:
    """Events, ignored by kind, bad by reason."""
    lines = [
        ticker("BTCUSDT", 1.0, 5.0),
        {"t": 1.1, "url_or_channel": BYBIT_URL, "frame": '{"topic":"publicTrade.BTCUSDT","data":[]}'},
        {"t": 1.2, "url_or_channel": BYBIT_URL, "frame": "{"},
    ]
    told = document(written(tmp_path / "a", lines))["venues"]["bybit"]
    assert told == {"events": {"MarkPrice": 1}, "ignored": {"publicTrade": 1}, "bad": {"shape": 1}}


@pytest.mark.parametrize(
    ("name", "line", "says"),
    [
        ("a", '{"t": 1.0, "frame": "{}"}', "url_or_channel"),
        ("a", '{"t": "noon", "url_or_channel": "", "frame": ""}', "line 1"),
        ("a", "no JSON\n", '"frame": text'),
        ("a", '{"t": 1.0, "url_or_channel": "okx:tickers", "frame": ""}\n', "--venue says which"),
        ("a", '{"t": 1.0, "url_or_channel": "x", "frame": "", "dir": "up"}\n', "'up' is none of"),
        ("a", '{"t": 1.0, "url_or_channel": "", "frame": "{}", "dir": "event"}\n', "line 1"),
        ("a", '{"t": 1.0, "url_or_channel": "", "frame": "{}", "dir": "begin"}\n', "line 1"),
    ],
)
def test_a_line_that_is_none_is_refused_with_its_place(
    tmp_path: Path, name: str, line: str, says: str
) -> None:
    """The file, the line and what would be right; a guess would be a wrong number."""
    path = tmp_path / name
    path.write_text(line if line.endswith("\n") else line + "\n", encoding="utf-8")
    with pytest.raises(CommandFailed, match=says) as failed:
        document(path)
    assert str(path) in str(failed.value)
    assert failed.value.code is ExitCode.REFUSED


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """One line that names the file."""
    with pytest.raises(CommandFailed, match=r"gone\.gz: No such file"):
        document(tmp_path / "gone.gz")


def test_the_words_win_over_the_folder(tmp_path: Path) -> None:
    """A channel without an address is read as `--venue` says, and without it as the folder says."""
    line = ticker("BTCUSDT", 1.0, 5.0, url="tardis:tickers")
    path = written(tmp_path / "BYBIT" / "a.gz", [line])
    assert list(document(path)["venues"]) == ["bybit"]
    assert document(path, venue="hyperliquid")["venues"]["hyperliquid"]["bad"] == {"shape": 1}


@pytest.mark.slow
@pytest.mark.parametrize("left", [0.3, 0.7, 0.99])
def test_a_recording_that_was_cut_is_played_up_to_the_cut(tmp_path: Path, left: float) -> None:
    """A process that was killed leaves half a block: what is whole is played, and the report says so."""
    lines = [ticker("BTCUSDT", 1000.0 + step / 10, 60_000.0 + step) for step in range(3_000)]
    whole = written(tmp_path / "a.gz", lines).read_bytes()
    (tmp_path / "b.gz").write_bytes(whole[: int(len(whole) * left)])
    told = document(tmp_path / "b.gz")
    assert len(told["cut"]) == 1
    assert 0 < told["lines"]["frames"] < 3_000


@pytest.mark.integration
def test_the_command_says_the_same_bytes_twice(shared: Path) -> None:
    """A real recording: symbols, frames, marks and counts, and not a byte differs under another hash seed."""
    words = [sys.executable, "-m", "monitor", "replay", str(shared / RECORDED)]
    said = [
        subprocess.run(
            words, cwd=ROOT, capture_output=True, check=True, env=os.environ | {"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1]
    text = said[0].decode()
    assert "events  MarkPrice 542" in text
    assert all(f"bybit:{symbol}" in text for symbol in ("BTCUSDT", "DOGEUSDT", "SOLUSDT"))
