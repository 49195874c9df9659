"""POST and GET /fapi/v1/order: everything is filled at the mark, at once, or not at all.

As on the venue, client ids are compared with those of open orders only; what was sent twice counts twice.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from aiohttp import web

from adapters.loopback.amounts import ZERO, plain
from adapters.loopback.binance_usdm.auth import Refused
from adapters.loopback.binance_usdm.catalog import VENUE
from adapters.loopback.binance_usdm.position_answers import WIRE_SIDES
from adapters.loopback.faults import Faults
from adapters.loopback.holdings import Account, Contract, PlacedOrder
from adapters.loopback.world import World

Parameters = dict[str, str]
Kind = Literal["cut_answers", "lost_answers", "lost_orders"]
NOT_KNOWN = Refused(
    408,
    -1007,
    "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
)
LEGS = {wire: side for side, wire in WIRE_SIDES.items()}
LONGEST_ID = 36


class OrderDesk:
    """Takes orders, fills them, and tells of them."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self._faults = faults

    def takes_from(self, kind: Kind, account: Account) -> bool:
        """Whether this fault is due for the account; each time is one less."""
        orders = self._faults.of_account(account.id).orders
        left: int = getattr(orders, kind)
        if left:
            setattr(orders, kind, left - 1)
        return left > 0

    def place(self, account: Account, parameters: Parameters) -> Any:
        """One order; raises what the venue would answer."""
        if not account.can_trade:
            raise Refused(401, -2015, "Invalid API-key, IP, or permissions for action.")
        contract, order = self._read(account, parameters)
        if any(other.is_open for other in account.orders_of(order.client_id)):
            raise Refused(400, -4116, "ClientOrderId is duplicated.")
        if self.takes_from("lost_orders", account):
            raise NOT_KNOWN
        room = _room(account, order)
        if order.is_reduce_only and room <= 0:
            raise Refused(400, -2022, "ReduceOnly Order is rejected.")
        account.orders.append(order)
        wanted = min(order.quantity, room) if order.is_reduce_only else order.quantity
        if parameters["type"] == "MARKET" or _crosses(order, self._mark(contract)):
            self._fill(account, contract, order, wanted, room)
        return _answer(order)

    def find(self, account: Account, parameters: Parameters) -> Any:
        """An order by the venue's number or by the client's id."""
        if "orderId" not in parameters and "origClientOrderId" not in parameters:
            words = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty."
            raise Refused(400, -1102, words)
        for order in reversed(account.orders):
            is_it = str(order.number) == parameters.get("orderId") or (
                "orderId" not in parameters and order.client_id == parameters["origClientOrderId"]
            )
            if is_it and order.symbol == parameters.get("symbol"):
                return _answer(order)
        raise Refused(400, -2013, "Order does not exist.")

    def _fill(
        self, account: Account, contract: Contract, order: PlacedOrder, wanted: Decimal, room: Decimal
    ) -> None:
        part = self._faults.of_account(account.id).orders.fill
        order.filled = (wanted * part) // contract.step * contract.step
        moved = min(order.filled, room) if order.position_side else order.filled
        if not order.filled:
            return
        order.average_price = self._mark(contract)
        sign = 1 if order.side == "buy" else -1
        self._world.trade(account, order.symbol, sign * moved, order.average_price, order.position_side)

    def _mark(self, contract: Contract) -> Decimal:
        return self._world.quote(VENUE, contract.symbol).mark

    def _read(self, account: Account, parameters: Parameters) -> tuple[Contract, PlacedOrder]:
        for name in ("symbol", "side", "type", "quantity", *_wanted(parameters)):
            if not parameters.get(name):
                words = f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
                raise Refused(400, -1102, words)
        contract = self._world.contracts.get((VENUE, parameters["symbol"]))
        if contract is None:
            raise Refused(400, -1121, "Invalid symbol.")
        if parameters["side"] not in {"BUY", "SELL"}:
            raise Refused(400, -1117, "Invalid side.")
        order = PlacedOrder(
            number=1_000_001 + len(account.orders),
            client_id=_client_id(parameters, len(account.orders)),
            symbol=contract.symbol,
            side=parameters["side"].lower(),
            position_side=_leg(account, parameters),
            quantity=_multiple(parameters["quantity"], contract.step),
            limit_price=_multiple(parameters["price"], contract.tick) if "price" in parameters else None,
            is_reduce_only=parameters.get("reduceOnly") == "true",
            at_ms=self._world.now_ms(),
        )
        return contract, order


def _wanted(parameters: Parameters) -> tuple[str, ...]:
    if parameters.get("type") == "MARKET":
        return ()
    if parameters.get("type") != "LIMIT":
        raise Refused(400, -1116, "Invalid orderType.")
    if parameters.get("timeInForce") != "IOC":  # nothing rests here
        raise Refused(400, -1115, "Invalid timeInForce.")
    return ("price",)


def _client_id(parameters: Parameters, count: int) -> str:
    given = parameters.get("newClientOrderId", f"web_{count}")
    if len(given) > LONGEST_ID:
        raise Refused(400, -4015, "Client order id length should be less than 36 chars")
    return given


def _leg(account: Account, parameters: Parameters) -> str:
    side = LEGS.get(parameters.get("positionSide", "BOTH"))
    if side is None or bool(side) != account.hedge:
        raise Refused(400, -4061, "Order's position side does not match user's setting.")
    if side and "reduceOnly" in parameters:
        raise Refused(400, -1106, "Parameter 'reduceonly' sent when not required.")
    return side


def _multiple(text: str, step: Decimal) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise Refused(400, -1100, "Illegal characters found in a parameter.") from None
    if not number.is_finite() or number <= 0:
        raise Refused(400, -4003, "Quantity less than or equal to zero.")
    if number % step:
        raise Refused(400, -1111, "Precision is over the maximum defined for this asset.")
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


def _answer(order: PlacedOrder) -> dict[str, Any]:
    price = plain(order.average_price or ZERO)
    kind = "MARKET" if order.limit_price is None else "LIMIT"
    return {
        "orderId": order.number,
        "symbol": order.symbol,
        "status": "FILLED" if order.filled >= order.quantity else "EXPIRED",
        "clientOrderId": order.client_id,
        "price": plain(order.limit_price or ZERO),
        "avgPrice": price,
        "origQty": plain(order.quantity),
        "executedQty": plain(order.filled),
        "cumQty": plain(order.filled),
        "cumQuote": plain(order.filled * (order.average_price or ZERO)),
        "timeInForce": "IOC",
        "type": kind,
        "reduceOnly": order.is_reduce_only,
        "closePosition": False,
        "side": order.side.upper(),
        "positionSide": WIRE_SIDES[order.position_side],
        "stopPrice": "0",
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": kind,
        "time": order.at_ms,
        "updateTime": order.at_ms,
    }


async def reset(request: web.Request) -> web.StreamResponse:
    """No answer: the connection is torn down."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
