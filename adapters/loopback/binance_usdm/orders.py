"""POST and GET /fapi/v1/order.

As on the venue, client ids are compared with those of open orders only; what was sent twice counts twice.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from adapters.loopback.amounts import ZERO, plain
from adapters.loopback.binance_usdm.auth import Refused
from adapters.loopback.binance_usdm.catalog import VENUE
from adapters.loopback.binance_usdm.position_answers import WIRE_SIDES
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

Parameters = dict[str, str]
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
        self.matching = Matching(VENUE, world, faults)

    def place(self, account: Account, parameters: Parameters) -> Any:
        """One order; raises what the venue would answer."""
        if not account.can_trade:
            raise Refused(401, -2015, "Invalid API-key, IP, or permissions for action.")
        contract, order = self._read(account, parameters)
        if any(other.is_open for other in account.orders_of(order.client_id)):
            raise Refused(400, -4116, "ClientOrderId is duplicated.")
        try:
            self.matching.take(account, contract, order)
        except Lost:
            raise NOT_KNOWN from None
        except NothingToReduce:
            raise Refused(400, -2022, "ReduceOnly Order is rejected.") from None
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
            number=next_number(account),
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
        return multiple_of(text, step)
    except NoNumber:
        raise Refused(400, -4003, "Quantity less than or equal to zero.") from None
    except NoMultiple:
        raise Refused(400, -1111, "Precision is over the maximum defined for this asset.") from None


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
