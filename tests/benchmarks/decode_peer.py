"""Decode and merge of one venue's frames, ours beside ccxt.pro's handler on the same frames, in one process.

Ours is the codec and the inbox, which keeps the newest mark of each instrument. The peer is ccxt's websocket
client as it hands a text to the exchange's handler, its JSON parser included; its cache is its merge.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from adapters.venue import BadFrame, Codec, Ignored
from monitor.inbox import Inbox
from monitor.names import Metrics

TURN_FRAMES = 64  # frames between two turns of the engine


class Comparison(NamedTuple):
    """Frames a second, the best of some rounds."""

    venue: str
    frames: int
    ours_per_s: float
    ccxt_per_s: float

    @property
    def times(self) -> float:
        """How often ours fits into the peer's."""
        return self.ours_per_s / self.ccxt_per_s


def compare(
    venue: str, frames: Sequence[str], codec: Codec, exchange: str, url: str, markets: list[dict[str, Any]]
) -> Comparison:
    """Both on the same frames, in turns, so that a busy machine slows both."""
    return asyncio.run(_compare(venue, frames, codec, exchange, url, markets))


async def _compare(
    venue: str, frames: Sequence[str], codec: Codec, exchange: str, url: str, markets: list[dict[str, Any]]
) -> Comparison:
    import ccxt.pro

    peer = getattr(ccxt.pro, exchange)({"newUpdates": False})
    peer.set_markets(markets)
    client = peer.client(url)
    inbox = Inbox(Metrics())
    raw = [frame.encode() for frame in frames]
    ours, theirs = [], []
    for _ in range(5):
        ours.append(_seconds(lambda: _decode(codec, inbox, raw)))
        theirs.append(_seconds(lambda: _hand_over(client, frames)))
    assert peer.tickers, "the peer did nothing"
    await peer.close()
    return Comparison(venue, len(frames), len(frames) / min(ours), len(frames) / min(theirs))


def _decode(codec: Codec, inbox: Inbox, frames: Sequence[bytes]) -> None:
    for number, frame in enumerate(frames):
        decoded = codec.decode(frame, number)
        assert not isinstance(decoded, Ignored | BadFrame)
        for event in decoded:
            inbox.post(event)
        if not number % TURN_FRAMES:
            inbox.take()


def _hand_over(client: Any, frames: Sequence[str]) -> None:
    for frame in frames:
        client.handle_text_or_binary_message(frame)


def _seconds(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def swap(symbol: str, base: str, quote: str, **more: Any) -> dict[str, Any]:
    """A market as ccxt keeps it, enough for its handlers."""
    return {
        "id": symbol,
        "symbol": f"{base}/{quote}:{quote}",
        "base": base,
        "quote": quote,
        "settle": quote,
        "baseId": base,
        "quoteId": quote,
        "settleId": quote,
        "type": "swap",
        "spot": False,
        "margin": False,
        "swap": True,
        "future": False,
        "option": False,
        "contract": True,
        "linear": True,
        "inverse": False,
        "active": True,
        "precision": {"amount": 0.001, "price": 0.01},
        "limits": {},
        "info": {},
        **more,
    }
