from __future__ import annotations

import json
import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.binance_usdm.codec import BinanceCodec
from adapters.binance_usdm.layout import Layout, isolated_pool, name_part
from adapters.venue import BadFrame, Decoded, Ignored
from monitor.domain.event import AccountDelta, Event, LeverageChanged, MarkPrice, StreamGap
from monitor.domain.identity import AccountId, checked_part
from tests.support.codecs import CODECS as MADE
from tests.support.frames import RECEIVED_NS

ACCOUNT = AccountId("binance_usdm/desk")


CODECS = {stream: make() for stream, make in MADE["binance_usdm"].items()}


def events_of(decoded: Decoded) -> Sequence[Event]:
    """The events, of which there must be some."""
    assert not isinstance(decoded, Ignored | BadFrame), decoded
    return decoded


@pytest.mark.slow
@settings(max_examples=2_000)
@given(st.text(max_size=30) | st.floats().map(repr) | st.decimals().map(str), st.floats())
def test_no_price_that_a_venue_cannot_mean_gets_through(text: str, number: float) -> None:
    """Whatever is written as a mark, as text or as a number: finite and above zero, or no mark at all."""
    for price in (text, number):
        frame = [{"e": "markPriceUpdate", "E": 1_780_000_000_000, "s": "X", "p": price, "i": price}]
        decoded = CODECS["public"].decode(json.dumps(frame).encode(), RECEIVED_NS)
        for event in events_of(decoded):
            if isinstance(event, MarkPrice):
                assert event.mark is not None and 0 < event.mark < math.inf
                assert event.index is None or 0 < event.index < math.inf


def test_the_stream_tells_the_snapshot_what_it_knows_better() -> None:
    """Leverage, mode and the newest transaction reach the snapshot source through what both share."""
    layout = Layout()
    codec = BinanceCodec(ACCOUNT, layout)
    leverage = b'{"e":"ACCOUNT_CONFIG_UPDATE","E":1780000000001,"T":1780000000000,"ac":{"s":"BTCUSDT","l":7}}'
    mode = b'{"e":"ACCOUNT_CONFIG_UPDATE","E":1780000000001,"T":1780000000000,"ai":{"j":true}}'
    fill = (
        b'{"e":"ACCOUNT_UPDATE","E":1780000000001,"T":1780000000000,"a":{"B":[],"P":'
        b'[{"s":"BTCUSDT","pa":"1","ep":"2","mt":"cross","ps":"BOTH","ma":"USDT"}]}}'
    )
    (changed,) = events_of(codec.decode(leverage, RECEIVED_NS))
    assert isinstance(changed, LeverageChanged)
    (delta,) = events_of(codec.decode(fill, RECEIVED_NS))
    assert isinstance(delta, AccountDelta) and delta.positions[0].leverage == 7
    assert layout.told_ns == delta.venue_ns == 1_780_000_000_000_000_000
    (gap,) = events_of(codec.decode(mode, RECEIVED_NS))
    assert isinstance(gap, StreamGap) and layout.multi_assets


def test_a_frame_nested_too_deep_is_one_bad_frame() -> None:
    """Depth that would overflow a stack is refused like any other text that is no message."""
    for frame in ("[" * 100_000, '{"data":' * 100_000, '[{"p":' * 50_000):
        assert CODECS["public"].decode(frame, RECEIVED_NS) == BadFrame("not JSON")


def test_a_listen_key_never_leaves_the_codec() -> None:
    """What is made of a private frame names the account, not the key that the venue repeats."""
    frame = (
        b'{"stream":"SECRETKEY","data":{"e":"listenKeyExpired","E":1780000000001,"listenKey":"SECRETKEY"}}'
    )
    assert "SECRETKEY" not in str(CODECS["private"].decode(frame, RECEIVED_NS))


@given(st.text(min_size=1, max_size=80), st.sampled_from(["", "long", "short"]))
def test_every_symbol_has_a_pool_that_the_grammar_allows(symbol: str, side: str) -> None:
    """The venue lists symbols in other scripts; their isolated pools have names all the same."""
    checked_part(isolated_pool(symbol, side))


def test_symbols_that_are_names_stay_as_they_are() -> None:
    """BTCUSDT and delivery contracts are written as the venue writes them, others are spelled out."""
    assert isolated_pool("BTCUSDT", "") == "isolated-BTCUSDT"
    assert isolated_pool("BTCUSDT_260925", "long") == "isolated-BTCUSDT_260925-long"
    assert name_part("龙USDT") == "u9f99USDT"
