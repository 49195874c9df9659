"""POST /v5/order/create, GET /v5/order/realtime and /v5/order/history, for linear contracts.

The answer to an order is a receipt only, as on the venue: what became of it is asked for.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from adapters.loopback.amounts import ZERO, plain
from adapters.loopback.bybit.account_answers import LEG_NUMBERS
from adapters.loopback.bybit.auth import Refused
from adapters.loopback.bybit.catalog import VENUE
from adapters.loopback.faults import Faults
from adapters.loopback.holdings import Account, Contract, PlacedOrder
from adapters.loopback.matching import (
    Lost,
    Matching,
    NoMultiple,
    NoNumber,
    NothingToReduce,
    multiple_of,
    next_number,
)
from adapters.loopback.world import World

NOT_KNOWN = Refused(10000, "Server Timeout")
LEGS = {number: side for side, number in LEG_NUMBERS.items()}
LONGEST_ID = 36


class Wanted(msgspec.Struct, frozen=True):
    """The body of an order, as far as it is served."""

    category: str
    symbol: str
    side: str
    orderType: str
    qty: str
    price: str = ""
    timeInForce: str = "GTC"
    positionIdx: int = 0
    orderLinkId: str = ""
    reduceOnly: bool = False


class OrderDesk:
    """Takes orders, and tells of them."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self.matching = Matching(VENUE, world, faults)

    def place(self, account: Account, body: str) -> Any:
        """One order; raises what the venue would answer."""
        if not account.can_trade:
            raise Refused(10005, "Permission denied, please check your API key permissions.")
        try:
            wanted = msgspec.json.decode(body, type=Wanted)
        except msgspec.DecodeError as wrong:
            raise Refused(10001, f"params error: {wrong}") from None
        contract, order = self._read(account, wanted)
        if order.client_id and account.orders_of(order.client_id):
            raise Refused(110072, "OrderLinkedID is duplicate")
        try:
            self.matching.take(account, contract, order)
        except Lost:
            raise NOT_KNOWN from None
        except NothingToReduce:
            raise Refused(110017, "current position is zero, cannot fix reduce-only order qty") from None
        return {"orderId": str(order.number), "orderLinkId": order.client_id}

    def find(self, account: Account, parameters: dict[str, str]) -> Any:
        """Orders of a symbol, by the client's id where one is given."""
        wanted = parameters.get("orderLinkId")
        rows = [
            _row(order)
            for order in reversed(account.orders)
            if order.symbol == parameters.get("symbol", order.symbol) and wanted in {None, order.client_id}
        ]
        return {"category": parameters.get("category", ""), "list": rows, "nextPageCursor": ""}

    def _read(self, account: Account, wanted: Wanted) -> tuple[Contract, PlacedOrder]:
        contract = self._world.contracts.get((VENUE, wanted.symbol))
        if contract is None or wanted.category != "linear":
            raise Refused(10001, "params error: symbol invalid")
        if wanted.side not in {"Buy", "Sell"} or len(wanted.orderLinkId) > LONGEST_ID:
            raise Refused(10001, "params error: side or orderLinkId invalid")
        if wanted.orderType != "Limit" or wanted.timeInForce != "IOC":  # nothing rests here
            raise Refused(10001, "params error: orderType or timeInForce invalid")
        leg = LEGS.get(wanted.positionIdx)
        if leg is None or bool(leg) != account.hedge:
            raise Refused(10001, "position idx not match position mode")
        order = PlacedOrder(
            number=next_number(account),
            client_id=wanted.orderLinkId,
            symbol=contract.symbol,
            side=wanted.side.lower(),
            position_side=leg,
            quantity=_multiple(wanted.qty, contract.step),
            limit_price=_multiple(wanted.price, contract.tick),
            is_reduce_only=wanted.reduceOnly,
            at_ms=self._world.now_ms(),
        )
        return contract, order


def _multiple(text: str, step: Decimal) -> Decimal:
    try:
        return multiple_of(text, step)
    except (NoNumber, NoMultiple):
        raise Refused(10001, "params error: qty or price invalid") from None


def _row(order: PlacedOrder) -> dict[str, Any]:
    status = "Filled" if order.filled >= order.quantity else "PartiallyFilledCanceled"
    return {
        "orderId": str(order.number),
        "orderLinkId": order.client_id,
        "symbol": order.symbol,
        "side": order.side.capitalize(),
        "orderType": "Limit",
        "orderStatus": status if order.filled else "Cancelled",
        "price": plain(order.limit_price or ZERO),
        "qty": plain(order.quantity),
        "cumExecQty": plain(order.filled),
        "cumExecValue": plain(order.filled * (order.average_price or ZERO)),
        "avgPrice": plain(order.average_price) if order.average_price else "",
        "leavesQty": "0",
        "timeInForce": "IOC",
        "positionIdx": LEG_NUMBERS[order.position_side],
        "reduceOnly": order.is_reduce_only,
        "createdTime": str(order.at_ms),
        "updatedTime": str(order.at_ms),
    }
