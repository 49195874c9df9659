"""Hyperliquid's websocket messages as events."""

from __future__ import annotations

import math

import msgspec

from adapters.hyperliquid.frames import AllDexsState, AssetContext, CoinContext, Envelope
from adapters.hyperliquid.state import VENUE, account_snapshot
from adapters.venue import BadFrame, Decoded, Ignored
from monitor.domain.event import Event, MarkPrice, PriceRejected, StreamAlive
from monitor.domain.identity import AccountId, instrument_id

IGNORED = {
    "subscriptionResponse",
    "pong",
    "allMids",
    "trades",
    "l2Book",
    "bbo",
    "candle",
    "notification",
    "user",
    "userEvents",
    "userFills",
    "userFundings",
    "userNonFundingLedgerUpdates",
    "userTwapSliceFills",
    "userTwapHistory",
    "orderUpdates",
    "openOrders",
    "activeSpotAssetCtx",
    "activeAssetData",
    "allDexsAssetCtxs",
    "webData2",
    "webData3",
    "spotState",
}


class HyperliquidCodec:
    """Decodes one connection. `account` and `address` are given for a private one."""

    def __init__(self, account: AccountId | None = None, address: str = "") -> None:
        self._account = account
        self._address = address.lower()
        self._envelope = msgspec.json.Decoder(Envelope)
        self._context = msgspec.json.Decoder(CoinContext)
        self._states = msgspec.json.Decoder(AllDexsState)

    def decode(self, frame: bytes | str, received_ns: int) -> Decoded:
        """Events of one message; see adapters.venue for the three outcomes."""
        try:
            envelope = self._envelope.decode(frame)
            if envelope.channel == "activeAssetCtx":
                return self._mark(self._context.decode(envelope.data), received_ns)
            if envelope.channel == "allDexsClearinghouseState":
                return self._account_state(self._states.decode(envelope.data), received_ns)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return BadFrame("shape")
        if envelope.channel in IGNORED:
            return Ignored(envelope.channel)
        return BadFrame("venue error" if envelope.channel == "error" else "unknown channel")

    def _mark(self, data: CoinContext, received_ns: int) -> list[Event]:
        instrument = instrument_id(VENUE, data.coin)
        mark = _price(data.ctx.markPx)
        if mark is None:
            return [PriceRejected(instrument, "no price", received_ns)]
        # The message has no time of its own: order and age are those of arrival.
        return [MarkPrice(instrument, mark, _price(data.ctx.oraclePx), _rate(data.ctx), None, 0, received_ns)]

    def _account_state(self, data: AllDexsState, received_ns: int) -> Decoded:
        if self._account is None or data.user.lower() != self._address:
            return BadFrame("foreign address")
        snapshot = account_snapshot(self._account, data.clearinghouseStates, received_ns, streamed=True)
        return [snapshot, StreamAlive(self._account, received_ns)]


def _price(text: str | None) -> float | None:
    """A price above zero and finite, or None."""
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None


def _rate(context: AssetContext) -> float | None:
    try:
        value = float(context.funding) if context.funding is not None else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None
