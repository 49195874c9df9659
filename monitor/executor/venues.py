"""The venues at which the executor places orders: each proven with real ccxt at the loopback exchange."""

from __future__ import annotations

from collections.abc import Callable

from adapters import VENUES
from adapters.binance_usdm.orders import BinanceOrders
from adapters.bybit.orders import BybitOrders
from adapters.gate import Gates, VenueGate
from adapters.orders import OrderVenue, UnsupportedVenue
from monitor.clock import Clock
from monitor.config import Account
from monitor.config_executor import TradingAccount
from monitor.names import Metrics

MakeOrders = Callable[[Account, Clock, Metrics, VenueGate], OrderVenue]
ORDER_VENUES: dict[str, MakeOrders] = {"binance_usdm": BinanceOrders, "bybit": BybitOrders}


def order_venue(configured: TradingAccount, clock: Clock, metrics: Metrics, gates: Gates) -> OrderVenue:
    """The venue of an account; raises UnsupportedVenue."""
    make = ORDER_VENUES.get(configured.venue)
    if make is None:
        raise UnsupportedVenue(
            f"the executor places no orders at {configured.venue}; it does at {', '.join(ORDER_VENUES)}: "
            "take the requests of other venues with a webhook, a program or a reader of the stream"
        )
    account = configured.as_account
    return make(account, clock, metrics, gates.of(account, VENUES[configured.venue].connects))
