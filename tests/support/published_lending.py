"""Lending markets: how the figures of the protocols' own tests come out of small books. Amounts there are
worth so much, so a coin here has a price of 1."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from monitor.domain.instrument import MarginTier, collateral_schedule
from monitor.margin.accrual import aave_liquidity_index
from monitor.margin.models import MODELS
from monitor.margin.rows import Requirement
from monitor.margin.venue_words import is_liquidatable, venue_figure
from tests.support.published import ONE, Figures, Inputs
from tests.support.small_books import requirement
from tests.support.small_market import Coin, Line, SmallPool

FILES = ("aave_v3", "compound_v3", "maker_dss")
GOLDEN = ("aave", "compound", "maker")
NOT_OURS: dict[str, str] = {}
NOTHING = Decimal(0)
IN_RAY = -27
E_MODE = 1
RATIO = Decimal("1.5")  # a liquidation ratio, of a vault that is told by its spot


def _steps(threshold: Any, to_borrow: Any) -> tuple[MarginTier, ...]:
    return collateral_schedule([(NOTHING, Decimal(threshold), Decimal(to_borrow))], "a published case").tiers


def _debt(owed: Any) -> Line:
    return Line(Coin("USD"), NOTHING, borrowed=Decimal(owed))


def _health(pool: SmallPool) -> float:
    found = requirement(pool)
    return venue_figure(MODELS["aave"].says, found.equity, found.maintenance_margin)


def _health_factor(inputs: Inputs) -> Figures:
    """The threshold may be an asset's own or its e-mode's, which replaces a lower one: both are run."""
    plain, category = [], []
    for number, held in enumerate(inputs["collaterals"]):
        name, worth, threshold = str(number), Decimal(held["value"]), Decimal(held["lt"])
        plain.append(Line(Coin(name, tiers=_steps(threshold, threshold)), worth))
        own = _steps(threshold / 2, threshold / 2)
        coin = Coin(name, tiers=own, category=E_MODE, category_rate=threshold, category_initial=threshold)
        category.append(Line(coin, worth))
    debt = _debt(inputs["debt_base"])
    found = _health(SmallPool("aave", (*plain, debt)))
    assert _health(SmallPool("aave", (*category, debt), category=E_MODE)) == found
    return {"health_factor": found}


def _available_borrows(inputs: Inputs) -> Figures:
    """Equity less initial margin, whatever the liquidation threshold; what is below zero is shown as none."""
    coin = Coin("A", tiers=_steps(inputs["ltv"] + Decimal("0.15"), inputs["ltv"]))
    found = requirement(SmallPool("aave", (Line(coin, Decimal(inputs["collateral"])), _debt(inputs["debt"]))))
    return {"value": max(0.0, found.equity - found.initial_margin)}


def _linear_balance(inputs: Inputs) -> Figures:
    index = Decimal(inputs["liquidity_index_ray"]).scaleb(IN_RAY)
    rate = Decimal(inputs["liquidity_rate_ray"]).scaleb(IN_RAY)
    now = aave_liquidity_index(index, rate, inputs["seconds"])
    return {"value": float(Decimal(inputs["scaled_balance"]) * now)}


def _comet(inputs: Inputs) -> Requirement[float]:
    """A debt below zero is what the market owes."""
    debt = Decimal(inputs["base_debt_usd"])
    lines = [Line(Coin("USD"), max(-debt, NOTHING), borrowed=max(debt, NOTHING))]
    for number, held in enumerate(inputs["collateral"]):
        coin = Coin(str(number), tiers=_steps(held["liquidate_cf"], held["borrow_cf"]))
        lines.append(Line(coin, Decimal(held["value_usd"])))
    return requirement(SmallPool("compound", tuple(lines)))


def _comet_is_liquidatable(inputs: Inputs) -> Figures:
    found = _comet(inputs)
    says = MODELS["compound"].says
    return {"is_liquidatable": is_liquidatable(says, found.equity, found.maintenance_margin)}


def _comet_is_covered(inputs: Inputs) -> Figures:
    found = _comet(inputs)
    return {"is_borrow_collateralized": found.initial_margin <= found.equity}


def _vault(inputs: Inputs) -> Figures:
    """The case tells spot: the price over a liquidation ratio, of which any will do."""
    gem = Line(Coin("GEM", Decimal(inputs["spot"]) * RATIO), Decimal(inputs["ink"]))
    debt = _debt(ONE * inputs["art"] * inputs["rate"])
    found = requirement(SmallPool("maker", (gem, debt), threshold=RATIO))
    is_due = is_liquidatable(MODELS["maker"].says, found.equity, found.maintenance_margin)
    return {"is_safe": found.initial_margin <= found.equity, "is_liquidatable": is_due}


DERIVED: dict[str, Callable[[Inputs], Figures]] = {"aave_linear_balance": _linear_balance}
ASSESSED: dict[str, Callable[[Inputs], Figures]] = {
    "aave_hf": _health_factor,
    "aave_available_borrows": _available_borrows,
    "comet_is_liquidatable": _comet_is_liquidatable,
    "comet_is_borrow_collateralized": _comet_is_covered,
    "maker_safe": _vault,
}
