"""Pools under portfolio margin: several units, their legs interleaved, hedged and not, expiries shared and
alone, every shock reached and missed."""

from __future__ import annotations

from decimal import Decimal, localcontext
from random import Random

from monitor.domain.instrument import MarginTier
from monitor.margin.portfolio_terms import incremental
from tests.support.small_draws import EDGES, NOTHING, PRECISION, VALUE_RATIOS, number
from tests.support.small_market import Coin, Contract, Leg, Line, OptionTerms, Point, RiskUnit, SmallPool

MOST_OPTIONS = 3
MOST_FUTURES = 8
EXPIRIES = [Decimal("0.01"), Decimal(30) / 365, Decimal("0.25"), Decimal("1.5")]
MOVES = [Decimal(move) for move in ("-0.66", "-0.16", "-0.04", "0", "0.08", "0.16", "0.5", "5")]
SHOCKS = (NOTHING, Decimal("0.5"), Decimal("-0.25"))
SCALING = incremental(((0, 1), (10_000, 2), (70_000, 4), (170_000, 12)))
WHOLE = tuple(
    MarginTier(Decimal(floor), Decimal(rate), Decimal(rate) * 5, NOTHING)
    for floor, rate in ((0, "0.01"), (100, "0.02"), (10_000, "0.1"))
)


def deribit_pool(rng: Random, model: str) -> SmallPool:
    """A pool of a coin or of USDC; solvent or not."""
    is_inverse = rng.random() < 0.5
    units = [deribit_unit(rng, name, is_inverse) for name in "AB"[: rng.randint(1, 2)]]
    legs = [future(rng, rng.choice(units)) for _ in range(rng.randint(0, MOST_FUTURES))]
    legs += [option(rng, rng.choice(units)) for _ in range(rng.randint(0, MOST_OPTIONS))]
    legs += [hedge(rng, leg) for leg in legs if rng.random() < 0.2]
    rng.shuffle(legs)
    return SmallPool(model, (line(rng, Coin("USDC"), legs),))


def okx_pool(rng: Random, model: str) -> SmallPool:
    """Currencies with units of their own, owned and owed."""
    lines = []
    for name in ("USDT", "BTC", "USDC")[: rng.randint(1, 3)]:
        units = [okx_unit(rng, f"{name}{k}", name == "BTC") for k in range(rng.randint(1, 2))]
        legs = [future(rng, rng.choice(units)) for _ in range(rng.randint(0, 5))]
        legs += [hedge(rng, leg) for leg in legs if rng.random() < 0.2]
        rng.shuffle(legs)
        coin = Coin(
            name,
            rng.choice([Decimal("0.99954"), number(rng, -4, 6)]),
            ask_buffer=rng.choice([NOTHING, Decimal("0.001")]),
            tiers=rng.choice([(), VALUE_RATIOS]),
            liability=rng.choice([(), WHOLE]),
        )
        lines.append(line(rng, coin, legs, rng.choice([NOTHING, number(rng, -8, 8)])))
    return SmallPool(model, tuple(lines))


def line(rng: Random, coin: Coin, legs: list[Leg], borrowed: Decimal = NOTHING) -> Line:
    """A balance of either sign."""
    wallet = rng.choice([NOTHING, number(rng, -8, 8), -number(rng, -8, 8)])
    return Line(coin, wallet, tuple(legs), borrowed, rng.choice([NOTHING, number(rng, -8, 6)]))


def volatilities(rng: Random) -> tuple[Decimal, Decimal]:
    """A lower and an upper move, or the same twice."""
    one, other = rng.choice(SHOCKS), rng.choice(SHOCKS)
    return min(one, other), max(one, other)


