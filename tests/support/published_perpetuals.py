"""Binance, Bybit and Hyperliquid: how their published figures come out of small books."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from monitor.domain.instrument import MarginTier, TierSchedule, checked_schedule, tier_schedule
from monitor.margin.bybit_inverse import bankruptcy_value
from monitor.margin.models import MODELS
from tests.support import published_spotmargin as spotmargin
from tests.support.published import ONE, Figures, Inputs, Schedule, schedule_of
from tests.support.small_books import decimal_book, price_of, requirement, surveyed
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool

FILES = (
    "binance_help_examples",
    "freqtrade_binance",
    "ccxt_samples_binance",
    "bybit_api_samples",
    "bybit_help_examples",
    "freqtrade_bybit",
    "freqtrade_hyperliquid",
    "hyperliquid_docs_and_api_samples",
)
GOLDEN = ("binance", "bybit", "hyperliquid")
NOT_OURS = {
    "bn-ma-avail-none": "what may be withdrawn is no figure that we tell",
    "bn-ma-autoexchange": "how much the venue sells is no figure that we tell",
    "binance-cm-iso-btc-margin": "a sum of two figures without a position; its parts are run",
    "hl-mmr-20x": "the rate enters with the schedule, which the adapter reads",
}


def _pool(model: str, wallet: Any, *legs: Leg) -> SmallPool:
    return SmallPool(model, (Line(Coin("USDT"), Decimal(wallet), legs),))


def _leg(inputs: Inputs, mark: Any, schedule: Schedule, fee: Any = 0) -> Leg:
    contract = Contract(inputs.get("symbol", "A"), Decimal(mark), schedule, taker_fee=Decimal(fee))
    size = Decimal(inputs.get("size_base", inputs.get("position_size_base", inputs.get("size", 1))))
    entry, leverage = inputs.get("entry_price", mark), inputs.get("leverage", 1)
    return Leg(contract, inputs["side"] * size, Decimal(entry), Decimal(leverage))


def _inverse_leg(inputs: Inputs, price: Any, schedule: Schedule, contracts: Any) -> Leg:
    contract = Contract("A", Decimal(price), schedule, multiplier=_size_usd(inputs), inverse=True)
    entry, leverage = inputs.get("entry_price", price), inputs.get("leverage", 1)
    return Leg(contract, inputs.get("side", 1) * Decimal(contracts), Decimal(entry), Decimal(leverage))


def _size_usd(inputs: Inputs) -> Decimal:
    return Decimal(inputs.get("contract_size_usd", 1))


FLAT = schedule_of(Decimal("0.01"), Decimal(0))


def _binance_price(inputs: Inputs) -> Figures:
    assert not inputs["tmm_other_contracts_usdt"] and not inputs["upnl_other_contracts_usdt"]
    schedule = schedule_of(inputs["mmr"], Decimal(inputs["maintenance_amount_cum_usdt"]))
    pool = _pool("tiered", inputs["wallet_balance_usdt"], _leg(inputs, inputs["entry_price"], schedule))
    return {"liquidation_price": price_of(pool)}


def _binance_cross_price(inputs: Inputs) -> Figures:
    legs = []
    for held in (inputs["position"], *inputs["other_positions"]):
        schedule = schedule_of(held["mmr"], Decimal(held["maintenance_amount_cum_usdt"]))
        legs.append(_leg(held, held.get("mark_price", held["entry_price"]), schedule))
    return {"liquidation_price": price_of(_pool("tiered", inputs["wallet_balance_usdt"], *legs))}


def _binance_inverse_price(inputs: Inputs) -> Figures:
    schedule = schedule_of(inputs["mmr"], Decimal(inputs["maintenance_amount_cum_coin"]))
    leg = _inverse_leg(inputs, inputs["entry_price"], schedule, inputs["contracts"])
    return {"liquidation_price": price_of(_pool("tiered", inputs["wallet_balance_coin"], leg))}


def _multi_assets_rate(inputs: Inputs) -> Figures:
    is_bid, index, buffer = inputs["side"] == "bid", Decimal(inputs["index"]), Decimal(inputs["buffer"])
    coin = Coin("USDT", index, bid_buffer=buffer) if is_bid else Coin("USDT", index, ask_buffer=buffer)
    line = Line(coin, ONE if is_bid else -ONE)
    return {"rate": abs(requirement(SmallPool("multi_assets", (line,))).equity)}


def _haircut(inputs: Inputs) -> Figures:
    coin = Coin("BNB", bid_buffer=1 - inputs["collateral_rate"])
    held = SmallPool("multi_assets", (Line(coin, Decimal(inputs["value"])),))
    return {"value": requirement(held).equity}


def _deduction(inputs: Inputs) -> Figures:
    rate, floor, rate_before = inputs["mmr"], Decimal(inputs["floor"]), inputs["prev_mmr"]
    before = [
        (step.floor, step.maintenance_rate, ONE)
        for step in schedule_of(rate_before, Decimal(inputs["prev_cum"]))
    ]
    steps = tier_schedule([*before, (floor, rate, ONE)], "a published case").tiers
    return {"maintenance_amount_cum": _rate_and_deduction(2 * floor, steps)["maintenance_amount_cum"]}


def _lookup(inputs: Inputs) -> Figures:
    rows = [
        MarginTier(Decimal(t["notional_floor"]), t["mmr"], ONE, Decimal(t["cum"])) for t in inputs["tiers"]
    ]
    schedule = checked_schedule(TierSchedule(tuple(rows), "a published case")).tiers
    return _rate_and_deduction(Decimal(inputs["notional_usdt"]), schedule)


def _rate_and_deduction(value: Decimal, schedule: Schedule) -> Figures:
    """Read off two assessments, at this value and at one more."""
    one, other = (_exact_maintenance(worth, schedule) for worth in (value, value + 1))
    rate = other - one
    return {"mmr": float(rate), "maintenance_amount_cum": float(value * rate - one)}


def _exact_maintenance(value: Decimal, schedule: Schedule) -> Decimal:
    leg = Leg(Contract("A", ONE, schedule), value, ONE)
    found: Decimal = MODELS["tiered"].assess(0, decimal_book(_pool("tiered", 0, leg))).maintenance_margin
    return found


def _inverse_maintenance(inputs: Inputs) -> Figures:
    schedule = schedule_of(inputs["mmr"], Decimal(inputs["cum_coin"]))
    found = requirement(
        _pool("tiered", 0, _inverse_leg(inputs, inputs["price"], schedule, inputs["contracts"]))
    )
    return {"maintenance_margin": found.maintenance_margin, "notional_coin": found.initial_margin}


def _inverse_initial(inputs: Inputs) -> Figures:
    leg = _inverse_leg(inputs, inputs["price"], FLAT, inputs["notional_usd"])
    return {"initial_margin": requirement(_pool("tiered", 0, leg)).initial_margin}


def _inverse_notional(inputs: Inputs) -> Figures:
    leg = _inverse_leg(inputs, inputs["price"], FLAT, inputs["contracts"])
    return {"notional_coin": requirement(_pool("tiered", 0, leg)).initial_margin}


def _inverse_profit(inputs: Inputs) -> Figures:
    leg = _inverse_leg(inputs, inputs["mark_price"], FLAT, inputs["contracts"])
    return {"upnl": requirement(_pool("tiered", 0, leg)).equity}


def _linear_profit(inputs: Inputs) -> Figures:
    leg = _leg(inputs, inputs["mark_price"], FLAT)
    return {"upnl": requirement(_pool("tiered", 0, leg)).equity}


def _bybit_margins(inputs: Inputs) -> Figures:
    schedule = schedule_of(inputs["mmr"], Decimal(inputs["mm_deduction"]))
    leg = _leg(inputs, inputs["price"], schedule, inputs["taker_fee_rate"])
    found = requirement(_pool("bybit_unified", 0, leg))
    return {"initial_margin": found.initial_margin, "maintenance_margin": found.maintenance_margin}


def _bybit_isolated_price(inputs: Inputs) -> Figures:
    schedule = schedule_of(inputs["mmr"], Decimal(inputs["mm_deduction"]))
    leg = _leg(inputs, inputs["entry_price"], schedule)
    margin = abs(leg.quantity) * leg.entry_price / leg.leverage + Decimal(inputs["extra_margin"])
    pool = _pool("bybit_isolated", margin, leg)
    found = requirement(pool)
    return {
        "liquidation_price": price_of(pool),
        "initial_margin": found.initial_margin,
        "maintenance_margin": found.maintenance_margin,
    }


def _bybit_isolated_bankruptcy(inputs: Inputs) -> Figures:
    leg = _leg(inputs, inputs["entry_price"], FLAT)
    pool = _pool("bybit_isolated", abs(leg.quantity) * leg.entry_price / leg.leverage, leg)
    return {"bankruptcy_price": float(surveyed(pool).legs.bankruptcy[0])}


def _bybit_whole_balance_bankruptcy(inputs: Inputs) -> Figures:
    """The value at bankruptcy that the isolated inverse model takes its fee on, of a whole balance."""
    leg = _inverse_leg(inputs, inputs["entry_price"], FLAT, inputs["contracts_usd"])
    contract = replace(leg.contract, taker_fee=Decimal(inputs["taker_fee_rate"]))
    book = decimal_book(_pool("bybit_inverse_isolated", 0, replace(leg, contract=contract)))
    available = Decimal(inputs["available_balance_coin"])
    value = bankruptcy_value(available, book.positions[0], book.instruments[0])
    return {"bankruptcy_price": float(inputs["contracts_usd"] / value)}


def _hyperliquid_price(inputs: Inputs) -> Figures:
    schedule = schedule_of(ONE / (2 * inputs["max_leverage"]), Decimal(0))
    leg = _leg(inputs, inputs["reference_price"], schedule)
    return {"liquidation_price": price_of(_pool("tiered", inputs["margin_usdc"], leg))}


def _hyperliquid_equity(inputs: Inputs) -> Figures:
    """The venue's raw USD is the wallet less what the position cost: of one unit bought at 100 here."""
    cost = Decimal(100)
    leg = _leg({"side": 1, "entry_price": cost}, inputs["position_value"], FLAT)
    return {"equity": requirement(_pool("tiered", inputs["raw_usd"] + cost, leg)).equity}


