"""Orders on the loopback exchange, in no venue's format: filled at the mark, at once, or not at all."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Literal

from adapters.loopback.amounts import ZERO
from adapters.loopback.faults import Faults
from adapters.loopback.holdings import Account, Contract, PlacedOrder
from adapters.loopback.world import World

Kind = Literal["cut_answers", "lost_answers", "lost_orders"]
FIRST_NUMBER = 1_000_001


class Lost(Exception):
    """A fault: the order never comes to the book, and nobody knows."""


class NothingToReduce(Exception):
    """A reduce-only order that would open or add to a position."""


class NoMultiple(Exception):
    """A price or quantity that is not on the contract's grid."""


class NoNumber(Exception):
    """A price or quantity that is none, or not above zero."""


class Matching:
    """Takes orders and fills them, as the faults say."""

    def __init__(self, venue: str, world: World, faults: Faults) -> None:
        self._venue = venue
        self._world = world
        self._faults = faults

    def is_due(self, kind: Kind, account: Account) -> bool:
        """Whether this fault is due for the account; each time is one less."""
        orders = self._faults.of_account(account.id).orders
        left: int = getattr(orders, kind)
        if left:
            setattr(orders, kind, left - 1)
        return left > 0

    def take(self, account: Account, contract: Contract, order: PlacedOrder) -> None:
        """Keeps the order and fills it; raises Lost or NothingToReduce."""
        if self.is_due("lost_orders", account):
            raise Lost
        room = _room(account, order)
        if order.is_reduce_only and room <= 0:
            raise NothingToReduce
        account.orders.append(order)
        mark = self._world.quote(self._venue, contract.symbol).mark
        if _crosses(order, mark):
            self._fill(account, contract, order, room, mark)

    def _fill(
        self, account: Account, contract: Contract, order: PlacedOrder, room: Decimal, mark: Decimal
    ) -> None:
        wanted = min(order.quantity, room) if order.is_reduce_only else order.quantity
        part = self._faults.of_account(account.id).orders.fill
        order.filled = (wanted * part) // contract.step * contract.step
        moved = min(order.filled, room) if order.position_side else order.filled
        if not order.filled:
            return
        order.average_price = mark
        sign = 1 if order.side == "buy" else -1
        self._world.trade(account.id, order.symbol, sign * moved, mark, order.position_side)


def next_number(account: Account) -> int:
    """The exchange's own number of the next order."""
    return FIRST_NUMBER + len(account.orders)


def multiple_of(text: str, step: Decimal) -> Decimal:
    """A price or quantity on its grid; raises NoNumber or NoMultiple."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise NoNumber from None
    if not number.is_finite() or number <= 0:
        raise NoNumber
    if number % step:
        raise NoMultiple
    return number


def _room(account: Account, order: PlacedOrder) -> Decimal:
    """By how much the order may reduce what is there; negative where it would add to it."""
    held = account.positions.get((order.symbol, order.position_side))
    if held is None:
        return ZERO
    return held.quantity if order.side == "sell" else -held.quantity


def _crosses(order: PlacedOrder, mark: Decimal) -> bool:
    if order.limit_price is None:
        return True
    return order.limit_price <= mark if order.side == "sell" else order.limit_price >= mark
