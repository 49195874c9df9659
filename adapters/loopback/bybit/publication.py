"""Tickers: a whole one on subscribing, then every 100 ms what has changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from adapters.loopback.bybit import market_answers
from adapters.loopback.bybit.catalog import VENUE
from adapters.loopback.faults import Faults
from adapters.loopback.holdings import Contract, Quote
from adapters.loopback.world import World

Body = dict[str, Any]


@dataclass(frozen=True)
class Frame:
    """One message of one topic of one category."""

    category: str
    topic: str
    text: str


class Publication:
    """What the venue says of its prices: the world's, unless a fault freezes or hides them."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self._faults = faults
        self._marks: dict[str, Quote] = {}
        self._sent: dict[str, Body] = {}
        self._sequence = 753_000_000_000

    def quote(self, contract: Contract) -> Quote:
        """The quote as published: while frozen, the mark is the one of before."""
        true = self._world.quote(VENUE, contract.symbol)
        if self._faults.of(VENUE).is_frozen(contract.symbol):
            return replace(true, mark=self._marks.setdefault(contract.symbol, replace(true)).mark)
        self._marks[contract.symbol] = replace(true)
        return true

    def snapshot(self, category: str, symbol: str) -> str | None:
        """The whole ticker for a new subscriber: what the others hold by now. None while it is hidden."""
        if self._is_hidden(symbol):
            return None
        if category == "spot":
            return self._spot(symbol.removesuffix("USDT"))
        contract = self._world.contracts[VENUE, symbol]
        whole = self._sent.setdefault(symbol, self._ticker(contract))
        return self._message(symbol, "snapshot", whole)

    def frames(self, symbols: Sequence[str] | None = None) -> Iterator[Frame]:
        """The frames of this moment; of some symbols only when named (then of linear contracts only)."""
        for contract in self._world.contracts_of(VENUE):
            symbol = contract.symbol
            if (symbols is None or symbol in symbols) and not self._is_hidden(symbol):
                text = self._message(symbol, "delta", self._changes(contract))
                yield Frame("linear", f"tickers.{symbol}", text)
        if symbols is None and not self._faults.of(VENUE).is_silent("public"):
            for asset in self._world.assets_of(VENUE):
                if asset != "USDT":
                    yield Frame("spot", f"tickers.{asset}USDT", self._spot(asset))

    def _is_hidden(self, symbol: str) -> bool:
        state = self._faults.of(VENUE)
        return state.is_silent("public") or symbol in state.muted_symbols

    def _changes(self, contract: Contract) -> Body:
        now = self._ticker(contract)
        before = self._sent.get(contract.symbol, {})
        self._sent[contract.symbol] = now
        changed = {name: value for name, value in now.items() if before.get(name) != value}
        return {"symbol": contract.symbol, **changed}

    def _ticker(self, contract: Contract) -> Body:
        return market_answers.ticker(contract, self.quote(contract), self._world.now_ms())

    def _spot(self, asset: str) -> str:
        assets = self._world.assets_of(VENUE)
        body = market_answers.spot_ticker(asset, assets[asset], assets["USDT"])
        return self._message(f"{asset}USDT", "snapshot", body)

    def _message(self, symbol: str, kind: str, data: Body) -> str:
        self._sequence += 1
        state = self._faults.of(VENUE)
        at_ms = self._world.now_ms() + state.clock_ahead_ms - state.event_age_ms
        body = {
            "topic": f"tickers.{symbol}",
            "type": kind,
            "data": data,
            "cs": self._sequence,
            "ts": at_ms,
        }
        return msgspec.json.encode(body).decode()