DERIVED: dict[str, Callable[[Inputs], Figures]] = {
    "hourly_interest": spotmargin.interest,
    "bybit_inverse_cross_bust": _bybit_whole_balance_bankruptcy,
}
ASSESSED: dict[str, Callable[[Inputs], Figures]] = {
    "binance_um_liq_price": _binance_price,
    "binance_um_liq_price_cross": _binance_cross_price,
    "binance_cm_liq_price": _binance_inverse_price,
    "multi_assets_rate": _multi_assets_rate,
    "haircut": _haircut,
    "tier_cum_recursion": _deduction,
    "tier_lookup": _lookup,
    "inverse_mm": _inverse_maintenance,
    "inverse_im": _inverse_initial,
    "inverse_notional": _inverse_notional,
    "inverse_upnl": _inverse_profit,
    "linear_upnl": _linear_profit,
    "bybit_linear_im_mm_with_fee": _bybit_margins,
    "bybit_linear_iso_liq": _bybit_isolated_price,
    "bybit_linear_iso_bust": _bybit_isolated_bankruptcy,
    "hyperliquid_iso_liq": _hyperliquid_price,
    "hyperliquid_iso_equity": _hyperliquid_equity,
    "tiered_marginal_sum": spotmargin.brackets,
    "mm_minus_amount_sum": spotmargin.brackets_by_amount,
    "mul": spotmargin.loan_margin,
    "sub": spotmargin.equity_of_asset,
}
