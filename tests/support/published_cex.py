"""OKX, Gate and Bitget futures: how their published figures come out of small books. OKX's samples of spot
margin stand in the same file and are run as its own family runs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from monitor.margin.models import MODELS
from monitor.margin.venue_words import venue_figure
from tests.support import published_spotmargin as spotmargin
from tests.support.published import ONE, Figures, Inputs, schedule_of
from tests.support.small_books import price_of, requirement, surveyed
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool

FILES = (
    "okx_api_samples",
    "okx_help_examples",
    "freqtrade_gate_okx",
    "ccxt_samples_gate",
    "ccxt_samples_bitget",
    "phemex_help_example",
)
GOLDEN = ("okx", "okx_margin", "gate", "bitget", "phemex")
NOT_OURS = {
    "okx-bar-iso-eq": "a sum of two figures of a balance; a pool is told its parts",
    "okx-pm-mr7-tiered": "a part of portfolio margin: run with the terms of that model",
}
FLAT = schedule_of(Decimal("0.01"), Decimal(0))
NOTHING = Decimal(0)
MOST = 1e12
ISOLATED = {"gate": "gate_futures", "okx": "okx_isolated"}


def _pool(model: str, wallet: Any, leg: Leg) -> SmallPool:
    return SmallPool(model, (Line(Coin("USDT"), Decimal(wallet), (leg,)),))


def _leg(inputs: Inputs, mark: Any) -> Leg:
    steps = schedule_of(inputs["mmr"], NOTHING) if "mmr" in inputs else FLAT
    contract = Contract("A", Decimal(mark), steps, taker_fee=Decimal(inputs.get("taker_fee_rate", 0)))
    size, leverage = Decimal(inputs["size_base"]), Decimal(inputs.get("leverage", 1))
    return Leg(contract, inputs.get("side", 1) * size, Decimal(inputs.get("entry_price", mark)), leverage)


def _isolated_price(inputs: Inputs) -> Figures:
    leg = _leg(inputs, inputs["entry_price"])
    return {"liquidation_price": price_of(_pool(ISOLATED[inputs["venue"]], inputs["margin_usdt"], leg))}


def _of_notional(inputs: Inputs) -> Figures:
    """Margins of a position of which the venue told only the value: so many units at 1."""
    leg = _leg({"size_base": inputs["notional_usdt"], **inputs}, 1)
    found = requirement(_pool("okx_single", 0, leg))
    return {"initial_margin": found.initial_margin, "maintenance_margin": found.maintenance_margin}


def _linear_initial(inputs: Inputs) -> Figures:
    """At one price all of these venues ask for the same."""
    return {"initial_margin": requirement(_pool("bitget", 0, _leg(inputs, inputs["price"]))).initial_margin}


def _inverse_initial(inputs: Inputs) -> Figures:
    contract = Contract("A", Decimal(inputs["price"]), FLAT, inverse=True)
    leg = Leg(contract, Decimal(inputs["notional_usd"]), contract.mark, Decimal(inputs["leverage"]))
    return {"initial_margin": requirement(_pool("okx_single", 0, leg)).initial_margin}


def _inverse_ratio(inputs: Inputs) -> Figures:
    """The mark is where the told rate makes the told margin, the entry where the told profit comes from."""
    rate, face = Decimal(inputs["mmr"]), inputs["contracts"] * Decimal(inputs["contract_value_usd"])
    coins = Decimal(inputs["maintenance_margin_coin"]) / rate
    contract = Contract(
        "A",
        face / coins,
        schedule_of(rate, NOTHING),
        multiplier=Decimal(inputs["contract_value_usd"]),
        taker_fee=Decimal(inputs["taker_fee_rate"]),
        inverse=True,
    )
    entry = face / (coins + Decimal(inputs["upl_coin"]))
    leg = Leg(contract, Decimal(inputs["contracts"]), entry)
    found = requirement(_pool("okx_isolated", inputs["margin_coin"], leg))
    told = venue_figure(MODELS["okx_isolated"].says, found.equity, found.maintenance_margin)
    return {"margin_ratio": told}


def _bitget_without_wallet(inputs: Inputs) -> SmallPool:
    leg = _leg(inputs, inputs["mark_price"])
    entry = leg.contract.mark - Decimal(inputs["upl_usdt"]) / leg.quantity
    return _pool("bitget", 0, replace(leg, entry_price=entry))


def _bitget_wallet(inputs: Inputs) -> Decimal:
    """What an empty wallet lacks until the venue's marginRatio is ours."""
    found = surveyed(_bitget_without_wallet(inputs), float(inputs["margin_ratio"]), MOST)
    return Decimal(float(found.adds[0]))


def _bitget_balance(inputs: Inputs) -> Figures:
    return {"wallet_balance": float(_bitget_wallet(inputs))}


def _bitget_cross_price(inputs: Inputs) -> Figures:
    """The venue holds the requirement at what it is at the mark: where the rest is used up."""
    held = _bitget_without_wallet(inputs)
    required = Decimal(requirement(held).maintenance_margin)
    free = replace(held.lines[0], wallet=_bitget_wallet(inputs) - required)
    return {"liquidation_price": float(surveyed(replace(held, lines=(free,))).legs.bankruptcy[0])}


def _assigned(inputs: Inputs) -> Figures:
    """A long's margin with the fee to close where it is used up: what Bybit's initial margin is as well."""
    contract = Contract("A", ONE, FLAT, taker_fee=Decimal(inputs["taker_fee_rate"]))
    leg = Leg(contract, Decimal(inputs["open_value"]), ONE, Decimal(inputs["leverage"]))
    return {"value": requirement(_pool("bybit_unified", 0, leg)).initial_margin}


DERIVED: dict[str, Callable[[Inputs], Figures]] = {}
ASSESSED: dict[str, Callable[[Inputs], Figures]] = {
    **spotmargin.OKX_MARGIN,
    "okx_linear_imr": _of_notional,
    "okx_linear_mmr": _of_notional,
    "okx_inverse_iso_ratio": _inverse_ratio,
    "inverse_im": _inverse_initial,
    "linear_im": _linear_initial,
    "fee_inclusive_linear_iso_liq": _isolated_price,
    "bitget_cross_liq_from_ratio": _bitget_cross_price,
    "bitget_cross_balance_from_ratio": _bitget_balance,
    "phemex_assigned": _assigned,
}
