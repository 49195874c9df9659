"""Risk units in a line: of published terms, of some of their points, and legs of futures and options in
them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from monitor.margin.portfolio_terms import GridPoint, UnitTerms
from tests.support.small_market import Coin, Contract, Leg, Line, OptionTerms, Point, RiskUnit, SmallPool

NOTHING, ONE = Decimal(0), Decimal(1)


def unit_of(terms: UnitTerms, index: Any, name: str = "BTC") -> RiskUnit:
    """The unit of these terms at this index price."""
    points = tuple(Point(*point) for point in terms.points)
    return RiskUnit(name, Decimal(index), points, terms.scaling, terms.inverse, *terms[4:])


def only(unit: RiskUnit, *points: GridPoint | Point) -> RiskUnit:
    """The same grid with these points alone, and nothing beside the grid."""
    kept = tuple(Point(*point) if isinstance(point, GridPoint) else point for point in points)
    calm = replace(unit, delta_slope=NOTHING, roll_rate=NOTHING, roll_floor=NOTHING, reduction_rate=NOTHING)
    return replace(calm, scenarios=kept)


def future(unit: RiskUnit, quantity: Any, mark: Any, entry: Any = None, **more: Any) -> Leg:
    """A leg in the unit, entered at mark unless told."""
    name = more.pop("name", unit.name)
    market = {"index": unit.index} | more
    contract = Contract(name, Decimal(mark), (), unit.name, inverse=unit.inverse, unit=unit, **market)
    return Leg(contract, Decimal(quantity), Decimal(mark if entry is None else entry), ONE)


def option(unit: RiskUnit, quantity: Any, terms: OptionTerms, mark: Any, multiplier: Decimal = ONE) -> Leg:
    """A leg of options in the unit."""
    contract = Contract(
        f"{unit.name} {terms.strike} {terms.side}",
        Decimal(mark),
        (),
        unit.name,
        multiplier,
        inverse=unit.inverse,
        option=terms,
        unit=unit,
        index=unit.index,
    )
    return Leg(contract, Decimal(quantity), NOTHING, ONE)


def in_unit(held: Contract) -> Contract:
    """The same contract in a unit of its own that reads every number of it; one that expires."""
    half = Decimal("0.5")
    points = (Point(Decimal("-0.1"), half, half, half, ONE), Point(Decimal("0.1")))
    unit = RiskUnit(held.name, held.mark, points, held.tiers, reduction_rate=Decimal("0.01"))
    return replace(held, unit=unit, years=Decimal("0.3"))


def pool_of(model: str, wallet: Any, legs: Sequence[Leg], coin: Coin | None = None) -> SmallPool:
    """One balance with these legs."""
    return SmallPool(model, (Line(coin or Coin("USDC"), Decimal(wallet), tuple(legs)),))
