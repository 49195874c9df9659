"""The market frames of one moment, each encoded once for all sockets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import msgspec

from adapters.loopback.amounts import fixed
from adapters.loopback.binance_usdm import market_answers
from adapters.loopback.binance_usdm.catalog import VENUE
from adapters.loopback.faults import Faults
from adapters.loopback.holdings import Contract, Quote
from adapters.loopback.world import World

SLOW_EVERY = 3  # the streams without @1s


@dataclass(frozen=True)
class Frame:
    """One message of one stream."""

    stream: str
    body: Any

    @cached_property
    def raw(self) -> str:
        """As a raw stream carries it."""
        return msgspec.json.encode(self.body).decode()

    @cached_property
    def combined(self) -> str:
        """As a combined stream carries it."""
        return f'{{"stream":"{self.stream}","data":{self.raw}}}'


class Publication:
    """What the venue says of its prices: the world's, unless a fault freezes or hides them."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self._faults = faults
        self._last: dict[str, Quote] = {}
        self._turn = 0

    def quote(self, contract: Contract) -> Quote:
        """The quote as published: while frozen, the mark is the one of before."""
        true = self._world.quote(VENUE, contract.symbol)
        if self._faults.of(VENUE).is_frozen(contract.symbol):
            held = self._last.setdefault(contract.symbol, replace(true))
            return replace(true, mark=held.mark)
        self._last[contract.symbol] = replace(true)
        return true

    def frames(self, symbols: Sequence[str] | None = None) -> Iterator[Frame]:
        """The frames of this second; of some symbols only when named (then without asset indexes)."""
        state = self._faults.of(VENUE)
        contracts = [
            contract
            for contract in self._world.contracts_of(VENUE)
            if contract.symbol not in state.muted_symbols and (symbols is None or contract.symbol in symbols)
        ]
        now_ms = self._world.now_ms() + state.clock_ahead_ms - state.event_age_ms
        suffixes: tuple[str, ...] = ("@1s",)
        if symbols is None:
            self._turn += 1
            suffixes = ("@1s", "") if self._turn % SLOW_EVERY == 0 else ("@1s",)
        yield from self._marks(contracts, suffixes, now_ms)
        if symbols is None:
            yield from self._assets(now_ms)

    def _marks(self, contracts: Sequence[Contract], suffixes: Iterable[str], now_ms: int) -> Iterator[Frame]:
        events = [mark_event(contract, self.quote(contract), now_ms) for contract in contracts]
        for suffix in suffixes:
            yield Frame(f"!markPrice@arr{suffix}", events)
            for event in events:
                yield Frame(f"{event['s'].lower()}@markPrice{suffix}", event)

    def _assets(self, now_ms: int) -> Iterator[Frame]:
        assets = self._world.assets_of(VENUE)
        events = [asset_event(market_answers.asset_index(self._world, asset), now_ms) for asset in assets]
        yield Frame("!assetIndex@arr", events)
        for event in events:
            yield Frame(f"{event['s'].lower()}@assetIndex", event)


def mark_event(contract: Contract, quote: Quote, now_ms: int) -> dict[str, Any]:
    """markPriceUpdate"""
    return {
        "e": "markPriceUpdate",
        "E": now_ms,
        "s": contract.symbol,
        "p": fixed(quote.mark, 8),
        "P": fixed(quote.index, 8),
        "i": fixed(quote.index, 8),
        "r": fixed(quote.funding_rate, 8),
        "T": market_answers.next_funding_ms(now_ms),
    }


def asset_event(row: dict[str, Any], now_ms: int) -> dict[str, Any]:
    """assetIndexUpdate"""
    return {
        "e": "assetIndexUpdate",
        "E": now_ms,
        "s": row["symbol"],
        "i": row["index"],
        "b": row["bidBuffer"],
        "a": row["askBuffer"],
        "B": row["bidRate"],
        "A": row["askRate"],
        "q": row["autoExchangeBidBuffer"],
        "g": row["autoExchangeAskBuffer"],
        "Q": row["autoExchangeBidRate"],
        "G": row["autoExchangeAskRate"],
    }
