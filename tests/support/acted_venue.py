"""A venue that knows the truth, takes orders, and writes down each one beside what was so at that moment."""

from __future__ import annotations

import asyncio
import math
from decimal import Decimal
from typing import NamedTuple

from adapters.orders import Holding, Order, OrderRefused, Told
from adapters.venue import VenueUnavailable
from tests.support.acted_scenario import SYMBOLS, Scenario

BASE = {"BTCUSDT": 60_000.0, "ETHUSDT": 3_000.0}
HELD = {"BTCUSDT": Decimal("1.000"), "ETHUSDT": Decimal("-20.000")}
WALLET = 6_100.0
RATE = 0.01  # of maintenance margin
STEP = Decimal("0.001")


class Truth:
    """Prices and holdings as they are."""

    def __init__(self, scenario: Scenario) -> None:
        self._fall = scenario.fall
        self.held = dict(HELD)
        self.wallet = WALLET

    def mark(self, symbol: str, at_s: float) -> float:
        """The first falls within ten seconds, the second hardly moves."""
        fall = self._fall * min(1.0, max(0.0, at_s) / 10) if symbol == SYMBOLS[0] else 0.0
        return BASE[symbol] * (1 - fall + 0.0005 * math.sin(at_s))

    def ratio(self, at_s: float) -> float | None:
        """Maintenance margin over equity."""
        marks = {symbol: self.mark(symbol, at_s) for symbol in SYMBOLS}
        return ratio_of(self.wallet, {s: float(q) for s, q in self.held.items()}, marks)

    def fill(self, order: Order, quantity: Decimal, at_s: float) -> None:
        """Moves the position; its profit since the start goes to the wallet."""
        sign = 1 if order.side == "buy" else -1
        self.held[order.symbol] += sign * quantity
        self.wallet -= sign * float(quantity) * (self.mark(order.symbol, at_s) - BASE[order.symbol])


def ratio_of(wallet: float, held: dict[str, float], marks: dict[str, float]) -> float | None:
    """Of a pool whose entries are the base prices; None: equity gone."""
    equity = wallet + sum(quantity * (marks[s] - BASE[s]) for s, quantity in held.items())
    needed = sum(abs(quantity) * marks[s] * RATE for s, quantity in held.items())
    return needed / equity if equity > 0 else None


class Accepted(NamedTuple):
    """An order that the venue took."""

    order: Order
    at_s: float
    mark: float
    held_before: Decimal
    filled: Decimal


class ActedVenue:
    """An OrderVenue in virtual time."""

    arrives_within_s = 5.0

    def __init__(self, scenario: Scenario, truth: Truth) -> None:
        self._scenario = scenario
        self._truth = truth
        self.accepted: list[Accepted] = []

    async def check_key(self) -> None:
        """It may trade."""

    async def close(self) -> None:
        """Nothing is open."""

    async def holding(self, symbol: str, position_side: str, pool: str) -> Holding:
        """The truth, or what this venue makes of it."""
        await self._travel()
        return Holding(
            quantity=self._truth.held[symbol] * self._scenario.lie,
            mark_price=Decimal(repr(self._truth.mark(symbol, _now_s()))),
            ratio=None if self._scenario.no_balances else self._truth.ratio(_now_s()),
        )

    async def place(self, order: Order) -> Told:
        """Takes the order, unless it gets lost before; tells so, unless that gets lost."""
        await asyncio.sleep(self._scenario.slow_s)
        if self._is_due(self._scenario.lost_orders):
            raise VenueUnavailable("the order got lost")
        held = self._truth.held[order.symbol]
        room = held if order.side == "sell" else -held
        if room <= 0 or self._is_due(self._scenario.refused_orders):
            raise OrderRefused("ReduceOnly Order is rejected", "-2022")
        part = Decimal(self._scenario.rng.choice(self._scenario.fill))
        filled = (min(order.quantity, room) * part) // STEP * STEP
        at_s = _now_s()
        self.accepted.append(Accepted(order, at_s, self._truth.mark(order.symbol, at_s), held, filled))
        self._truth.fill(order, filled, at_s)
        if self._is_due(self._scenario.lost_answers):
            raise VenueUnavailable("the answer got lost")
        return self._told(self.accepted[-1])

    async def find(self, symbol: str, client_id: str) -> Told | None:
        """By its id."""
        await self._travel()
        for one in reversed(self.accepted):
            if one.order.client_id == client_id and one.order.symbol == symbol:
                return self._told(one)
        return None

    async def _travel(self) -> None:
        await asyncio.sleep(self._scenario.slow_s)
        if self._is_due(self._scenario.silent_venue):
            raise VenueUnavailable("no answer")

    def _is_due(self, share: float) -> bool:
        return share > 0 and self._scenario.rng.random() < share

    def _told(self, one: Accepted) -> Told:
        price = Decimal(repr(one.mark)) if one.filled else None
        number = str(self.accepted.index(one) + 1)
        return Told(is_final=True, filled=one.filled, average_price=price, venue_id=number)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
