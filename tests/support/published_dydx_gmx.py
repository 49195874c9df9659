"""dYdX v4 and GMX v2: how the figures of a chain's own tests, and of an interface's, come out of small books.

The chain's are integers: base quantums at an atomic resolution, prices at an exponent, quote quantums."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

from monitor.domain.instrument import MarginTier
from monitor.margin import dydx_terms
from monitor.margin.gmx import closing_impact
from monitor.margin.models import MODELS
from monitor.margin.rows import Requirement
from monitor.margin.venue_words import is_liquidatable
from tests.support.published import ONE, Figures, Inputs
from tests.support.small_books import decimal_book, price_of, requirement, surveyed
from tests.support.small_draws import PRECISION
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool

FILES = (
    "dydx_docs",
    "dydx_liquidations",
    "dydx_liquidity_tier",
    "dydx_perpetuals_lib",
    "dydx_risk",
    "gmx",
)
GOLDEN = ("dydx", "gmx")
SPREAD_BY_MARGIN = "the chain spreads what is left over the positions by their margins; ours asks one price"
ACCEPTED = "the worst price that the protocol accepts once it liquidates stands in no message of ours"
OLD = "v1 is deprecated: nobody holds such a position, and there is no model of its check"
NOT_OURS = {
    "dydx-bankrupt-11": SPREAD_BY_MARGIN,
    "dydx-bankrupt-14": "a price below nothing: no price of a long without debt ends its equity",
    **{f"dydx-fillable-{number}": ACCEPTED for number in (1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)},
    "gmx1-liq-1": OLD,
    "gmx1-liq-3": OLD,
    "gmx2-netvalue-all-b": "for display, with a gain by price impact; the liquidation check takes none",
    "gmx2-leverage": "a quotient for display; what it divides by is run as an equity",
}
NOTHING = Decimal(0)
PPM = Decimal("0.000001")
IN_QUANTUMS = 1_000_000


def _step(maintenance: Any, initial: Any = ONE) -> tuple[MarginTier, ...]:
    return (MarginTier(NOTHING, Decimal(maintenance), Decimal(initial), NOTHING),)


def _subaccount(balance: Any, *legs: Leg) -> SmallPool:
    return SmallPool("dydx", (Line(Coin("USDC"), Decimal(balance), legs),))


def _leg(price: Any, step: tuple[MarginTier, ...], size: Any) -> Leg:
    return Leg(Contract("PERPETUAL", Decimal(price), step), Decimal(size), NOTHING)


def _exact(pool: SmallPool) -> Requirement[Decimal]:
    """To the integer, over Decimal."""
    with localcontext(prec=PRECISION):
        found: Requirement[Decimal] = MODELS[pool.model].assess(0, decimal_book(pool))
        return found


def _liquidation_price(inputs: Inputs) -> Figures:
    """The equity that the case tells includes the position. What the others require is that of a long at
    a price of 1, paid for."""
    price, size = Decimal(inputs["price"]), Decimal(inputs["size"])
    other = Contract("OTHER", ONE, _step(ONE))
    legs = (
        _leg(price, _step(inputs["mmf"]), size),
        Leg(other, Decimal(inputs["mmr_other"]), ONE),
    )
    return {"liquidation_price": price_of(_subaccount(inputs["equity"] - size * price, *legs))}


def _product(inputs: Inputs) -> Figures:
    found = _exact(_subaccount(0, _leg(inputs["b"], _step(inputs["c"]), inputs["a"])))
    return {"maintenance_margin": float(found.maintenance_margin)}


def _collateral_and_profit(inputs: Inputs) -> Figures:
    """The page's position: 500 bought at 1, so that the balance is what was paid in less 500."""
    paid_in, profit = map(Decimal, inputs["terms"])
    leg = _leg(1 + profit / 500, _step("0.03"), 500)
    return {"equity": float(_exact(_subaccount(paid_in - 500, leg)).equity)}


def _held(inputs: Inputs) -> SmallPool:
    legs = (
        Leg(
            Contract(held["perp"], held["price"], _step(held["mmf"], held["imf"])),
            Decimal(held["size"]),
            NOTHING,
        )
        for held in inputs["positions"]
    )
    return _subaccount(inputs["usdc_balance"], *legs)


def _is_liquidatable(inputs: Inputs) -> Figures:
    found = requirement(_held(inputs))
    return {"is_liquidatable": is_liquidatable(MODELS["dydx"].says, found.equity, found.maintenance_margin)}


def _bankruptcy_quote(inputs: Inputs) -> Figures:
    """What selling or buying back at our bankruptcy price brings in; of a subaccount with one position."""
    (price, *_) = surveyed(_held(inputs)).legs.bankruptcy
    return {"bankruptcy_quote_usd": -float(inputs["delta_size"]) * float(price)}


def _tier(inputs: Inputs, open_interest: Decimal) -> tuple[MarginTier, ...]:
    """The step as the chain's terms make it; of numbers that no schedule on entry would be let in with."""
    initial = inputs["initial_margin_ppm"] * PPM
    share = Decimal(inputs.get("maintenance_fraction_ppm", 0)) * PPM
    caps = (Decimal(inputs["oi_lower_cap_qq"]), Decimal(inputs["oi_upper_cap_qq"]))
    return (dydx_terms.tier_step(initial, share, open_interest, *caps),)


