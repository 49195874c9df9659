"""Binance's websocket messages as events. The array of all marks is the hot path: 900 prices a second."""

from __future__ import annotations

import json

import msgspec

from adapters.binance_usdm.frames import (
    AccountConfigUpdate,
    AccountUpdate,
    AssetIndexUpdate,
    BareElement,
    Head,
    MarginCall,
    MarketEvent,
    PositionUpdate,
)
from adapters.binance_usdm.layout import SIDES, VENUE, Layout, isolated_pool
from adapters.numbers import LAST_MILLISECOND, price, rate
from adapters.venue import SHUTDOWN_NOTICE, BadFrame, Decoded, Ignored
from monitor.domain.event import (
    AccountDelta,
    AssetPrice,
    BalanceFact,
    Event,
    LeverageChanged,
    MarkPrice,
    PositionFact,
    PriceRejected,
    StreamGap,
    VenueWarning,
)
from monitor.domain.identity import AccountId, InstrumentId, instrument_id

MILLISECOND_NS = 1_000_000
NAMES_LIMIT = 20_000  # symbols that are remembered; the venue has some 900
DETAIL_LIMIT = 5  # positions named in a margin call
PRICES = {"markPriceUpdate", "assetIndexUpdate"}
IGNORED = {
    "ORDER_TRADE_UPDATE",
    "TRADE_LITE",
    "ALGO_UPDATE",
    "STRATEGY_UPDATE",
    "GRID_UPDATE",
    "CONDITIONAL_ORDER_TRIGGER_REJECT",
    "24hrTicker",
    "24hrMiniTicker",
    "aggTrade",
    "trade",
    "depthUpdate",
    "bookTicker",
    "kline",
    "continuous_kline",
    "forceOrder",
    "compositeIndex",
    "contractInfo",
    "indexPriceUpdate",
    "tradingSession",
}


