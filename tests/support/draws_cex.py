"""Pools of OKX, Gate and Bitget from a seed: several legs of one contract, long and short, at the floors of
tiers in contracts or in value, a bit below and above, in one coin or in many that are owned and owed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, localcontext
from random import Random

from monitor.domain.instrument import MarginTier
from tests.support import small_draws
from tests.support.small_draws import EDGES, NOTHING, PRECISION, VALUE_RATIOS, number, schedule
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool

BY_CONTRACTS = ("okx_single", "okx_isolated", "okx_multi")
MANY_COINS = ("okx_multi", "gate_unified")
MODELS = (*BY_CONTRACTS, "gate_futures", "gate_unified", "bitget")
MOST_LEGS = 10


def cex_pool(rng: Random, model: str) -> SmallPool:
    """A pool of one coin, or of up to four."""
    names = rng.sample("VWXY", rng.randint(1, 4)) if model in MANY_COINS else ["V"]
    return SmallPool(model, tuple(line(rng, model, name, MOST_LEGS // len(names)) for name in names))


def line(rng: Random, model: str, name: str, most: int) -> Line:
    """A balance of either sign and legs in fewer contracts than legs."""
    is_many, is_inverse = model in MANY_COINS, model != "gate_unified" and rng.random() < 0.5
    contracts = [contract(rng, model, is_inverse) for _ in range(rng.randint(1, 3))]
    count = rng.randint(0, 1 if model == "okx_isolated" else most)
    return Line(
        coin(rng, model, name) if is_many else Coin(name),
        rng.choice([NOTHING, number(rng, -8, 8), -number(rng, -8, 8)]),
        tuple(leg(rng, rng.choice(contracts), model in BY_CONTRACTS) for _ in range(count)),
        rng.choice([NOTHING, number(rng, -8, 8)]) if is_many else NOTHING,
        rng.choice([NOTHING, number(rng, -8, 6)]),
        rng.random() < 0.7,
    )


def contract(rng: Random, model: str, is_inverse: bool) -> Contract:
    """A contract with its venue's kind of tiers."""
    drawn = small_draws.contract(rng, is_inverse)
    return replace(drawn, tiers=whole_schedule(rng)) if model in BY_CONTRACTS else drawn


def whole_schedule(rng: Random) -> tuple[MarginTier, ...]:
    """Up to six rising floors whose rate is on the whole; no floor is a simple multiple of another, so that
    legs added up are near one only where they are meant to be."""
    floor, rate = NOTHING, Decimal(rng.randint(1, 200))
    rows = []
    for _ in range(rng.randint(1, 6)):
        rows.append(MarginTier(floor, rate / 1000, rate / 1000, NOTHING))
        floor = floor * (rng.randint(2, 900) + Decimal("0.37")) if floor else number(rng, 0, 5)
        rate = min(rate + rng.randint(0, 200), Decimal(1000))
    return tuple(rows)


def leg(rng: Random, of: Contract, by_contracts: bool) -> Leg:
    """A leg of anything from dust to a hundred million, or of just as much as a tier's floor."""
    edges = [step.floor * edge for step in of.tiers[1:] for edge in EDGES]
    size = rng.choice(edges) if edges and rng.random() < 0.4 else number(rng, -8, 8)
    with localcontext(prec=25):
        if not by_contracts:
            size /= of.multiplier * (1 / of.mark if of.inverse else of.mark)
        return Leg(of, rng.choice([1, -1]) * size, of.mark * number(rng, -1, 1), number(rng, 0, 2))


def coin(rng: Random, model: str, name: str) -> Coin:
    """A coin with a schedule of falling value ratios, and one of what a debt in it requires."""
    with localcontext(prec=PRECISION):
        debts = whole_schedule(rng) if model in BY_CONTRACTS else schedule(rng)
    price = rng.choice([Decimal(1), number(rng, -4, 6)])
    return Coin(name, price, "", tiers=rng.choice([(), VALUE_RATIOS]), liability=rng.choice([(), debts]))
