"""BitMEX: how its published figures come out of small books. Kraken has published tables, and no figure."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from tests.support.published import ONE, Figures, Inputs, schedule_of
from tests.support.small_books import price_of, requirement, surveyed
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool

FILES = ("bitmex_samples",)
GOLDEN = ("bitmex",)
NOT_OURS = {
    "bitmex-ethusdt-posmargin": "a sum of two figures, each of which is run by itself",
    "bitmex-xbt-margin-excess": "what an account has over is no figure that we tell; its equity is run",
}
NOTHING = Decimal(0)
FLAT = schedule_of(Decimal("0.01"), NOTHING)


def _pool(wallet: Decimal, leg: Leg) -> SmallPool:
    return SmallPool("bitmex_isolated", (Line(Coin("USDT"), wallet, (leg,)),))


def _of_cost(cost: Decimal, leverage: Decimal = ONE, fee: Decimal = NOTHING, mark: Decimal = ONE) -> Leg:
    """A long of which the venue told only the cost: so many units at 1."""
    return Leg(Contract("A", mark, FLAT, taker_fee=fee), cost, ONE, leverage)


def _initial(inputs: Inputs) -> Figures:
    leg = _of_cost(Decimal(inputs["a"]), Decimal(inputs["b"]))
    return {"value": requirement(_pool(NOTHING, leg)).initial_margin}


def _commission(inputs: Inputs) -> Figures:
    """What a fee adds to the initial margin that was told."""
    cost, initial = Decimal(inputs["pos_cost"]), Decimal(inputs["pos_init"])
    leg = _of_cost(cost, cost / initial, Decimal(inputs["taker_fee"]))
    return {"value": requirement(_pool(NOTHING, leg)).initial_margin - float(initial)}


def _equity(inputs: Inputs) -> Figures:
    """Margin and profit: of one unit that was bought at 1 and rose by the profit."""
    margin, profit = (Decimal(term) for term in inputs["terms"])
    found = requirement(_pool(margin, _of_cost(ONE, mark=1 + profit))).equity
    return {"value": found, "equity": found}


def _profit(inputs: Inputs) -> Figures:
    cost = Decimal(inputs["pos_cost"])
    leg = _of_cost(cost, mark=Decimal(inputs["mark_value"]) / cost)
    return {"upnl": requirement(_pool(NOTHING, leg)).equity}


def _liquidation(inputs: Inputs) -> Figures:
    """All that the venue requires as one rate of the cost: its parts are in the test of the model."""
    cost, entry = Decimal(inputs["pos_cost"]), Decimal(inputs["entry_price"])
    schedule = schedule_of(Decimal(inputs["pos_maint"]) / cost, NOTHING)
    leg = Leg(Contract("A", entry, schedule), inputs["side"] * cost / entry, entry)
    return {"liquidation_price": price_of(_pool(Decimal(inputs["pos_margin"]), leg))}


def _bankruptcy(inputs: Inputs) -> Figures:
    """Where the initial margin alone is lost."""
    entry, leverage = Decimal(inputs["entry_price"]), Decimal(inputs["leverage"])
    held = _pool(entry / leverage, Leg(Contract("A", entry, FLAT), Decimal(inputs["side"]), entry, leverage))
    return {"bankruptcy_price": float(surveyed(held).legs.bankruptcy[0])}


DERIVED: dict[str, Callable[[Inputs], Figures]] = {}
ASSESSED: dict[str, Callable[[Inputs], Figures]] = {
    "divide": _initial,
    "bitmex_poscomm_long": _commission,
    "sum": _equity,
    "bitmex_upnl_cost": _profit,
    "bitmex_liq_linear": _liquidation,
    "bitmex_bankrupt_linear": _bankruptcy,
}
