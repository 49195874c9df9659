"""Pools of Drift: deposits and debts under weights, spot orders, perpetuals whose ratio grows with the root
of their size. Rates have four digits and slopes six, as on chain."""

from __future__ import annotations

from decimal import Decimal, localcontext
from math import isqrt
from random import Random

from monitor.domain.instrument import MarginTier
from tests.support.small_draws import EDGES, NOTHING, number
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool

BILLIONTH = Decimal("1e-9")
SLOPES = [NOTHING, Decimal("0.000003"), Decimal("0.0001"), Decimal("0.001"), Decimal("0.1")]
LEVERAGES = [NOTHING, NOTHING, Decimal("0.5"), Decimal(3), Decimal(10), Decimal(50)]
QUOTE_PRICES = ["1", "0.9998", "1.0002", "0.95"]
MOST_LEGS = 6


def drift_pool(rng: Random, model: str) -> SmallPool:
    """A line of USDC with perpetuals, and up to four tokens; solvent or not."""
    quote = Coin("USDC", Decimal(rng.choice(QUOTE_PRICES)), average=Decimal(rng.choice(QUOTE_PRICES)))
    legs = tuple(perpetual(rng) for _ in range(rng.randint(0, MOST_LEGS)))
    fees = Decimal(rng.randint(0, 32)) / 100
    wallet = rng.choice([NOTHING, number(rng, -8, 8), -number(rng, -8, 8)])
    first = Line(quote, wallet, legs, rng.choice([NOTHING, number(rng, -8, 8)]), fees if legs else NOTHING)
    return SmallPool(model, (first, *(token(rng) for _ in range(rng.randint(0, 4)))))


def token(rng: Random) -> Line:
    """A deposit, a debt or neither, and sometimes orders on both sides of it."""
    price, slope = number(rng, -4, 6), rng.choice(SLOPES)
    kept, asked = rng.randint(1, 10_000), rng.randint(1, 5_000)
    coin = Coin(
        rng.choice("XYZ"),
        price,
        rng.choice(["", "A"]),
        tiers=(step(kept, rng.randint(0, kept), slope),),
        liability=(step(asked, asked + rng.randint(0, 5_000), slope),),
        average=rng.choice([None, price * Decimal("0.97"), price * Decimal("1.04")]),
    )
    held = rng.choice([NOTHING, size(rng, price, slope), -size(rng, price, slope)])
    return Line(coin, max(held, NOTHING), orders(rng, abs(held)), max(-held, NOTHING))


def orders(rng: Random, held: Decimal) -> tuple[Leg, ...]:
    """Nothing, or a row of orders; some just turn what is held around."""
    if rng.random() < 0.5:
        return ()
    spot = Contract(rng.choice("XYZ"), Decimal(1), ())
    return (Leg(spot, NOTHING, NOTHING, rng.choice(LEVERAGES), *both_sides(rng, held)),)


def perpetual(rng: Random) -> Leg:
    """A leg worth anything from dust to a hundred million, up or down by anything; some are predictions."""
    is_prediction = rng.random() < 0.2
    mark = Decimal(rng.randint(1, 999)) / 1000 if is_prediction else number(rng, -4, 6)
    slope, asked, most = rng.choice(SLOPES), rng.randint(1, 9_000), rng.randint(0, 10_000)
    contract = Contract(
        rng.choice("ABCD"),
        mark,
        (step(asked, asked + rng.randint(0, 1_000), slope),),
        multiplier=rng.choice([Decimal(1), Decimal(1000)]),
        taker_fee=Decimal("0.0005"),
        gain_rate=Decimal(rng.choice([10_000, rng.randint(most, 10_000)])) / 10_000,
        gain_initial=Decimal(most) / 10_000,
        gain_slope=rng.choice(SLOPES),
        ceiling=Decimal(rng.choice([0, 1])) if is_prediction else NOTHING,
    )
    held = size(rng, mark, slope) / contract.multiplier
    entry = mark * rng.choice([number(rng, -1, 1), Decimal("0.9999"), Decimal("1.0001"), *EDGES])
    leverage = rng.choice(LEVERAGES)
    return Leg(contract, rng.choice([1, -1]) * held, entry, leverage, *both_sides(rng, held))


def step(maintenance: int, initial: int, slope: Decimal) -> MarginTier:
    """One step of rates in ten-thousandths."""
    return MarginTier(NOTHING, Decimal(maintenance) / 10_000, Decimal(initial) / 10_000, NOTHING, slope)


def size(rng: Random, price: Decimal, slope: Decimal) -> Decimal:
    """In whole billionths: worth dust to a hundred million, or just where a weight goes over to the next."""
    if slope and rng.random() < 0.3:
        return edge(rng, slope)
    with localcontext(prec=25):
        return max((number(rng, -8, 8) / price).quantize(BILLIONTH), BILLIONTH)


def edge(rng: Random, slope: Decimal) -> Decimal:
    """The least size whose root adds so many ten-thousandths to a weight, or a billionth less or more; below
    450,000, as floats tell no billionths beyond."""
    imf = int(slope * 10**6)
    root = -(-rng.randint(1, min(200, 6 * imf)) * 10**7 // imf)
    least = -(-(root * root - 1) // 10)
    assert isqrt(10 * least + 1) >= root > isqrt(10 * least - 9)
    return (least + rng.choice([-1, 0, 0, 1])) * BILLIONTH


def both_sides(rng: Random, held: Decimal) -> tuple[Decimal, Decimal]:
    """What is to be bought and sold: nothing, what is held, twice that, a bit less or more, or any amount."""
    amounts = [NOTHING, NOTHING, held, 2 * held, *(held * one for one in EDGES), number(rng, -8, 8)]
    return rng.choice(amounts), rng.choice(amounts)
