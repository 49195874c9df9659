"""Hyperliquid's websocket messages as events."""

from __future__ import annotations

import msgspec

from adapters.hyperliquid.frames import AllDexsState, CoinContext, Envelope
from adapters.hyperliquid.state import VENUE, Watch, account_snapshot
from adapters.numbers import BadNumber, price, rate
from adapters.venue import BadFrame, Decoded, Ignored
from monitor.domain.event import Event, MarkPrice, PriceRejected, StreamAlive, StreamGap
from monitor.domain.identity import AccountId, BadName, instrument_id

IGNORED = frozenset(
    {
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
)


class HyperliquidMarkCodec:
    """Decodes a public connection: marks, oracle prices and funding."""

    def __init__(self) -> None:
        self._envelope = msgspec.json.Decoder(Envelope)
        self._context = msgspec.json.Decoder(CoinContext)

    def decode(self, frame: bytes | str, received_ns: int) -> Decoded:
        """Events of one message; see adapters.venue for the three outcomes."""
        try:
            envelope = self._envelope.decode(frame)
            if envelope.channel == "activeAssetCtx":
                return _marks(self._context.decode(envelope.data), received_ns)
        except (msgspec.DecodeError, UnicodeError):
            return BadFrame("shape")
        return classified(envelope.channel)


class HyperliquidAccountCodec:
    """Decodes the private connection of one address."""

    def __init__(self, account: AccountId, address: str, watch: Watch) -> None:
        self._account = account
        self._address = address.lower()
        self._watch = watch
        self._envelope = msgspec.json.Decoder(Envelope)
        self._states = msgspec.json.Decoder(AllDexsState)

    def decode(self, frame: bytes | str, received_ns: int) -> Decoded:
        """Events of one message; see adapters.venue for the three outcomes."""
        try:
            envelope = self._envelope.decode(frame)
            if envelope.channel == "allDexsClearinghouseState":
                return self._account_state(self._states.decode(envelope.data), received_ns)
        except (msgspec.DecodeError, UnicodeError):
            return BadFrame("shape")
        except (BadNumber, BadName):
            return BadFrame("impossible state")
        if envelope.channel == "pong":
            return [StreamAlive(self._account, received_ns)]
        if envelope.channel == "error":
            # The only thing that we ask for is the account's state: without it this connection tells nothing.
            detail = "the venue refused the subscription to the account's state"
            return [StreamGap(VENUE, self._account, detail, received_ns)]
        return classified(envelope.channel)

    def _account_state(self, data: AllDexsState, received_ns: int) -> Decoded:
        if data.user.lower() != self._address:
            return BadFrame("foreign address")
        if not data.clearinghouseStates:
            return BadFrame("no dex")
        if not self._watch.is_supported:
            return Ignored("account mode not supported")
        snapshot = account_snapshot(self._account, data.clearinghouseStates, received_ns, streamed=True)
        self._watch.saw(data.clearinghouseStates)
        return [snapshot, StreamAlive(self._account, received_ns)]


def classified(channel: str) -> Ignored | BadFrame:
    """What a message is that we did not ask for."""
    if channel in IGNORED:
        return Ignored(channel)
    return BadFrame("venue error" if channel == "error" else "unknown channel")


def _marks(data: CoinContext, received_ns: int) -> list[Event]:
    instrument = instrument_id(VENUE, data.coin)
    mark, index = price(data.ctx.markPx), price(data.ctx.oraclePx)
    if mark is None:
        return [PriceRejected(instrument, _why("mark", data.ctx.markPx), received_ns)]
    # The message has no time of its own: order and age are those of arrival.
    event = MarkPrice(instrument, mark, index, rate(data.ctx.funding), None, 0, received_ns)
    if index is None:
        return [event, PriceRejected(instrument, _why("index", data.ctx.oraclePx), received_ns)]
    return [event]


def _why(field: str, text: str | None) -> str:
    return f"{field} price {'missing' if not text else 'impossible'}"
