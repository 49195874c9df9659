"""Reduce-only orders at Binance USD-M, through ccxt's raw endpoints.

POST and GET /fapi/v1/order, developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api and
its page of error codes, read 2026-11. The venue checks client ids among *open* orders only, so that it does
not keep us from sending one twice: the journal does.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import msgspec

from adapters.binance_usdm.answers import ServerTime
from adapters.binance_usdm.layout import MULTI_ASSETS, VENUE, isolated_pool
from adapters.binance_usdm.layout import SIDES as LEGS
from adapters.binance_usdm.rest import BAD_KEY, BAD_TIME, endpoints
from adapters.gate import VenueGate
from adapters.orders import Holding, Order, OrderRefused, Told
from adapters.rest import CcxtRest
from adapters.venue import KeyRefused, UnsupportedMode, VenueUnavailable
from monitor.clock import Clock
from monitor.config import Account
from monitor.names import Metrics

ARRIVES_WITHIN_S = 5.0
WINDOW = {"recvWindow": round(ARRIVES_WITHIN_S * 1000)}
SIDES = {"": "BOTH", "long": "LONG", "short": "SHORT"}
FINAL = frozenset({"FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH", "REJECTED"})
OPEN = frozenset({"NEW", "PARTIALLY_FILLED"})
NOT_FOUND = -2013
# Codes after which the order may be there all the same: "execution status unknown", and an id that is taken.
TELL_NOTHING = frozenset({-1000, -1001, -1003, -1006, -1007, -1008, -1015, -1016, -4116})
RIGHTS_TOO_MANY = ("enableWithdrawals", "enableInternalTransfer", "permitsUniversalTransfer")


class PlacedOrder(msgspec.Struct, frozen=True):
    """The answer of both endpoints, as far as it is read."""

    orderId: int
    clientOrderId: str
    status: str
    executedQty: Decimal
    avgPrice: Decimal = Decimal(0)


class Leg(msgspec.Struct, frozen=True):
    """A row of positionRisk, as far as it is read."""

    symbol: str
    positionSide: str
    positionAmt: Decimal
    markPrice: Decimal
    maintMargin: Decimal
    marginAsset: str
    isolatedWallet: Decimal
    unRealizedProfit: Decimal


class Wallet(msgspec.Struct, frozen=True):
    """One margin asset of an account."""

    asset: str
    crossWalletBalance: Decimal
    crossUnPnl: Decimal


class Totals(msgspec.Struct, frozen=True):
    """An account, as far as it is read."""

    totalMaintMargin: Decimal
    totalMarginBalance: Decimal
    assets: list[Wallet]


class Premium(msgspec.Struct, frozen=True):
    """The mark of a symbol."""

    markPrice: Decimal


class _ErrorBody(msgspec.Struct):
    code: int = 0


class BinanceOrders:
    """One account whose key may trade."""

    arrives_within_s = ARRIVES_WITHIN_S

    def __init__(self, account: Account, clock: Clock, metrics: Metrics, gate: VenueGate) -> None:
        self._clock = clock
        self._endpoints = endpoints(account)
        self._is_real = account.environment != "testnet"  # the demo has no list of rights
        self._rest = CcxtRest(
            "binanceusdm", VENUE, account.credentials, self._address, judge, clock, metrics, gate
        )

    async def check_key(self) -> None:
        """Raises KeyRefused unless the key can trade and can't withdraw; measures the venue's clock."""
        await self._read_clock()
        if not self._is_real:
            return
        rights = await self._rest.call("sapiGetAccountApiRestrictions", dict[str, Any])
        if rights.get("enableFutures") is not True:
            raise KeyRefused(f"{VENUE}: this key may not trade futures: no order can be placed")
        too_many = [name for name in RIGHTS_TOO_MANY if rights.get(name) is not False]
        if too_many:
            raise KeyRefused(f"{VENUE}: this key may do more than trade: {', '.join(too_many)}")

    async def holding(self, symbol: str, position_side: str, pool: str) -> Holding:
        """The position as it is now, its mark, and the ratio of its pool."""
        await self._read_clock()
        legs = await self._rest.call("fapiPrivateV3GetPositionRisk", list[Leg], dict(WINDOW))
        premium = await self._rest.call("fapiPublicGetPremiumIndex", Premium, {"symbol": symbol})
        totals = await self._rest.call("fapiPrivateV3GetAccount", Totals, dict(WINDOW))
        legs_of_pool = [leg for leg in legs if _pool_of(leg, pool) == pool]
        quantities = [
            leg.positionAmt
            for leg in legs_of_pool
            if leg.symbol == symbol and leg.positionSide == SIDES[position_side]
        ]
        return Holding(
            quantity=sum(quantities, Decimal(0)),
            mark_price=premium.markPrice,
            ratio=_pool_ratio(pool, legs_of_pool, totals),
        )

    async def place(self, order: Order) -> Told:
        """Sends the order, once; only a code that says so is a refusal."""
        words = {
            "symbol": order.symbol,
            "side": order.side.upper(),
            "type": "LIMIT",
            "timeInForce": "IOC",
            "quantity": f"{order.quantity:f}",
            "price": f"{order.limit_price:f}",
            "newClientOrderId": order.client_id,
            "newOrderRespType": "RESULT",
            **WINDOW,
        }
        if order.position_side:  # in hedge mode a leg can't turn over, and reduceOnly is refused (-1106)
            words["positionSide"] = SIDES[order.position_side]
        else:
            words["reduceOnly"] = "true"
        placed = await self._rest.call("fapiPrivatePostOrder", PlacedOrder, words)
        return _told(placed, order.client_id)

    async def find(self, symbol: str, client_id: str) -> Told | None:
        """What became of an order; None for -2013."""
        words = {"symbol": symbol, "origClientOrderId": client_id, **WINDOW}
        try:
            found = await self._rest.call("fapiPrivateGetOrder", PlacedOrder, words)
        except OrderRefused as refused:
            if refused.code == str(NOT_FOUND):
                return None
            raise VenueUnavailable(f"{VENUE}: the order can't be looked up: {refused}") from None
        return _told(found, client_id)

    async def close(self) -> None:
        """Lets go of connections."""
        await self._rest.close()

    async def _read_clock(self) -> None:
        asked_ns = self._clock.wall_ns()
        time = await self._rest.call("fapiPublicGetTime", ServerTime)
        self._rest.set_server_time(time.serverTime, asked_ns, self._clock.wall_ns())

    def _address(self, name: str, url: str) -> str:
        side = "sapi" if name.startswith("sapi") else "rest"
        return self._endpoints[side] + urlsplit(url).path


def judge(status: int, _: object, body: str) -> Exception | None:
    """A refusal only where the venue's code says that nothing was placed."""
    if status < 400:
        return None
    code = _code(body)
    if code in BAD_KEY or status in {401, 403}:
        return KeyRefused(f"{VENUE} refuses the key ({status}, code {code})")
    if code == 0 or code in TELL_NOTHING or status == 408:
        return VenueUnavailable(f"{VENUE} answered {status}, code {code}: what became of it is not known")
    words = "our timestamp is refused" if code == BAD_TIME else f"answered {status}"
    return OrderRefused(f"{VENUE}: {words} (code {code})", str(code))


