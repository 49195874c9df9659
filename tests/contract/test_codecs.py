"""What every codec promises, over all golden frames and over what a bad network makes of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters import VENUES
from adapters.venue import BadFrame, Ignored
from monitor.domain.event import MarkPrice
from tests.support.codecs import CODECS
from tests.support.frames import GOLDEN, RECEIVED_NS, Tally, check_golden, golden, named
from tests.support.mangling import impossible_numbers, mangled

Case = tuple[str, dict[str, Any]]
CASES: list[Case] = [(venue, frame) for venue in CODECS for frame in golden(venue)]
BY_VENUE = {venue: [frame for at, frame in CASES if at == venue] for venue in CODECS}


def case_id(part: object) -> str | None:
    """A readable name of a case."""
    return named(part) if isinstance(part, dict) else None


def check_outcome(decoded: object) -> None:
    """One of three, and in the events no number that is none and no mark that no venue can mean."""
    assert isinstance(decoded, list | tuple | Ignored | BadFrame)
    assert not list(impossible_numbers(msgspec.to_builtins(decoded, builtin_types=(Decimal,))))
    if isinstance(decoded, list | tuple):
        for event in decoded:
            if isinstance(event, MarkPrice):
                assert event.mark is None or event.mark > 0
                assert event.index is None or event.index > 0


def test_every_venue_is_under_the_contract() -> None:
    """A line in VENUES needs codecs and golden frames here."""
    assert set(VENUES) <= set(CODECS)
    assert {folder.name for folder in GOLDEN.iterdir() if folder.is_dir()} == set(CODECS)


@pytest.mark.parametrize("venue", CODECS)
def test_golden_frames_show_all_three_outcomes(venue: str) -> None:
    """A venue's frames show what is read, what is not needed and what is refused, on every stream."""
    assert {frame["stream"] for frame in BY_VENUE[venue]} == set(CODECS[venue])
    for outcome in ("events", "ignored", "bad"):
        assert any(outcome in frame for frame in BY_VENUE[venue])


@pytest.mark.parametrize(("venue", "frame"), CASES, ids=case_id)
def test_a_golden_frame_becomes_what_is_written_beside_it(venue: str, frame: dict[str, Any]) -> None:
    """Each documented shape, and each way to spoil it, has one outcome, as text and as bytes."""
    check_golden(CODECS[venue][frame["stream"]](), frame)


@pytest.mark.parametrize(("venue", "frame"), CASES, ids=case_id)
def test_events_carry_the_time_that_the_codec_was_given(venue: str, frame: dict[str, Any]) -> None:
    """A codec reads no clock: every event says when its frame was received, as it was told."""
    decoded = CODECS[venue][frame["stream"]]().decode(frame["frame"], RECEIVED_NS)
    if not isinstance(decoded, Ignored | BadFrame):
        assert {event.received_ns for event in decoded} <= {RECEIVED_NS}


@pytest.mark.parametrize("venue", CODECS)
def test_a_truncated_frame_never_raises(venue: str) -> None:
    """A frame cut anywhere, even inside a character, is one of three outcomes."""
    for frame in BY_VENUE[venue]:
        codec, raw = CODECS[venue][frame["stream"]](), frame["frame"].encode()
        for length in range(0, len(raw), max(1, len(raw) // 60)):
            check_outcome(codec.decode(raw[:length], RECEIVED_NS))


@pytest.mark.slow
@pytest.mark.parametrize("venue", CODECS)
def test_a_mangled_frame_never_raises(venue: str) -> None:
    """2,000 frames a venue with bytes or values spoilt: three outcomes, and no number that is none."""
    codecs = {stream: make() for stream, make in CODECS[venue].items()}
    seen = Tally()

    @settings(max_examples=2_000)
    @given(st.sampled_from(BY_VENUE[venue]), st.data())
    def check(frame: dict[str, Any], data: st.DataObject) -> None:
        decoded = codecs[frame["stream"]].decode(data.draw(mangled(frame["frame"])), RECEIVED_NS)
        check_outcome(decoded)
        seen.add(decoded)

    check()
    print(f"{venue}: {seen}")
    assert seen.events and seen.bad


@pytest.mark.parametrize("venue", CODECS)
@settings(max_examples=300)
@given(data=st.data())
def test_noise_is_a_bad_frame(venue: str, data: st.DataObject) -> None:
    """Bytes that are no message at all are refused on every stream."""
    noise = data.draw(st.binary(max_size=200).filter(lambda raw: not raw.strip().startswith((b"{", b"["))))
    for make in CODECS[venue].values():
        assert isinstance(make().decode(noise, RECEIVED_NS), BadFrame | Ignored)
