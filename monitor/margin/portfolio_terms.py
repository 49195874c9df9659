"""What the venues publish of their portfolio margins, as data: each number with the place and the day where
it was read. What nobody at hand tells is not guessed: it raises Unsupported, by name.

Both venues change these numbers without notice. An account's own, as private/pme/simulate tells them under
`model_params`, make a better `DeribitModel` than the published ones.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from monitor.domain.instrument import MarginTier
from monitor.margin.rows import RiskUnit, Scenario, Tier

NOTHING, ONE = Decimal(0), Decimal(1)


class Unsupported(ValueError):
    """A parameter that no page at hand tells."""


class GridPoint(NamedTuple):
    """One row of scenarios; damping is in the quote currency."""

    price_move: Decimal
    lower_volatility: Decimal = NOTHING
    upper_volatility: Decimal = NOTHING
    weight: Decimal = ONE
    damping: Decimal = NOTHING


class UnitTerms(NamedTuple):
    """All that a risk unit is made of but its index; the names are those of rows.RiskUnit."""

    source: str
    points: tuple[GridPoint, ...]
    scaling: tuple[MarginTier, ...] = ()
    inverse: bool = False
    volatility_floor: Decimal = NOTHING
    short_power: Decimal = NOTHING
    long_power: Decimal = NOTHING
    delta_threshold: Decimal = NOTHING
    delta_slope: Decimal = NOTHING
    delta_limit: Decimal = NOTHING
    roll_rate: Decimal = NOTHING
    roll_floor: Decimal = NOTHING
    reduction_rate: Decimal = NOTHING
    initial_factor: Decimal = ONE
    maintenance_factor: Decimal = ONE


class DeribitModel(NamedTuple):
    """The venue's `model_params` of one currency pair and of the currency that settles it."""

    source: str
    price_range: Decimal
    volatility_range_up: Decimal
    volatility_range_down: Decimal
    min_volatility_for_shock_up: Decimal
    short_term_vega_power: Decimal
    long_term_vega_power: Decimal
    extended_table_factor: Decimal
    extended_dampener: Decimal
    delta_total_liq_shock_threshold: Decimal
    m_inc: Decimal
    max_delta_shock: Decimal
    annualised_move_risk: Decimal
    min_annualised_move: Decimal
    mm_factor: Decimal = Decimal("0.8")
    buckets_count: int = 4  # on each side of no move


DERIBIT = {
    "BTC": DeribitModel(
        "docs.deribit.com private/pme/simulate, response example of 2024-06-17, read 2026-11-23",
        price_range=Decimal("0.16"),
        volatility_range_up=Decimal("0.5"),
        volatility_range_down=Decimal("0.25"),
        min_volatility_for_shock_up=Decimal("0.5"),
        short_term_vega_power=Decimal("0.3"),
        long_term_vega_power=Decimal("0.13"),
        extended_table_factor=Decimal(1),
        extended_dampener=Decimal(100_000),
        delta_total_liq_shock_threshold=Decimal(20_000_000),
        m_inc=Decimal("0.00005"),
        max_delta_shock=Decimal("0.1"),
        annualised_move_risk=Decimal("0.075"),
        min_annualised_move=Decimal("0.01"),
    ),
    "ETH": DeribitModel(
        "private/pme/simulate answered in production on 2026-02-15, in a public repository, read 2026-11-23",
        price_range=Decimal("0.18"),
        volatility_range_up=Decimal("0.4"),
        volatility_range_down=Decimal("0.25"),
        min_volatility_for_shock_up=Decimal("0.5"),
        short_term_vega_power=Decimal("0.3"),
        long_term_vega_power=Decimal("0.13"),
        extended_table_factor=Decimal(1),
        extended_dampener=Decimal(200_000),
        delta_total_liq_shock_threshold=Decimal(20_000_000),
        m_inc=Decimal("0.000004"),
        max_delta_shock=Decimal("0.1"),
        annualised_move_risk=Decimal("0.05"),
        min_annualised_move=Decimal("0.005"),
    ),
}
# support.deribit.com 25944756247837, read 2026-11-23
EXTENDED_MOVES = tuple(map(Decimal, ("-0.66", "-0.33", "0.5", "1", "2", "3", "4", "5")))


def deribit_terms(underlying: str, settle_asset: str) -> UnitTerms:
    """The published terms of a pair that is settled in its own coin."""
    if underlying not in DERIBIT:
        raise Unsupported(f"Deribit's portfolio margin parameters of {underlying} are not published")
    if settle_asset != underlying:
        raise Unsupported(
            f"which of Deribit's parameters hold for {underlying} settled in {settle_asset} is not published"
        )
    return deribit_unit(DERIBIT[underlying], inverse=True)


def deribit_unit(model: DeribitModel, *, inverse: bool) -> UnitTerms:
    """The grid and the shocks of these parameters, settled in the coin or in the quote currency."""
    step = model.price_range / model.buckets_count
    moves = [step * bucket for bucket in range(-model.buckets_count, model.buckets_count + 1)]
    standard = [GridPoint(move, -model.volatility_range_down, model.volatility_range_up) for move in moves]
    extended = [_extended(model, move, inverse=inverse) for move in EXTENDED_MOVES]
    return UnitTerms(
        model.source,
        (*standard, *extended),
        inverse=inverse,
        volatility_floor=model.min_volatility_for_shock_up,
        short_power=model.short_term_vega_power,
        long_power=model.long_term_vega_power,
        delta_threshold=model.delta_total_liq_shock_threshold,
        delta_slope=model.m_inc,
        delta_limit=model.max_delta_shock,
        roll_rate=model.annualised_move_risk,
        roll_floor=model.min_annualised_move,
        maintenance_factor=model.mm_factor,
    )


