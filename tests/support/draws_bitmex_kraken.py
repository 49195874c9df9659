"""Pools of BitMEX, Kraken and Bybit's inverse positions from a seed: funding of either sign, perpetuals and
maturities of one underlying on both sides, brackets in contracts met just, a bit below and above."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, localcontext
from random import Random

from tests.support import small_draws
from tests.support.small_draws import EDGES, NOTHING, number
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool

ONE_LEG = ("bitmex_isolated", "bybit_inverse_isolated")
INVERSE = ("kraken_single", "bybit_inverse_isolated")
AT_ENTRY = ("bitmex_isolated", "bitmex_cross", "kraken_multi", "kraken_single")
MODELS = (*AT_ENTRY, "bybit_inverse_isolated")
FUNDING = (NOTHING, Decimal("0.0001"), Decimal("-0.000375"))


def exchange_pool(rng: Random, model: str) -> SmallPool:
    """One coin, or up to four that are all collateral."""
    names = rng.sample("VWXY", rng.randint(1, 4)) if model == "kraken_multi" else ["V"]
    most = 1 if model in ONE_LEG else 12 // len(names)
    return SmallPool(model, tuple(line(rng, model, name, most) for name in names))


def line(rng: Random, model: str, name: str, most: int) -> Line:
    """A balance of either sign with its legs."""
    is_many, is_inverse = model == "kraken_multi", model in INVERSE
    if model.startswith("bitmex"):
        is_inverse = rng.random() < 0.5
    buffer, price = rng.choice([NOTHING, Decimal("0.03"), Decimal("0.5")]), number(rng, -4, 6)
    return Line(
        Coin(name, price, bid_buffer=buffer) if is_many else Coin(name),
        rng.choice([NOTHING, number(rng, -8, 8), -number(rng, -8, 8)]),
        tuple(leg(rng, model, contract(rng, is_inverse)) for _ in range(rng.randint(0, most))),
        rng.choice([NOTHING, number(rng, -8, 8)]) if is_many else NOTHING,
        rng.choice([NOTHING, number(rng, -8, 6)]),
        rng.random() < 0.7,
    )


def contract(rng: Random, is_inverse: bool) -> Contract:
    """A contract with a fee and a next funding, one of several on its underlying."""
    drawn = small_draws.contract(rng, is_inverse)
    name = drawn.name + rng.choice(["", "-26", "-27"])
    return replace(drawn, name=name, underlying=drawn.name, funding=rng.choice(FUNDING))


def leg(rng: Random, model: str, of: Contract) -> Leg:
    """A leg worth anything from dust to a hundred million, or at a bracket's floor as its venue counts."""
    edges = [step.floor * edge for step in of.tiers[1:] for edge in EDGES]
    worth = rng.choice(edges) if edges and rng.random() < 0.4 else number(rng, -8, 8)
    with localcontext(prec=25):
        entry = of.mark * number(rng, -1, 1)
        price = entry if model in AT_ENTRY else of.mark
        if not of.inverse:
            worth /= price
        elif model != "kraken_single":
            worth *= price
        return Leg(of, rng.choice([1, -1]) * worth / of.multiplier, entry, number(rng, 0, 2))
