"""Drift v2: how the figures of its own tests come out of small books."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from monitor.domain.instrument import MarginTier
from monitor.margin.drift import scaled_initial_weight
from monitor.margin.models import MODELS
from monitor.margin.rows import Requirement
from monitor.margin.venue_words import venue_figure
from tests.support.published import ONE, Figures, Inputs
from tests.support.small_books import decimal_book, requirement, surveyed
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool

FILES = ("drift_liquidation_size", "drift_margin", "drift_sdk")
GOLDEN = ("drift",)
RESTORED = "how far a liquidation goes once it has begun is no figure that we tell"
TRANSFER = "which token a liquidator takes for which debt is no figure that we tell; what to add or to cut is"
BARE = "one divided by a margin ratio, which is run"
UNWEIGHTED = "what an account is worth without weights is no figure that we tell"
NOT_OURS = {
    "drift-liabtransfer-2": TRANSFER,
    "drift-liabtransfer-3": TRANSFER,
    "drift-liabtransfer-4": TRANSFER,
    "drift-neg-pnl-buffer": RESTORED,
    "drift-iso-cross-buf": RESTORED,
    "drift-iso-iso-buf": RESTORED,
    "drift-equity-2": UNWEIGHTED,
    "drift-equity-3": UNWEIGHTED,
    "drift-maxlev-1": BARE,
    "drift-maxlev-2": BARE,
    "drift-maxlev-3": BARE,
}
NOTHING = Decimal(0)
HUNDRED = Decimal(100)
IN_STEPS = 10_000  # weights and ratios of the venue
MILLION = 10**6  # imf_factor, prices and dollars of the venue
BILLION = 10**9  # sizes of the venue
USDC = Coin("USDC")
ENOUGH = 1e9


def _step(maintenance: Decimal, initial: Decimal, imf: int = 0) -> tuple[MarginTier, ...]:
    return (MarginTier(NOTHING, maintenance, initial, NOTHING, Decimal(imf) / MILLION),)


def _leg(size: Any, mark: Any, entry: Any, ratio: Any = 0, imf: int = 0, **more: Any) -> Leg:
    """A perpetual at one ratio, where the user allows himself any leverage."""
    schedule = _step(Decimal(ratio), Decimal(more.pop("initial_ratio", ratio)), imf)
    return Leg(Contract("PERP", Decimal(mark), schedule, **more), Decimal(size), Decimal(entry), NOTHING)


def _exactly(*lines: Line) -> Requirement[Decimal]:
    found: Requirement[Decimal] = MODELS["drift"].assess(0, decimal_book(SmallPool("drift", lines)))
    return found


def _asset_weight(inputs: Inputs) -> Figures:
    """Of a deposit at a dollar; the weight of a gain is the same function of its billionths."""
    weight, size = Decimal(inputs["asset_weight"]) / IN_STEPS, Decimal(inputs["size_1e9"]) / BILLION
    coin = Coin("TOKEN", ONE, tiers=_step(weight, weight, inputs["imf_factor"]))
    found = requirement(SmallPool("drift", (Line(coin, size),)))
    return {"value": found.equity / float(size) * IN_STEPS}


def _liability_weight(inputs: Inputs) -> Figures:
    """Of a debt at a dollar."""
    beyond, size = Decimal(inputs["liability_weight"]) / IN_STEPS - 1, Decimal(inputs["size_1e9"]) / BILLION
    coin = Coin("TOKEN", ONE, liability=_step(beyond, beyond, inputs["imf_factor"]))
    found = requirement(SmallPool("drift", (Line(coin, NOTHING, borrowed=size),)))
    return {"value": found.maintenance_margin / float(size) * IN_STEPS}


def _scaled_weight(inputs: Inputs) -> Figures:
    """Of the initial weight, by what all users have deposited."""
    deposits = Decimal(inputs["deposits_tokens"]) * inputs["oracle_price"]
    weight = Decimal(inputs["initial_asset_weight"]) / IN_STEPS
    return {
        "value": float(scaled_initial_weight(weight, Decimal(inputs["scale_start_usd"]), deposits)) * IN_STEPS
    }


def _perpetual_margin(inputs: Inputs) -> Figures:
    """Initial margin of a position entered at mark, to the millionth below."""
    price, size = Decimal(inputs["oracle_price_1e6"]) / MILLION, Decimal(inputs["base_1e9"]) / BILLION
    ratio = Decimal(inputs["margin_ratio"]) / IN_STEPS
    found = _exactly(Line(USDC, NOTHING, (_leg(size, price, price, ratio, inputs["imf_factor"]),)))
    return {"initial_margin": float(found.initial_margin * MILLION // 1)}


def _profit(inputs: Inputs) -> Figures:
    """All that a pool without deposits has."""
    size, price = Decimal(inputs["base_1e9"]) / BILLION, Decimal(inputs["oracle_price_1e6"]) / MILLION
    entry = -Decimal(inputs["quote_1e6"]) / MILLION / size
    return {
        "upnl": requirement(SmallPool("drift", (Line(USDC, NOTHING, (_leg(size, price, entry),)),))).equity
        * MILLION
    }


def _capped_gain(inputs: Inputs) -> Figures:
    """What of a gain is left for initial margin: what the gain raises it by is what is lost of the gain."""
    gain, _ = (Decimal(term) / MILLION for term in inputs["terms"])
    won, even = _leg(1, 100 + gain, 100, "0.1"), _leg(1, 100 + gain, 100 + gain, "0.1")
    found, without = (_exactly(Line(USDC, NOTHING, (leg,))) for leg in (won, even))
    lost = found.initial_margin - without.initial_margin
    return {"value": float((found.equity - lost) * MILLION)}


def _coin(told: Mapping[str, Any], place: int, *, owed: bool) -> Coin:
    weight, price = Decimal(told["weight"]), Decimal(told["price"])
    if owed:
        return Coin(f"OWED-{place}", price, liability=() if weight == 1 else _step(weight - 1, weight - 1))
    return Coin(f"HELD-{place}", price, tiers=() if weight == 1 else _step(weight, weight))


def _account(inputs: Inputs) -> Figures:
    """The weights that the case tells, as those of maintenance; profit is what its perpetual was entered
    below. A deposit or debt at weight 1 is in a coin without a schedule."""
    held = [
        Line(_coin(told, k, owed=False), Decimal(told["tokens"]))
        for k, told in enumerate(inputs.get("deposits", ()))
    ]
    owed = [
        Line(_coin(told, k, owed=True), NOTHING, borrowed=Decimal(told["tokens"]))
        for k, told in enumerate(inputs.get("liabilities", ()))
    ]
    legs, quote_price = [], ONE
    for told, profit in zip_longest(inputs.get("perps", ()), inputs.get("perp_pnl", ())):
        told = told or {"base": 1, "price": 1000, "ratio": 0}
        size, price = Decimal(told["base"]), Decimal(told["price"])
        quote_price = Decimal(told.get("quote_price", 1))
        legs.append(_leg(size, price, price - Decimal(profit or 0) / size, told["ratio"]))
    fees = Decimal(inputs.get("open_orders", 0)) / HUNDRED
    quote = Line(Coin("USDC", quote_price), NOTHING, tuple(legs), order_loss=fees)
    found = requirement(SmallPool("drift", (quote, *held, *owed)))
    return {"equity": found.equity, "margin_requirement": found.maintenance_margin}


def _worst_case(inputs: Inputs) -> Figures:
    """A token with orders: its weighted worth is the collateral, what the orders pay is required; weighed at
    1 it is its worth."""
    rates = (Decimal(inputs["asset_weight"]), Decimal(inputs["liability_weight"]) - 1)
    orders = Leg(
        Contract("SPOT", ONE, ()),
        NOTHING,
        NOTHING,
        NOTHING,
        *(Decimal(inputs[f"open_{side}"]) for side in ("bids", "asks")),
    )

    def found(weight: Decimal) -> Requirement[float]:
        coin = Coin(
            "TOKEN",
            Decimal(inputs["price"]),
            tiers=_step(weight, weight),
            liability=_step(rates[1], rates[1]),
        )
        return requirement(SmallPool("drift", (Line(coin, Decimal(inputs["balance_tokens"]), (orders,)),)))

    weighted = found(rates[0])
    # A hair below 1: at 1 filled bids cost nothing, and the venue then looks at the asks.
    worth = found(1 - Decimal("0.0001")).equity / (1 - 0.0001)
    return {
        "token_value": worth,
        "weighted_token_value": weighted.equity,
        "orders_value": -weighted.maintenance_margin,
        "free_collateral_contribution": weighted.equity - weighted.maintenance_margin,
    }


def _prediction(inputs: Inputs) -> Figures:
    """A market whose price is below 1."""
    size, price = Decimal(inputs["base"]), Decimal(inputs["price"])
    leg = _leg(
        size,
        price,
        -Decimal(inputs["quote"]) / size,
        inputs["mr_maint"],
        initial_ratio=inputs["mr_initial"],
        ceiling=ONE,
    )
    found = requirement(SmallPool("drift", (Line(USDC, NOTHING, (leg,)),)))
    return {
        "initial_margin": found.initial_margin,
        "maintenance_margin": found.maintenance_margin,
        "upnl_maint": found.equity,
    }


def _base_to_cover(inputs: Inputs) -> Figures:
    """What is to be closed of a hundred coins until the shortage is gone: the liquidator's fee is what
    closing costs."""
    assert inputs["if_fee"] == 0
    price, quote_price = Decimal(inputs["oracle_price"]), Decimal(inputs["quote_price"])
    ratio, size = Decimal(inputs["margin_ratio"]), HUNDRED
    needed = size * price * quote_price * ratio - Decimal(inputs["margin_shortage_usd"])
    leg = _leg(size, price, price, ratio, taker_fee=Decimal(inputs["liquidation_fee"]))
    pool = SmallPool("drift", (Line(Coin("USDC", quote_price), needed / quote_price, (leg,)),))
    return {"value": float(surveyed(pool, 1.0, ENOUGH).legs.cut[0]) * float(size) * BILLION}


def _health(inputs: Inputs) -> Figures:
    """Of an account with so much and no need of any."""
    assert inputs["maintenance_requirement"] == 0
    found = requirement(SmallPool("drift", (Line(USDC, Decimal(inputs["total_collateral"])),)))
    return {"health": venue_figure(MODELS["drift"].says, found.equity, found.maintenance_margin)}


DERIVED: dict[str, Callable[[Inputs], Figures]] = {"drift_scaled_initial_asset_weight": _scaled_weight}
ASSESSED: dict[str, Callable[[Inputs], Figures]] = {
    "drift_size_discount_asset_weight": _asset_weight,
    "drift_size_premium_liability_weight": _liability_weight,
    "drift_perp_margin_requirement": _perpetual_margin,
    "drift_perp_upnl": _profit,
    "min": _capped_gain,
    "drift_account": _account,
    "drift_worst_case_token": _worst_case,
    "drift_prediction_market": _prediction,
    "drift_base_to_cover": _base_to_cover,
    "drift_health": _health,
}