def _extended(model: DeribitModel, move: Decimal, *, inverse: bool) -> GridPoint:
    """A move beyond the range: its loss in USD counts as far as the range goes into it, and both it and the
    damping become coin at the price where the range ends."""
    ranges = abs(move) / model.price_range
    weight = model.extended_table_factor / ranges
    damping = max(ranges - 1, NOTHING) * model.extended_dampener
    if inverse:
        end = 1 + model.price_range.copy_sign(move)
        weight, damping = weight * (1 + move) / end, damping / end
    up = model.volatility_range_up
    return GridPoint(move, up, up, weight, damping)


class OkxModel(NamedTuple):
    """Moves and rates of one underlying."""

    largest_move: Decimal  # MR1, in thirds of it either way
    extreme_move: Decimal  # MR6
    annual_basis: Decimal  # MR4, a year
    least_basis: Decimal  # MR4, at least
    reduction_rate: Decimal  # MR7, of the value of a future or perpetual


# MR1, MR6 and MR4 a year: okx.com/help/okx-will-further-adjust-portfolio-margin-parameters of 2025-01-02.
# MR4's floor and MR7's rate: the example of POST /api/v5/account/position-builder in okx.com/docs-v5, of
# 2025-01-15, which holds these two units; no other underlying's are told.
OKX_SOURCE = "okx.com/help of 2025-01-02 and okx.com/docs-v5 position-builder of 2025-01-15, read 2026-11-23"
OKX = {
    "BTC": OkxModel(*map(Decimal, ("0.12", "0.24", "0.05", "0.002", "0.0045"))),
    "LTC": OkxModel(*map(Decimal, ("0.18", "0.36", "0.15", "0.008", "0.007"))),
}
OKX_STEPS = 3
OKX_INITIAL = Decimal("1.3")  # the same example, both units
# Tiers of MR7 in USD for BTC: okx.com/support 4417291853837, in force until 2025-01-15. Those since then are
# told by second hand only (scallope.com/6757.html: 250 thousand x 1, 500 x 2, ...) and lower; these ask more.
OKX_SCALING = {
    "BTC": ((0, 1), (10_000, 2), (70_000, 4), (170_000, 6), (300_000, 8), (470_000, 10), (700_000, 12)),
}


def okx_terms(underlying: str, *, is_option: bool = False, inverse: bool = False) -> UnitTerms:
    """The published terms of a unit of futures and perpetuals."""
    if is_option:
        raise Unsupported(
            f"OKX's volatility moves, theta, vega and rho charges (MR1, MR2, MR3, MR5) and the least charge "
            f"(MR7) of options on {underlying} are not published"
        )
    if underlying not in OKX or underlying not in OKX_SCALING:
        missing = (
            "least basis move (MR4) and rate of closing (MR7)" if underlying not in OKX else "tiers of MR7"
        )
        raise Unsupported(f"OKX's {missing} of {underlying} are not published")
    return okx_unit(OKX[underlying], OKX_SCALING[underlying], inverse=inverse)


def okx_unit(model: OkxModel, scaling: tuple[tuple[int, int], ...], *, inverse: bool) -> UnitTerms:
    """The moves and charges of these parameters, settled in the coin or in a dollar."""
    third = model.largest_move / OKX_STEPS
    shocks = [GridPoint(third * step) for step in range(-OKX_STEPS, OKX_STEPS + 1)]
    extremes = [GridPoint(side * model.extreme_move, weight=Decimal("0.5")) for side in (-1, 1)]
    return UnitTerms(
        OKX_SOURCE,
        (*shocks, *extremes),
        incremental(scaling),
        inverse,
        roll_rate=model.annual_basis,
        roll_floor=model.least_basis,
        reduction_rate=model.reduction_rate,
        initial_factor=OKX_INITIAL,
    )


def incremental(multiples: tuple[tuple[int, int], ...]) -> tuple[MarginTier, ...]:
    """Steps of (floor, multiple) that scale each slice of a charge by its own multiple. They are no margin
    schedule: a multiple is above 1."""
    steps: list[MarginTier] = []
    for floor, multiple in multiples:
        deduction = NOTHING
        if steps:
            deduction = steps[-1].deduction + floor * (multiple - steps[-1].maintenance_rate)
        steps.append(MarginTier(Decimal(floor), Decimal(multiple), Decimal(multiple), deduction))
    return tuple(steps)


class UnitRows(NamedTuple):
    """A risk unit as rows; where its scenarios and tiers lie is found by who writes them."""

    unit: RiskUnit[float]
    scenarios: tuple[Scenario[float], ...]
    tiers: tuple[Tier[float], ...]


def unit_rows(terms: UnitTerms, index: int) -> UnitRows:
    """The rows of a unit whose index price stands in this row of quotes."""
    rates = [float(value) for value in terms[4:]]
    unit: RiskUnit[float] = RiskUnit(index, 0, 0, 0, 0, int(terms.inverse), *rates)
    scenarios = tuple(Scenario(*map(float, point)) for point in terms.points)
    steps = tuple(Tier(*(float(value) for value in _numbers(step))) for step in terms.scaling)
    return UnitRows(unit, scenarios, steps)


def _numbers(step: MarginTier) -> tuple[Decimal, ...]:
    return step.floor, step.maintenance_rate, step.initial_rate, step.deduction, step.slope
