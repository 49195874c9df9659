"""Pools of every shape from a seed: dust and giants, both sides, worth a tier's floor, a bit less and more.

Plain random numbers under one hypothesis seed: a pool takes a millisecond, a failure is one number.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from random import Random

from monitor.domain.instrument import MarginTier
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool, tiers

PRECISION = 60
LINEAR_ONLY = (
    "multi_assets",
    "bybit_unified",
    "bybit_isolated",
    "bybit_options",
    "deribit_linear",
    "dydx",
    "gmx",
)  # the venues' modes that these cover are linear
ONE_LINE = ("tiered", "bybit_isolated")
EDGES = [Decimal(1), 1 - Decimal("1e-12"), 1 + Decimal("1e-12")]
NOTHING = Decimal(0)
NOT_TOLD = (NOTHING, NOTHING)


def number(rng: Random, low: int, high: int) -> Decimal:
    """A positive number of six digits from ten to the `low` up to ten to the `high`."""
    return Decimal(rng.randint(100_000, 999_999)).scaleb(rng.randint(low, high - 1) - 5)


def schedule(rng: Random) -> tuple[MarginTier, ...]:
    """Up to eight rising floors at rising rates, continuous."""
    floor, rate = NOTHING, Decimal(rng.randint(1, 200))
    rows = []
    for _ in range(rng.randint(1, 8)):
        rows.append((floor, rate / 1000))
        floor = floor * rng.randint(2, 900) if floor else number(rng, 0, 5)
        rate = min(rate + rng.randint(0, 200), Decimal(1000))
    with localcontext(prec=PRECISION):
        return tiers(*rows)


def contract(rng: Random, inverse: bool = False) -> Contract:
    """A contract with a fee, which the models of venues without one must not read."""
    return Contract(
        name=rng.choice("ABCDEFGH"),
        mark=number(rng, -4, 6),
        tiers=schedule(rng),
        multiplier=rng.choice([Decimal(1), Decimal("0.001"), Decimal(100)]),
        taker_fee=rng.choice([NOTHING, Decimal("0.00055")]),
        inverse=inverse,
    )


def leg(rng: Random, inverse: bool) -> Leg:
    """A leg worth anything from dust to a hundred million, or just as much as a tier's floor."""
    terms = contract(rng, inverse)
    edges = [tier.floor * edge for tier in terms.tiers[1:] for edge in EDGES]
    worth = rng.choice(edges) if edges and rng.random() < 0.4 else number(rng, -8, 8)
    with localcontext(prec=25):
        unit = terms.multiplier * (1 / terms.mark if inverse else terms.mark)
        quantity = rng.choice([1, -1]) * worth / unit
        return Leg(terms, quantity, terms.mark * number(rng, -1, 1), number(rng, 0, 2))


def coin(rng: Random) -> Coin:
    """A coin with buffers, and sometimes a schedule of falling value ratios."""
    buffers = [NOTHING, Decimal("0.005"), Decimal("0.1")]
    price = rng.choice([Decimal(1), number(rng, -4, 6)])
    ratios = rng.choice([(), VALUE_RATIOS])
    return Coin(rng.choice("XYZ"), price, "", rng.choice(buffers), rng.choice(buffers), ratios)


def _ratio(floor: str, ratio: str, deduction: str) -> MarginTier:
    return MarginTier(Decimal(floor), Decimal(ratio), Decimal(ratio), Decimal(deduction))


VALUE_RATIOS = (_ratio("0", "0.95", "0"), _ratio("1000", "0.9", "-50"), _ratio("50000", "0.5", "-20050"))


def line(rng: Random, model: str, most: int) -> Line:
    """A balance with its legs, solvent or not."""
    wallet = rng.choice([NOTHING, number(rng, -8, 8), -number(rng, -8, 8)])
    return Line(
        coin=coin(rng),
        wallet=wallet,
        legs=tuple(
            leg(rng, model not in LINEAR_ONLY and rng.random() < 0.5) for _ in range(rng.randint(0, most))
        ),
        borrowed=NOTHING if model in ONE_LINE else rng.choice([NOTHING, number(rng, -8, 8)]),
        order_loss=rng.choice([NOTHING, number(rng, -8, 6)]),
        collateral=rng.random() < 0.5,
    )


def told(rng: Random) -> tuple[Decimal, Decimal]:
    """Equity of either sign and a requirement, as a venue may tell them."""
    equity = rng.choice([NOTHING, number(rng, -8, 8), -number(rng, -8, 8)])
    return equity, rng.choice([NOTHING, number(rng, -8, 8)])


def perpetual_pool(rng: Random, model: str) -> SmallPool:
    """A pool of perpetuals, of the models that were first."""
    lines = 1 if model in ONE_LINE else rng.randint(1, 4)
    legs = 1 if model == "bybit_isolated" else 12 // lines
    drawn = tuple(line(rng, model, legs) for _ in range(lines))
    return SmallPool(model, drawn, told(rng) if model == "venue_ratio" else NOT_TOLD)
