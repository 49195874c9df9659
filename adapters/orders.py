"""What a venue that takes orders provides. Only the executor knows this page: the monitor's keys can't trade.

An order is told apart from every other by its client order id. A venue answers one of three things: what
became of the order, that it refuses it, or nothing that can be known (every other exception).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, Protocol

import msgspec

from adapters.venue import VenueUnavailable


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One reduce-only limit order, immediate or cancel: it never rests, and takes no worse price."""

    client_id: str
    symbol: str
    side: Literal["buy", "sell"]
    position_side: Literal["", "long", "short"]
    quantity: Decimal
    limit_price: Decimal


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue shows of a position before an order."""

    quantity: Decimal  # signed; 0: there is none
    mark_price: Decimal | None
    ratio: float | None  # maintenance margin over margin balance, of the pool; None: can't be told


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue tells of an order."""

    is_final: bool  # nothing of it can still be filled
    filled: Decimal
    average_price: Decimal | None
    venue_id: str


class OrderRefused(VenueUnavailable):
    """The venue took nothing of the order and will not: `code` is its own word for why."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class UnsupportedVenue(Exception):
    """No orders can be placed at this venue by the built-in executor."""


class OrderVenue(Protocol):
    """One account with a key that may trade. Raises the exceptions of `adapters.venue` and OrderRefused."""

    arrives_within_s: float  # the venue refuses an order that comes later than so long after it was sent

    async def check_key(self) -> None:
        """Raises KeyRefused unless the key can trade and can't withdraw."""

    async def holding(self, symbol: str, position_side: str, pool: str) -> Holding:
        """The position as it is now, its mark, and the ratio of the pool of this name."""

    async def place(self, order: Order) -> Told:
        """Sends the order, once."""

    async def find(self, symbol: str, client_id: str) -> Told | None:
        """What became of an order; None where the venue says that it knows none of this id."""

    async def close(self) -> None:
        """Lets go of connections."""
