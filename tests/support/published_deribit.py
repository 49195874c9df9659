"""Deribit: how the figures of its page, of a pinned account and of a public test come out of small books."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from monitor.domain.instrument import MarginTier
from tests.support.published import ONE, Figures, Inputs
from tests.support.small_books import requirement
from tests.support.small_market import Coin, Contract, Leg, Line, OptionTerms, SmallPool

FILES = ("deribit_linear_and_account", "deribit_options_lean_fork", "deribit_pm_superseded")
GOLDEN = ("deribit",)
NOT_OURS = {
    "der-acct-eth-available": "what may be used for orders is no figure that we tell",
    "der-pm-old-offset": "one term of a portfolio margin that the venue has replaced",
    "der-pm-old-options": "one term of a portfolio margin that the venue has replaced",
}
NOTHING = Decimal(0)
HARDLY_ANY = Decimal("1e-12")  # coins: a position of none shows no rate


def _pool(model: str, wallet: Decimal, *legs: Leg) -> SmallPool:
    return SmallPool(model, (Line(Coin("BTC"), wallet, legs),))


def _future_margins(inputs: Inputs) -> Figures:
    """Initial and maintenance margin from the one rate that the case tells."""
    index, size = Decimal(inputs["index_price_usdc"]), Decimal(inputs["size_base"])
    rate, slope = Decimal(inputs["base_rate"]), Decimal(inputs["slope_per_coin"])
    contract = Contract("BTC_USDC", index, (MarginTier(NOTHING, rate, rate, NOTHING, slope),))
    found = requirement(_pool("deribit_linear", NOTHING, Leg(contract, size, index)))
    shown = max(size, HARDLY_ANY)
    of_it = requirement(_pool("deribit_linear", NOTHING, Leg(contract, shown, index))).initial_margin
    return {
        "rate": of_it / float(shown * index),
        "initial_margin": found.initial_margin,
        "maintenance_margin": found.maintenance_margin,
    }


def _margin_balance(inputs: Inputs) -> Figures:
    """Balance, profit of futures since the settlement and profit booked since: of one dollar sold at 1 here.
    The account's short option stands beside, and must not change it."""
    balance, profit, booked = map(Decimal, inputs["terms"])
    step = MarginTier(NOTHING, Decimal("0.01"), Decimal("0.02"), NOTHING)
    future = Contract("BTC-PERPETUAL", ONE / (ONE + profit), (step,), inverse=True)
    put = OptionTerms(strike=Decimal(9000), side=-1, forward=Decimal(10_000))
    option = Contract("BTC-PUT", Decimal("0.0086"), (), inverse=True, option=put)
    legs = (Leg(future, -ONE, ONE), Leg(option, -ONE, NOTHING))
    return {"margin_balance": requirement(_pool("deribit_inverse", balance + booked, *legs)).equity}


def _option_leg(inputs: Inputs, **held: Any) -> Leg:
    side = 1 if inputs.get("option_type") == "call" else -1
    forward = Decimal(inputs["underlying_price"])
    strike = Decimal(inputs.get("strike", forward * 9 / 10))
    mark = Decimal(inputs.get("mark_price_coin", inputs.get("premium_coin")))
    contract = Contract("BTC-OPTION", mark, (), inverse=True, option=OptionTerms(strike, side, forward))
    return Leg(contract, Decimal(held.pop("quantity", inputs.get("position", 0))), NOTHING, **held)


def _in_dollars(inputs: Inputs, leg: Leg) -> Figures:
    price, found = float(inputs["underlying_price"]), requirement(_pool("deribit_inverse", NOTHING, leg))
    return {
        "maintenance_margin": found.maintenance_margin * price,
        "initial_margin": found.initial_margin * price,
    }


def _held(inputs: Inputs) -> Figures:
    return _in_dollars(inputs, _option_leg(inputs))


def _order_to_buy(inputs: Inputs) -> Figures:
    return _in_dollars(inputs, _option_leg(inputs, bids=Decimal(inputs["size"])))


def _short_and_orders(inputs: Inputs) -> Figures:
    """The case tells the margin of the short, not its strike: the put of its file is a tenth out of the
    money, and asks for just that."""
    short = -Decimal(inputs["short_position"])
    alone = _in_dollars(inputs, _option_leg(inputs, quantity=short))
    assert abs(alone["initial_margin"] - inputs["short_im_usd"]) < 1e-9
    orders = Decimal(inputs["buy_orders_total"])
    return _in_dollars(inputs, _option_leg(inputs, quantity=short, bids=orders))


DERIVED: dict[str, Callable[[Inputs], Figures]] = {}
ASSESSED: dict[str, Callable[[Inputs], Figures]] = {
    "deribit_linear_perp_margin": _future_margins,
    "sum": _margin_balance,
    "deribit_inverse_option_mm_usd": _held,
    "deribit_inverse_option_im_usd": _held,
    "deribit_option_buy_order_im_usd": _order_to_buy,
    "deribit_option_short_plus_buy_orders": _short_and_orders,
}
