"""What a recording holds, what it must not hold, and that it never costs the desk anything."""

from __future__ import annotations

import json
import stat
from decimal import Decimal
from pathlib import Path

import pytest

from monitor.clock import ManualClock
from monitor.config import Account, Config, Credentials, Daemon, Levels, Secret, Threshold
from monitor.domain.accrual import Loan
from monitor.domain.assessment import Reason
from monitor.domain.event import (
    AccountDelta,
    AccountRefused,
    BalanceFact,
    Event,
    Instruments,
    MarkPrice,
    StreamGap,
)
from monitor.domain.identity import AccountId, InstrumentId
from monitor.names import Metrics
from monitor.recording import recorder as module
from monitor.recording.line import BEGIN, event_of, header_of
from monitor.recording.recorder import Recorder
from tests.support.recordings import lines_of

ALPHA = AccountId("binance_usdm/alpha")
LISTEN_KEY = "pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf19v8a65a1"
PUBLIC = "wss://fstream.binance.com/market/ws"
PRIVATE = f"wss://fstream.binance.com/private/ws?listenKey={LISTEN_KEY}"


class Made:
    """A recorder of one account, and what it wrote."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.metrics = Metrics()
        self.folder = folder / "recordings"
        credentials = Credentials(Secret("KEY-CANARY-1", "test"), Secret("SECRET-CANARY-2", "test"))
        account = Account(name="alpha", venue="binance_usdm", desk="macro", credentials=credentials)
        config = Config(
            Daemon("", margin_error_limit=0.03),
            (account,),
            (),
            (),
            thresholds=(Threshold(desk="macro", ratio=Levels(0.1, 0.2, 0.3)),),
        )
        self.recorder = Recorder(self.folder, config, ("tiered",), self.clock, self.metrics)
        self.posted: list[Event] = []

    def files(self) -> list[Path]:
        """What it wrote, in order."""
        return sorted(self.folder.iterdir())

    def lines(self) -> list[dict]:
        """All lines but the first."""
        return [line for path in self.files() for line in lines_of(path) if line.get("dir") != BEGIN]

    def hear(self, frame: bytes, account: AccountId | None = None, url: str = PUBLIC) -> None:
        """One frame, now."""
        stream = "public" if account is None else "private"
        self.recorder.frame("binance_usdm", account, stream, url, frame, self.clock.monotonic_ns())


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Not started yet."""
    return Made(tmp_path)


def test_a_frame_is_kept_as_it_was_received(made: Made) -> None:
    """Time to the microsecond, address, text: the three keys of every recording."""
    made.recorder.start()
    made.clock.advance_s(1.25)
    made.hear('{"e":"markPriceUpdate","s":"币安人生USDT"}'.encode())
    made.recorder.close()
    (line,) = made.lines()
    assert line["t"] == 1_700_000_001.25
    assert line["url_or_channel"] == PUBLIC
    assert json.loads(line["frame"])["s"] == "币安人生USDT"


def test_a_recording_is_readable_by_its_owner_only(made: Made) -> None:
    """Positions are market-moving: folder 0700, files 0600."""
    made.recorder.start()
    made.recorder.close()
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in made.files()] == [0o600]


def test_no_secret_is_recorded(made: Made) -> None:
    """Keys, secrets and listen keys are blanked in frames, addresses and events alike."""
    made.recorder.start()
    made.hear(f'{{"e":"listenKeyExpired","listenKey":"{LISTEN_KEY}"}}'.encode(), ALPHA, PRIVATE)
    made.hear(b'{"ret_msg":"unknown key KEY-CANARY-1"}', ALPHA, PRIVATE)
    door = made.recorder.account_door(made.posted.append)
    door(AccountRefused(ALPHA, Reason.REJECTED, "signed with SECRET-CANARY-2", 5))
    made.recorder.close()
    text = json.dumps(made.lines())
    assert len(made.lines()) == 3
    assert text.count("<redacted>") == 5
    assert not [secret for secret in (LISTEN_KEY, "CANARY") if secret in text]


