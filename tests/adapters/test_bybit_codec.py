from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.bybit.codec import BybitLinearCodec, BybitSpotCodec
from adapters.bybit.private import BybitPrivateCodec
from adapters.bybit.state import Terms
from adapters.venue import BadFrame, Codec, Ignored
from monitor.domain.identity import AccountId
from tests.support.frames import RECEIVED_NS, check_golden, golden, named
from tests.support.mangling import impossible_numbers, mangled

ACCOUNT = AccountId("bybit/desk")
FRAMES = golden("bybit")


def codec_for(stream: str) -> Codec:
    """A fresh codec as the stream of that name has it."""
    made: dict[str, Codec] = {
        "linear": BybitLinearCodec(),
        "spot": BybitSpotCodec({"BTCUSDT": "BTC", "ETHUSDT": "ETH"}),
        "private": BybitPrivateCodec(ACCOUNT, Terms()),
        "isolated": BybitPrivateCodec(ACCOUNT, Terms(is_isolated=True)),
    }
    return made[stream]


CODECS = {stream: codec_for(stream) for stream in ("linear", "spot", "private", "isolated")}


@pytest.mark.parametrize("frame", FRAMES, ids=named)
def test_a_golden_frame_becomes_what_is_written_beside_it(frame: dict[str, Any]) -> None:
    """Each documented shape, and each way to spoil it, has one outcome."""
    check_golden(codec_for(frame["stream"]), frame)


@settings(max_examples=2_000)
@given(st.sampled_from(FRAMES), st.data())
def test_no_mangled_frame_raises(frame: dict[str, Any], data: st.DataObject) -> None:
    """Whatever a frame has become on its way: one of the three outcomes, and no number that is none."""
    decoded = CODECS[frame["stream"]].decode(data.draw(mangled(frame["frame"])), RECEIVED_NS)
    assert isinstance(decoded, list | Ignored | BadFrame)
    assert not list(impossible_numbers(msgspec.to_builtins(decoded, builtin_types=(Decimal,))))
