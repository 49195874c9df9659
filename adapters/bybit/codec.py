"""Bybit's public messages as events: marks of contracts, and USD prices of collateral (spot tickers)."""

from __future__ import annotations

import msgspec

from adapters.bybit.frames import Other, TickerMessage
from adapters.numbers import milliseconds, price, rate
from adapters.venue import BadFrame, Decoded, Ignored
from monitor.domain.event import AssetPrice, Event, MarkPrice, PriceRejected
from monitor.domain.identity import InstrumentId, instrument_id

VENUE = "bybit"
MILLISECOND_NS = 1_000_000
TICKERS = "tickers."
IGNORED_TOPICS = frozenset(
    {
        "orderbook",
        "publicTrade",
        "kline",
        "liquidation",
        "allLiquidation",
        "insurance",
        "priceLimit",
        "adlAlert",
    }
)
IGNORED_ANSWERS = frozenset({"subscribe", "unsubscribe", "ping", "pong"})


class BybitLinearCodec:
    """Marks, index prices and funding of `/v5/public/linear`."""

    def __init__(self) -> None:
        self._tickers = _Tickers()

    def decode(self, frame: bytes | str, received_ns: int) -> Decoded:
        """Events of one message; see adapters.venue for the three outcomes."""
        message = self._tickers.read(frame)
        if not isinstance(message, TickerMessage):
            return message
        return _marks(message, received_ns)


class BybitSpotCodec:
    """usdIndexPrice of `/v5/public/spot` for the coins that were asked for, by symbol."""

    def __init__(self, coins: dict[str, str]) -> None:
        self._coins = coins
        self._tickers = _Tickers()

    def decode(self, frame: bytes | str, received_ns: int) -> Decoded:
        """Events of one message; see adapters.venue for the three outcomes."""
        message = self._tickers.read(frame)
        if not isinstance(message, TickerMessage):
            return message
        coin = self._coins.get(message.data.symbol)
        if coin is None:
            return BadFrame("foreign symbol")
        worth = price(message.data.usdIndexPrice)
        if worth is None:
            return [
                PriceRejected(asset_price_id(coin), _why("index", message.data.usdIndexPrice), received_ns)
            ]
        return [AssetPrice(VENUE, coin, worth, 0.0, 0.0, message.ts * MILLISECOND_NS, received_ns)]


class _Tickers:
    """The one message that both codecs read."""

    def __init__(self) -> None:
        self._ticker = msgspec.json.Decoder(TickerMessage)
        self._other = msgspec.json.Decoder(Other)

    def read(self, frame: bytes | str) -> TickerMessage | Ignored | BadFrame:
        """The message, or what else the frame is."""
        try:
            message = self._ticker.decode(frame)
        except (msgspec.DecodeError, UnicodeError):
            return classified(self._other, frame)
        return message if message.topic.startswith(TICKERS) else classified(self._other, frame)


def asset_price_id(coin: str) -> InstrumentId:
    """What a rejected price of a collateral asset is counted under."""
    return instrument_id(VENUE, f"{coin} price")


def classified(decoder: msgspec.json.Decoder[Other], frame: bytes | str) -> Ignored | BadFrame:
    """What a message is that none of the expected shapes fits."""
    try:
        other = decoder.decode(frame)
    except (msgspec.DecodeError, UnicodeError):
        return BadFrame("shape")
    if other.topic:
        kind = other.topic.split(".", 1)[0]
        return Ignored(kind) if kind in IGNORED_TOPICS else BadFrame(_topic_fault(kind))
    if other.op in IGNORED_ANSWERS:
        return BadFrame(f"{other.op} refused") if other.success is False else Ignored(other.op)
    return BadFrame("unknown message")


def _topic_fault(kind: str) -> str:
    return "shape" if kind == "tickers" else "unknown topic"


def _marks(message: TickerMessage, received_ns: int) -> list[Event]:
    data = message.data
    instrument = instrument_id(VENUE, data.symbol)
    is_whole = message.type == "snapshot"
    mark, index = price(data.markPrice), price(data.indexPrice)
    if mark is None and (is_whole or data.markPrice is not None):
        return [PriceRejected(instrument, _why("mark", data.markPrice), received_ns)]
    next_funding_ms = milliseconds(data.nextFundingTime)
    event = MarkPrice(
        instrument,
        mark,
        index,
        rate(data.fundingRate),
        next_funding_ms * MILLISECOND_NS if next_funding_ms is not None else None,
        message.ts * MILLISECOND_NS,
        received_ns,
    )
    if index is None and (is_whole or data.indexPrice is not None):
        return [event, PriceRejected(instrument, _why("index", data.indexPrice), received_ns)]
    return [event]


def _why(field: str, text: str | None) -> str:
    return f"{field} price {'missing' if not text else 'impossible'}"
