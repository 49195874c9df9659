"""Reduce-only orders of a Bybit unified account, through ccxt's raw endpoints.

POST /v5/order/create, GET /v5/order/realtime and /v5/order/history, bybit-exchange.github.io/docs/v5/order,
read 2026-11. The answer to an order is a receipt: what became of it is asked for. An `orderLinkId` that was
used before is refused (110072).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from adapters.bybit.codec import VENUE
from adapters.bybit.frames import Answer, ApiKey, Fault, Page
from adapters.bybit.judging import judge_of
from adapters.bybit.rest import endpoint
from adapters.bybit.state import LEG, SIGN, UNIFIED
from adapters.gate import VenueGate
from adapters.numbers import BadNumber, fact
from adapters.orders import Holding, Order, OrderRefused, Told
from adapters.rest import CcxtRest
from adapters.venue import KeyRefused, UnsupportedMode, VenueUnavailable
from monitor.clock import Clock
from monitor.config import Account
from monitor.names import Metrics

T = TypeVar("T")
Judge = Callable[[int, Mapping[str, str], str], Exception | None]
ARRIVES_WITHIN_S = 5.0  # ccxt's recvWindow for this venue
LEG_NUMBERS = {side: number for number, side in LEG.items()}
FINAL = frozenset({"Filled", "PartiallyFilledCanceled", "Cancelled", "Rejected", "Deactivated"})
OPEN = frozenset({"New", "PartiallyFilled", "Untriggered", "Triggered", "Created"})
# Codes after which the order may be there all the same: time-outs, an internal error, an id that is taken.
TELL_NOTHING = frozenset({10000, 10014, 10016, 10019, 110072, 170007})
MAY_HAVE = frozenset({"AccountTransfer"})  # of the wallet: between one's own accounts of the same user
TRADES = frozenset({"Order"})


class Receipt(msgspec.Struct, frozen=True):
    """The answer to an order."""

    orderId: str
    orderLinkId: str


class PlacedOrder(msgspec.Struct, frozen=True):
    """An order as it is asked for."""

    orderId: str
    orderLinkId: str
    symbol: str
    orderStatus: str
    cumExecQty: str = ""
    avgPrice: str = ""


class Leg(msgspec.Struct, frozen=True):
    """A row of position/list, as far as it is read."""

    symbol: str
    side: str
    size: str
    positionIdx: int
    positionBalance: str = ""
    positionMM: str = ""
    unrealisedPnl: str = ""


class Totals(msgspec.Struct, frozen=True):
    """A unified account, as far as it is read."""

    totalMarginBalance: str = ""
    totalMaintenanceMargin: str = ""


class Ticker(msgspec.Struct, frozen=True):
    """The mark of a symbol."""

    symbol: str
    markPrice: str = ""


class BybitOrders:
    """One account whose key may trade."""

    arrives_within_s = ARRIVES_WITHIN_S

    def __init__(self, account: Account, clock: Clock, metrics: Metrics, gate: VenueGate) -> None:
        self._clock = clock
        self._rest = CcxtRest(
            "bybit",
            VENUE,
            account.credentials,
            lambda _, __: endpoint(account, "rest"),
            order_judge(judge_of(gate, metrics)),
            clock,
            metrics,
            gate,
        )

    async def check_key(self) -> None:
        """Raises KeyRefused unless the key can trade and can't withdraw."""
        await self._read_clock()
        key = (await self._rest.call("privateGetV5UserQueryApi", Answer[ApiKey])).result
        trades = set(key.permissions.get("ContractTrade") or ())
        if key.readOnly == 1 or not trades >= TRADES:
            raise KeyRefused(f"{VENUE}: this key may not trade contracts: no order can be placed")
        too_many = set(key.permissions.get("Wallet") or ()) - MAY_HAVE
        if too_many:
            raise KeyRefused(f"{VENUE}: this key may do more than trade: {', '.join(sorted(too_many))}")

    async def holding(self, symbol: str, position_side: str, pool: str) -> Holding:
        """The position as it is now, its mark, and the ratio of its pool."""
        await self._read_clock()
        asked = {"category": "linear", "symbol": symbol}
        legs = (await self._call("privateGetV5PositionList", Page[Leg], asked)).list
        tickers = (await self._call("publicGetV5MarketTickers", Page[Ticker], asked)).list
        found = [
            leg for leg in legs if leg.symbol == symbol and leg.positionIdx == LEG_NUMBERS[position_side]
        ]
        try:
            marks = [fact(one.markPrice) for one in tickers if one.symbol == symbol]
            return Holding(
                quantity=sum((_signed(leg) for leg in found), Decimal(0)),
                mark_price=marks[0] if marks else None,
                ratio=await self._ratio(pool, found),
            )
        except BadNumber as fault:
            raise VenueUnavailable(f"{VENUE} {symbol}: impossible value: {fault}") from None

    async def place(self, order: Order) -> Told:
        """Sends the order, once; the answer is a receipt, and never final."""
        words = {
            "category": "linear",
            "symbol": order.symbol,
            "side": order.side.capitalize(),
            "orderType": "Limit",
            "timeInForce": "IOC",
            "qty": f"{order.quantity:f}",
            "price": f"{order.limit_price:f}",
            "orderLinkId": order.client_id,
            "reduceOnly": True,
            "positionIdx": LEG_NUMBERS[order.position_side],
        }
        receipt = await self._call("privatePostV5OrderCreate", Receipt, words)
        if receipt.orderLinkId != order.client_id:
            raise VenueUnavailable(f"{VENUE} answered with another order")
        return Told(is_final=False, filled=Decimal(0), average_price=None, venue_id=receipt.orderId)

    async def find(self, symbol: str, client_id: str) -> Told | None:
        """What became of an order: among the recent ones, then in the history."""
        asked = {"category": "linear", "symbol": symbol, "orderLinkId": client_id}
        for name in ("privateGetV5OrderRealtime", "privateGetV5OrderHistory"):
            try:
                rows = (await self._call(name, Page[PlacedOrder], asked)).list
            except OrderRefused as refused:
                raise VenueUnavailable(f"{VENUE}: the order can't be looked up: {refused}") from None
            for row in rows:
                if (row.orderLinkId, row.symbol) == (client_id, symbol):
                    return _told(row)
        return None

    async def close(self) -> None:
        """Lets go of connections."""
        await self._rest.close()

    async def _ratio(self, pool: str, legs: list[Leg]) -> float | None:
        """Of the whole account, or of the one leg where it is isolated; None where there is no balance."""
        if pool != UNIFIED:
            maintenance = sum((fact(leg.positionMM, Decimal(0)) for leg in legs), Decimal(0))
            zero = Decimal(0)
            balance = sum(
                (fact(leg.positionBalance, zero) + fact(leg.unrealisedPnl, zero) for leg in legs), zero
            )
        else:
            asked = {"accountType": "UNIFIED"}
            wallets = (await self._call("privateGetV5AccountWalletBalance", Page[Totals], asked)).list
            if len(wallets) != 1 or not wallets[0].totalMarginBalance:
                return None
            balance = fact(wallets[0].totalMarginBalance)
            maintenance = fact(wallets[0].totalMaintenanceMargin)
        return float(maintenance / balance) if balance > 0 and maintenance >= 0 else None

    async def _call(self, name: str, shape: type[T], asked: Mapping[str, Any]) -> T:
        return (await self._rest.call(name, Answer[shape], asked)).result  # type: ignore[valid-type]

    async def _read_clock(self) -> None:
        asked_ns = self._clock.wall_ns()
        answer = await self._rest.call("publicGetV5MarketTime", Answer[object])
        self._rest.set_server_time(answer.time, asked_ns, self._clock.wall_ns())