def test_events_of_an_account_are_what_was_posted(made: Made) -> None:
    """A fact goes on to the book at once, and comes out of the recording as it went in."""
    made.recorder.start()
    balance = BalanceFact("cross-USDT", "USDT", Decimal("1000.10"))
    loan = Loan(Decimal(500), Decimal("0.0000125"), 6)
    owed = BalanceFact("cross-USDT", "USDC", Decimal(0), accrual=loan)
    delta = AccountDelta(ALPHA, (balance, owed), (), 7, made.clock.monotonic_ns(), "ORDER")
    made.recorder.account_door(made.posted.append)(delta)
    made.recorder.close()
    assert made.posted == [delta]
    (line,) = made.lines()
    assert line["dir"] == "event"
    assert event_of(line["frame"]) == delta


def test_prices_of_a_venue_are_not_recorded_twice(made: Made) -> None:
    """The frames hold them; breaks and definitions come of no frame and are kept."""
    made.recorder.start()
    door = made.recorder.public_door(made.posted.append)
    door(MarkPrice(InstrumentId("binance_usdm:BTCUSDT"), 1.0, 1.0, None, None, 5, 5))
    door(StreamGap("binance_usdm", None, "silent", 5))
    made.recorder.close()
    assert len(made.posted) == 2
    assert [event_of(line["frame"]) for line in made.lines()] == [
        StreamGap("binance_usdm", None, "silent", 5)
    ]


def test_the_first_line_says_what_the_daemon_ran_with(made: Made) -> None:
    """Accounts, models, levels and limits: a replay judges as the daemon did."""
    made.recorder.start()
    made.recorder.close()
    first = lines_of(made.files()[0])[0]
    header = header_of(first["frame"])
    assert [(account.id, account.desk) for account in header.accounts] == [(ALPHA, "macro")]
    assert header.models == ("tiered",)
    assert header.thresholds[0].ratio == Levels(0.1, 0.2, 0.3)
    assert header.margin_error_limit == 0.03
    assert made.clock.monotonic_ns() + header.offset_ns == made.clock.wall_ns()


def test_the_next_file_can_be_read_alone(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full file is followed by one that begins with the header and the definitions."""
    monkeypatch.setattr(module, "FILE_BYTES", 2_000)
    made.recorder.start()
    defined = Instruments("binance_usdm", (), (), 5)
    made.recorder.public_door(made.posted.append)(defined)
    for _ in range(5):
        made.hear(b"x" * 1_500)
    made.recorder.close()
    files = made.files()
    assert len(files) > 2
    for path in files[1:]:
        lines = lines_of(path)
        assert lines[0]["dir"] == BEGIN
        assert event_of(lines[1]["frame"]) == defined
    assert sum(line["frame"].startswith("x") for line in made.lines()) == 5


def test_what_does_not_fit_is_dropped_and_counted(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is too slow costs lines of the recording, never the loop."""
    monkeypatch.setattr(module, "WAITING_BYTES", 3_000)
    for _ in range(5):
        made.hear(b"x" * 1_000)  # not started: nothing is taken off
    assert made.metrics.registry.get_sample_value("margind_record_dropped_total") == 2.0
    made.recorder.start()
    made.recorder.close()
    assert len(made.lines()) == 3


def test_a_full_disk_ends_the_recording_and_nothing_else(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """The frame after the failure is dropped and counted; the daemon is not told."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    made.recorder.start()
    monkeypatch.setattr(module.Writer, "write", full)
    made.hear(b"x")
    made.recorder._thread.join(timeout=10)
    made.hear(b"y")
    assert made.metrics.registry.get_sample_value("margind_record_dropped_total") == 1.0
    made.recorder.close()


def test_a_folder_that_takes_no_file_is_an_error_at_the_start(tmp_path: Path) -> None:
    """Whoever asks for a recording learns at once that there will be none."""
    made = Made(tmp_path)
    made.folder.write_text("a file stands here", encoding="utf-8")
    with pytest.raises(OSError, match="recordings"):
        made.recorder.start()