def _initial_of_notional(inputs: Inputs) -> Figures:
    step = _tier(inputs, Decimal(inputs["open_interest_notional_qq"]))
    found = _exact(_subaccount(0, _leg(ONE, step, inputs["position_notional_qq"] * PPM)))
    return {"initial_margin": float(found.initial_margin * IN_QUANTUMS)}


def _price_and_size(inputs: Inputs) -> tuple[Decimal, Decimal]:
    """As people write them."""
    price = Decimal(inputs["price"]).scaleb(inputs["price_exponent"])
    return price, Decimal(inputs["base_quantums"]).scaleb(inputs["base_atomic_resolution"])


def _margins(inputs: Inputs) -> Figures:
    price, size = _price_and_size(inputs)
    contracts = Decimal(inputs["open_interest_base_quantums"]).scaleb(inputs["base_atomic_resolution"])
    found = _exact(_subaccount(0, _leg(price, _tier(inputs, contracts * price * IN_QUANTUMS), size)))
    return {
        "initial_margin": float(found.initial_margin * IN_QUANTUMS),
        "maintenance_margin": float(found.maintenance_margin * IN_QUANTUMS),
    }


def _net_notional(inputs: Inputs) -> Figures:
    price, size = _price_and_size(inputs)
    return {"value": float(_exact(_subaccount(0, _leg(price, _step("0.1"), size))).equity * IN_QUANTUMS)}


def _is_collateralized(inputs: Inputs) -> Figures:
    """One of what costs the requirement, at a rate of 1, in a subaccount with that net collateral."""
    required = Decimal(inputs["requirement"])
    found = _exact(_subaccount(inputs["net_collateral"] - required, _leg(required, _step(ONE), 1)))
    return {
        "is_initial_collateralized": found.equity >= found.initial_margin,
        "is_maintenance_collateralized": found.equity >= found.maintenance_margin,
    }


def _maintenance_fraction(inputs: Inputs) -> Figures:
    terms = (inputs["initial_margin_ppm"] * PPM, inputs["maintenance_fraction_ppm"] * PPM)
    return {"maintenance_margin_ppm": float(dydx_terms.maintenance_fraction(*terms) / PPM)}


def _funding_cap(inputs: Inputs) -> Figures:
    terms = (inputs["initial_margin_ppm"] * PPM, inputs["maintenance_fraction_ppm"] * PPM)
    return {"value": float(dydx_terms.funding_cap(inputs["clamp_factor_ppm"] * PPM, *terms) / PPM)}


def _effective_fraction(inputs: Inputs) -> Figures:
    (step,) = _tier(inputs, Decimal(inputs["open_interest_notional_qq"]))
    return {"value": float(step.initial_rate / PPM)}


def _unsettled_funding(inputs: Inputs) -> Figures:
    indices = (Decimal(inputs["perp_funding_index"]), Decimal(inputs["position_funding_index"]))
    return {"value": float(dydx_terms.unsettled_funding(*indices, Decimal(inputs["position_base_quantums"])))}


SIZE_USD = Decimal(1000)  # of the position where the case tells none


def _gmx(inputs: Inputs, paid_in: Any, impact: Decimal) -> Requirement[Decimal]:
    """A long of so many tokens bought at 1 USD, at a price that makes the case's profit; what is pending, and
    the impact, in a balance of USD."""
    rate = Decimal(inputs.get("factor_collateral_usd", 0)) / SIZE_USD
    contract = Contract(
        "GMX", 1 + inputs["pnl_usd"] / SIZE_USD, _step(rate), taker_fee=inputs["closing_fee_usd"] / SIZE_USD
    )
    fees = inputs.get("funding_fee_usd", 0) + inputs.get("borrowing_fee_usd", 0)
    lines = (
        Line(Coin("USDC"), Decimal(paid_in)),
        Line(Coin("USD"), impact - fees, (Leg(contract, SIZE_USD, ONE),)),
    )
    return _exact(SmallPool("gmx", lines, threshold=Decimal(inputs.get("min_collateral_usd", 1))))


def _net_value(inputs: Inputs) -> Figures:
    impact = closing_impact(Decimal(inputs["price_impact_usd"]), SIZE_USD, ONE)
    return {"equity": float(_gmx(inputs, inputs["collateral_usd"], impact).equity)}


def _least_collateral(inputs: Inputs) -> Figures:
    """What a position without any collateral lacks; below zero where its profit is enough."""
    most = inputs["max_negative_impact_usd"] / SIZE_USD
    found = _gmx(inputs, 0, closing_impact(Decimal(inputs["price_impact_usd"]), SIZE_USD, most))
    return {"value": float(found.maintenance_margin - found.equity)}


DERIVED: dict[str, Callable[[Inputs], Figures]] = {
    "dydx_mmf_ppm": _maintenance_fraction,
    "dydx_funding_clamp_ppm": _funding_cap,
    "dydx_adjusted_imf_ppm": _effective_fraction,
    "dydx_funding_settlement_ppm": _unsettled_funding,
}
ASSESSED: dict[str, Callable[[Inputs], Figures]] = {
    "dydx_liq_price": _liquidation_price,
    "mul3": _product,
    "sum": _collateral_and_profit,
    "dydx_is_liquidatable": _is_liquidatable,
    "dydx_bankruptcy_quote": _bankruptcy_quote,
    "dydx_imr": _initial_of_notional,
    "dydx_margin_requirements": _margins,
    "dydx_net_notional": _net_notional,
    "dydx_ge": _is_collateralized,
    "gmx2_net_value": _net_value,
    "gmx2_min_collateral": _least_collateral,
}