def deribit_unit(rng: Random, name: str, is_inverse: bool) -> RiskUnit:
    """A few points of a grid, with and without damping; shocks that are reached and missed."""
    points = tuple(
        Point(
            move,
            *volatilities(rng),
            rng.choice([Decimal(1), Decimal("0.32")]),
            rng.choice([NOTHING, number(rng, 0, 6)]),
        )
        for move in rng.sample(MOVES, rng.randint(1, 4))
    )
    return RiskUnit(
        name,
        number(rng, -2, 5),
        points,
        inverse=is_inverse,
        volatility_floor=rng.choice([NOTHING, Decimal("0.5")]),
        short_power=Decimal("0.3"),
        long_power=Decimal("0.13"),
        delta_threshold=number(rng, 0, 8),
        delta_slope=rng.choice([NOTHING, Decimal("0.00005"), Decimal("0.1")]),
        delta_limit=Decimal("0.1"),
        roll_rate=rng.choice([NOTHING, Decimal("0.075")]),
        roll_floor=rng.choice([NOTHING, Decimal("0.01")]),
        initial_factor=rng.choice([Decimal(1), Decimal("1.25")]),
        maintenance_factor=rng.choice([Decimal(1), Decimal("0.8")]),
    )


def okx_unit(rng: Random, name: str, is_inverse: bool) -> RiskUnit:
    """Moves up and down, extreme ones that count by half, a cost of closing that is scaled or not."""
    largest = rng.choice([Decimal("0.12"), Decimal("0.25")])
    points = [Point(largest * step / 3) for step in range(-3, 4)]
    extreme = [Point(side * 2 * largest, weight=Decimal("0.5")) for side in (-1, 1)]
    with localcontext(prec=PRECISION):
        return RiskUnit(
            name,
            number(rng, -2, 5),
            tuple(points + extreme),
            rng.choice([(), SCALING]),
            is_inverse,
            roll_rate=rng.choice([NOTHING, Decimal("0.05")]),
            roll_floor=rng.choice([NOTHING, Decimal("0.002")]),
            reduction_rate=rng.choice([NOTHING, Decimal("0.0045"), Decimal("0.5")]),
            initial_factor=Decimal("1.3"),
            maintenance_factor=rng.choice([Decimal(1), Decimal("0.9")]),
        )


def future(rng: Random, unit: RiskUnit) -> Leg:
    """A future or a perpetual, worth anything from dust to a hundred million, its mark a little off the
    index."""
    mark = unit.index * rng.choice([Decimal(1), Decimal("1.003"), Decimal("0.97")])
    contract = Contract(
        rng.choice("XYZ") + unit.name,
        mark,
        (),
        unit.name,
        multiplier=rng.choice([Decimal(1), Decimal("0.01"), Decimal(10)]),
        taker_fee=rng.choice([NOTHING, Decimal("0.0005")]),
        inverse=unit.inverse,
        unit=unit,
        index=unit.index,
        years=rng.choice([NOTHING, *EXPIRIES]),
    )
    with localcontext(prec=25):
        one = contract.multiplier * (1 / mark if unit.inverse else mark)
        scaled = [tier.floor * edge for tier in SCALING[1:] for edge in EDGES]
        worth = rng.choice(scaled) if rng.random() < 0.2 else number(rng, -8, 8)
        return Leg(contract, rng.choice([1, -1]) * worth / one, mark * number(rng, -1, 1))


def option(rng: Random, unit: RiskUnit) -> Leg:
    """A call or a put, far in or out of the money or just at it, with its months or its last day left."""
    forward = unit.index * rng.choice([Decimal(1), Decimal("1.01")])
    years = rng.choice([*EXPIRIES, NOTHING, Decimal("0.0005")])
    with localcontext(prec=25):
        strike = forward * rng.choice([Decimal(1), number(rng, -1, 1), Decimal("0.8"), Decimal("1.3")])
        premium = rng.choice([NOTHING, number(rng, -4, 0)])
        mark = premium if unit.inverse else premium * forward
    volatility = rng.choice([Decimal("0.25"), Decimal("0.6"), Decimal("1.8")])
    terms = OptionTerms(strike, rng.choice([1, -1]), forward, volatility, years)
    contract = Contract(
        f"O{unit.name}{strike}",
        mark,
        (),
        unit.name,
        rng.choice([Decimal(1), Decimal(1000)]),
        inverse=unit.inverse,
        option=terms,
        unit=unit,
        index=unit.index,
    )
    return Leg(contract, rng.choice([1, -1]) * number(rng, -8, 6), NOTHING, Decimal(1))


def hedge(rng: Random, leg: Leg) -> Leg:
    """The same contract the other way, all of it or any part."""
    share = rng.choice([Decimal(1), number(rng, -2, 1)])
    return Leg(leg.contract, -leg.quantity * share, leg.entry_price, leg.leverage)