def _code(body: str) -> int:
    try:
        return msgspec.json.decode(body, type=_ErrorBody).code
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return 0


def _told(placed: PlacedOrder, client_id: str) -> Told:
    if placed.clientOrderId != client_id:
        raise VenueUnavailable(f"{VENUE} answered with another order")
    if placed.status not in FINAL | OPEN:
        raise UnsupportedMode(f"{VENUE}: an order in a state that is not known here")
    if not (placed.executedQty.is_finite() and placed.executedQty >= 0):
        raise VenueUnavailable(f"{VENUE}: an order was filled by no quantity that there is")
    price = placed.avgPrice if placed.avgPrice.is_finite() and placed.avgPrice > 0 else None
    return Told(
        is_final=placed.status in FINAL,
        filled=placed.executedQty,
        average_price=price,
        venue_id=str(placed.orderId),
    )


def _pool_of(leg: Leg, asked: str) -> str:
    """The pool that a leg is in; the account's mode is known by the name of the pool that is asked for."""
    if leg.isolatedWallet:
        return isolated_pool(leg.symbol, LEGS[leg.positionSide])
    return MULTI_ASSETS if asked == MULTI_ASSETS else f"cross-{leg.marginAsset}"


def _pool_ratio(pool: str, legs: list[Leg], totals: Totals) -> float | None:
    if pool == MULTI_ASSETS:
        return _ratio(totals.totalMaintMargin, totals.totalMarginBalance)
    maintenance = sum((leg.maintMargin for leg in legs), Decimal(0))
    if pool.startswith("cross-"):
        wallets = [one for one in totals.assets if f"cross-{one.asset}" == pool]
        return _ratio(
            maintenance, sum((one.crossWalletBalance + one.crossUnPnl for one in wallets), Decimal(0))
        )
    return _ratio(maintenance, sum((leg.isolatedWallet + leg.unRealizedProfit for leg in legs), Decimal(0)))


def _ratio(maintenance: Decimal, balance: Decimal) -> float | None:
    """None where there is no balance: a venue that shows none is broken, or the pool is gone."""
    if not (maintenance.is_finite() and balance.is_finite()) or balance <= 0 or maintenance < 0:
        return None
    return float(maintenance / balance)