class BinanceCodec:
    """One connection. `account` and `layout` are given for a private one."""

    def __init__(self, account: AccountId | None = None, layout: Layout | None = None) -> None:
        self._account = account
        self._layout = layout if layout is not None else Layout()
        self._head = msgspec.json.Decoder(Head)
        self._events = msgspec.json.Decoder(list[MarketEvent])
        self._event = msgspec.json.Decoder(MarketEvent)
        self._elements = msgspec.json.Decoder(list[msgspec.Raw])
        self._bare = msgspec.json.Decoder(BareElement)
        self._update = msgspec.json.Decoder(AccountUpdate)
        self._config = msgspec.json.Decoder(AccountConfigUpdate)
        self._call = msgspec.json.Decoder(MarginCall)
        self._names: dict[str, InstrumentId] = {}

    def decode(self, frame: bytes | str, received_ns: int) -> Decoded:
        """Events of one message; see adapters.venue for the three outcomes."""
        try:
            raw = frame.encode() if isinstance(frame, str) else bytes(frame)
            try:
                return self._message(raw, received_ns)
            except msgspec.ValidationError:
                return BadFrame("shape")
            except msgspec.DecodeError:
                return self._message(_with_words_as_text(raw), received_ns)
        except (ValueError, RecursionError):  # DecodeError and UnicodeError are ValueErrors
            return BadFrame("not JSON")

    def _message(self, raw: bytes, received_ns: int) -> Decoded:
        """A combined message is its data, whatever stream brought it."""
        if raw[:1] == b"[":
            return self._array(raw, received_ns)
        head = self._head.decode(raw)
        data = bytes(head.data)
        if not data:
            return self._object(head, raw, received_ns)
        if data[:1] == b"[":
            return self._array(data, received_ns)
        return self._object(self._head.decode(data), data, received_ns)

    def _array(self, raw: bytes, received_ns: int) -> Decoded:
        """All marks, or all asset prices. One element that can't be read costs that symbol only."""
        try:
            events = self._events.decode(raw)
        except msgspec.ValidationError:
            return self._one_by_one(raw, received_ns)
        return [self._price(event, received_ns) for event in events]

    def _one_by_one(self, raw: bytes, received_ns: int) -> Decoded:
        found: list[Event] = []
        for element in self._elements.decode(raw):
            try:
                found.append(self._price(self._event.decode(element), received_ns))
            except msgspec.ValidationError:
                bare = self._bare.decode(element)  # without a name nobody can say what the array is
                if bare.e in IGNORED and not found:
                    return Ignored(bare.e)
                if bare.e not in PRICES or not bare.s:
                    return BadFrame("unknown event")
                found.append(PriceRejected(self._name(bare.s), "unreadable", received_ns))
        return found

    def _object(self, head: Head, raw: bytes, received_ns: int) -> Decoded:
        kind = head.e
        if kind is None:
            if bytes(head.error):
                return BadFrame("venue error")
            return Ignored("answer") if head.id is not None else BadFrame("no event")
        if kind in PRICES:
            return self._array(b"[" + raw + b"]", received_ns)
        if kind in IGNORED:
            return Ignored(kind)
        if kind == "serverShutdown":
            return Ignored(SHUTDOWN_NOTICE)
        return self._private(kind, raw, received_ns)

    def _price(self, event: MarketEvent, received_ns: int) -> Event:
        venue_ns = event.E * MILLISECOND_NS if 0 < event.E < LAST_MILLISECOND else 0
        if isinstance(event, AssetIndexUpdate):
            return self._asset_price(event, venue_ns, received_ns)
        name = self._names.get(event.s) or self._name(event.s)
        mark = price(event.p) if type(event.p) is str else None
        if mark is None or not venue_ns:
            return PriceRejected(name, "no price" if mark is None else "no time", received_ns)
        return MarkPrice(
            name,
            mark,
            price(event.i) if type(event.i) is str else None,
            rate(event.r) if type(event.r) is str else None,
            event.T * MILLISECOND_NS if 0 < event.T < LAST_MILLISECOND else None,
            venue_ns,
            received_ns,
        )

    def _asset_price(self, event: AssetIndexUpdate, venue_ns: int, received_ns: int) -> Event:
        index, bid, ask = (text if isinstance(text, str) else "" for text in (event.i, event.b, event.a))
        found = asset_price(event.s, index, bid, ask, venue_ns, received_ns)
        return found or PriceRejected(self._name(event.s), "no asset price", received_ns)

    def _private(self, kind: str, raw: bytes, received_ns: int) -> Decoded:
        if kind in {"listenKeyExpired", "eventStreamTerminated"}:
            return self._gap("listen key expired", received_ns)
        if kind not in {"ACCOUNT_UPDATE", "ACCOUNT_CONFIG_UPDATE", "MARGIN_CALL"}:
            return BadFrame("unknown event")
        if self._account is None:
            return BadFrame("private event on a public stream")
        if kind == "ACCOUNT_UPDATE":
            return self._account_update(self._account, self._update.decode(raw), received_ns)
        if kind == "ACCOUNT_CONFIG_UPDATE":
            return self._config_update(self._account, self._config.decode(raw), received_ns)
        call = self._call.decode(raw)
        named = ", ".join(
            f"{found.s} {found.ps} maintenance {found.mm[:24]} at mark {found.mp[:24]}"
            for found in call.p[:DETAIL_LIMIT]
        )
        detail = f"margin call: {named}" if named else "margin call"
        return [VenueWarning(self._account, detail, _time(call.E), received_ns)]

    def _account_update(self, account: AccountId, update: AccountUpdate, received_ns: int) -> Decoded:
        balances = [BalanceFact(self._layout.cross_pool(b.a), b.a, b.cw) for b in update.a.B]
        positions = []
        for position in update.a.P:
            side = SIDES.get(position.ps)
            if side is None or position.mt not in {"cross", "isolated"}:
                return BadFrame("shape")
            asset = position.ma or self._layout.margin_assets.get(position.s)
            if asset is None:
                return self._gap(f"margin asset of {position.s} not known", received_ns)
            positions.append(self._position(position, side, asset))
            if position.mt == "isolated":
                pool = isolated_pool(position.s, side)
                balances.append(BalanceFact(pool, asset, position.iw))
        venue_ns = _time(update.T)
        self._layout.told_ns = max(self._layout.told_ns, venue_ns)
        return [
            AccountDelta(account, tuple(balances), tuple(positions), venue_ns, received_ns, update.a.m[:32])
        ]

    def _position(self, position: PositionUpdate, side: str, asset: str) -> PositionFact:
        isolated = position.mt == "isolated"
        return PositionFact(
            pool=isolated_pool(position.s, side) if isolated else self._layout.cross_pool(asset),
            instrument=self._name(position.s),
            side=side,
            quantity=position.pa,
            entry_price=position.ep,
            leverage=self._layout.leverages.get(position.s),
        )

    def _config_update(self, account: AccountId, update: AccountConfigUpdate, received_ns: int) -> Decoded:
        if update.ai is not None:
            self._layout.multi_assets = update.ai.j  # the snapshot that follows is cut the new way
            return self._gap("multi-assets mode switched", received_ns)
        if update.ac is None:
            return BadFrame("shape")
        self._layout.leverages[update.ac.s] = update.ac.l
        name = self._name(update.ac.s)
        return [LeverageChanged(account, name, update.ac.l, _time(update.T), received_ns)]

    def _gap(self, detail: str, received_ns: int) -> Decoded:
        if self._account is None:
            return BadFrame("private event on a public stream")
        return [StreamGap(VENUE, self._account, detail, received_ns)]

    def _name(self, symbol: str) -> InstrumentId:
        if len(self._names) > NAMES_LIMIT:
            self._names.clear()
        return self._names.setdefault(symbol, instrument_id(VENUE, symbol))


def asset_price(
    symbol: str, index: str, bid_buffer: str, ask_buffer: str, venue_ns: int, received_ns: int
) -> AssetPrice | None:
    """The price of collateral from an asset index such as ADAUSD; None when a number in it can't be meant."""
    asset = symbol.removesuffix("USD")
    value, bid, ask = price(index), rate(bid_buffer), rate(ask_buffer)
    if value is None or bid is None or ask is None or not venue_ns or asset in {"", symbol}:
        return None
    if not (0 <= bid < 1 and 0 <= ask < 1):
        return None
    return AssetPrice(VENUE, asset, value, bid, ask, venue_ns, received_ns)


def _time(milliseconds: int) -> int:
    if not 0 < milliseconds < LAST_MILLISECOND:
        raise msgspec.ValidationError("no time")
    return milliseconds * MILLISECOND_NS


def _with_words_as_text(raw: bytes) -> bytes:
    """NaN and Infinity are no JSON, yet servers write them: as text they cost a price, not the message."""
    return msgspec.json.encode(json.loads(raw, parse_constant=str))