def order_judge(judge: Judge) -> Judge:
    """What the reader's judge calls unavailable is a refusal where a code of the venue's own says so."""

    def judged(status: int, headers: Mapping[str, str], body: str) -> Exception | None:
        found = judge(status, headers, body)
        if type(found) is not VenueUnavailable or status >= 400:
            return found
        code = _code(body)
        return found if code is None or code in TELL_NOTHING else OrderRefused(str(found), str(code))

    return judged


def _code(body: str) -> int | None:
    try:
        return msgspec.json.decode(body, type=Fault).retCode
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def _told(row: PlacedOrder) -> Told:
    if row.orderStatus not in FINAL | OPEN:
        raise UnsupportedMode(f"{VENUE}: an order in a state that is not known here")
    try:
        filled = fact(row.cumExecQty, Decimal(0))
        price = fact(row.avgPrice, Decimal(0))
    except BadNumber as fault:
        raise VenueUnavailable(f"{VENUE} order: impossible value: {fault}") from None
    if filled < 0:
        raise VenueUnavailable(f"{VENUE}: an order was filled by no quantity that there is")
    return Told(
        is_final=row.orderStatus in FINAL,
        filled=filled,
        average_price=price if price > 0 else None,
        venue_id=row.orderId,
    )


def _signed(leg: Leg) -> Decimal:
    size = fact(leg.size, Decimal(0))
    if size and leg.side not in SIGN:
        raise BadNumber("side")
    return size * SIGN.get(leg.side, 0)
