"""Pools of dYdX, in whole quantums and beside them, and of GMX."""

from __future__ import annotations

from decimal import Decimal, localcontext
from random import Random

from monitor.domain.instrument import MarginTier
from monitor.margin.dydx_terms import tier_step
from tests.support.small_draws import EDGES, NOTHING, number
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool

MOST_LEGS = 12
ONE = Decimal(1)
USDC, USD = Coin("USDC"), Coin("USD")
LEASTS = [NOTHING, ONE, Decimal(10), Decimal(200)]
QUANTUM_EDGES = [NOTHING, Decimal("1e-12"), Decimal("1e-6"), -Decimal("1e-12")]  # beside a whole number


def subaccount(rng: Random, model: str) -> SmallPool:
    """A subaccount, solvent or not; its balance a whole number of quantums, or with funding added."""
    legs = tuple(perpetual(rng) for _ in range(rng.randint(0, MOST_LEGS)))
    wallet = rng.choice([NOTHING, number(rng, -6, 8), -number(rng, -6, 8), number(rng, -8, 0)])
    return SmallPool(model, (Line(USDC, wallet, legs),))


def perpetual(rng: Random) -> Leg:
    """A leg worth anything from dust to a hundred million, or just a whole number of quantums, or a hair
    beside it, where each rounding turns."""
    contract = Contract(
        rng.choice("ABCDEFGH"),
        number(rng, -4, 6),
        (liquidity_step(rng),),
        multiplier=rng.choice([ONE, Decimal("0.001")]),
        taker_fee=rng.choice([NOTHING, Decimal("0.0005")]),
    )
    whole = Decimal(rng.randint(1, 10 ** rng.randint(1, 14))) * Decimal("1e-6")
    worth = rng.choice([number(rng, -8, 8), whole, whole + rng.choice(QUANTUM_EDGES)])
    with localcontext(prec=25):
        quantity = rng.choice([1, -1]) * worth / contract.mark / contract.multiplier
    entry = rng.choice([NOTHING, NOTHING, contract.mark * number(rng, -1, 1)])
    return Leg(contract, quantity, entry, ONE)


def liquidity_step(rng: Random) -> MarginTier:
    """The one step of a liquidity tier, of the chain's usual numbers or any, at any open interest."""
    initial = rng.choice([Decimal("0.02"), Decimal("0.05"), Decimal("0.1"), ONE, ppm(rng)])
    share = rng.choice([Decimal("0.6"), Decimal("0.5"), ONE, ppm(rng)])
    lower = number(rng, 4, 8)
    upper = rng.choice([NOTHING, 2 * lower])
    return tier_step(initial, share, lower * rng.randint(0, 300) / 100, lower, upper)


def ppm(rng: Random) -> Decimal:
    """Any whole number of millionths."""
    return Decimal(rng.randint(1, 1_000_000)) / 1_000_000


def gmx_position(rng: Random, model: str) -> SmallPool:
    """One position, its collateral in the index token or another, its pending fees in USD or in tokens; the
    size also just where the least collateral gives way to the rate."""
    of = market(rng)
    least = rng.choice(LEASTS)
    entry = of.mark * number(rng, -1, 1)
    with localcontext(prec=25):
        edge = least / of.tiers[0].maintenance_rate * rng.choice(EDGES)
        size = edge if edge and rng.random() < 0.3 else number(rng, -8, 8)
        quantity = rng.choice([1, -1]) * size / entry / of.multiplier
    legs = (Leg(of, quantity, entry, ONE),) if rng.random() < 0.9 else ()
    fees = rng.choice([NOTHING, -number(rng, -8, 4)])
    return SmallPool(model, (collateral(rng, of), Line(USD, fees, legs)), threshold=least)


def market(rng: Random) -> Contract:
    """The oracle's two prices in either order, or one."""
    price = number(rng, -4, 6)
    return Contract(
        "ETH",
        price,
        (MarginTier(NOTHING, ppm(rng) / 10, ONE, NOTHING),),
        multiplier=rng.choice([ONE, Decimal(1000)]),
        taker_fee=rng.choice([NOTHING, Decimal("0.0006")]),
        index=rng.choice([None, price * Decimal("0.999"), price * Decimal("1.001")]),
    )


def collateral(rng: Random, contract: Contract) -> Line:
    """What was paid in: of the index token, of another, or dollars; sometimes with a fee owed in it."""
    coin = rng.choice([Coin("ETH", contract.mark, "ETH"), Coin("BTC", number(rng, 2, 5), "BTC"), USDC])
    return Line(
        coin, rng.choice([NOTHING, number(rng, -8, 6)]), (), rng.choice([NOTHING, number(rng, -8, 2)])
    )
