"""Pools of one Deribit currency: futures whose rate grows with size, options on either side, open orders."""

from __future__ import annotations

from decimal import Decimal, localcontext
from random import Random

from monitor.domain.instrument import MarginTier
from tests.support.small_draws import EDGES, NOTHING, number
from tests.support.small_market import Coin, Contract, Leg, Line, OptionTerms, SmallPool

MOST_LEGS = 12
SLOPES = [NOTHING, Decimal("0.00005"), Decimal("0.000005"), Decimal("0.000004")]
MULTIPLIERS = [Decimal(1), Decimal(10), Decimal(1000)]
RATES = [("0.15", "0.1", "0.075"), ("0.2", "0.07", "0.05"), ("0.2", "0.04", "0.075")]


def deribit_pool(rng: Random, model: str) -> SmallPool:
    """A pool of USDC, or of a coin; solvent or not."""
    is_inverse = model == "deribit_inverse"
    legs = tuple(rng.choice([future, option])(rng, is_inverse) for _ in range(rng.randint(0, MOST_LEGS)))
    wallet = rng.choice([NOTHING, number(rng, -8, 8), -number(rng, -8, 8)])
    coin = Coin("BTC" if is_inverse else "USDC")
    return SmallPool(model, (Line(coin, wallet, legs, order_loss=rng.choice([NOTHING, number(rng, -8, 6)])),))


def future(rng: Random, is_inverse: bool) -> Leg:
    """A leg worth anything from dust to a hundred million; its index a little off its mark."""
    mark = number(rng, -4, 6)
    maintenance = Decimal(rng.randint(1, 300)) / 1000
    step = MarginTier(NOTHING, maintenance, min(2 * maintenance, Decimal(1)), NOTHING, rng.choice(SLOPES))
    contract = Contract(
        rng.choice("ABCD"),
        mark,
        (step,),
        multiplier=rng.choice(MULTIPLIERS),
        taker_fee=Decimal("0.0005"),
        inverse=is_inverse,
        index=rng.choice([None, mark * Decimal("0.999")]),
    )
    with localcontext(prec=25):
        unit = contract.multiplier * (1 / mark if is_inverse else mark)
        quantity = rng.choice([1, -1]) * number(rng, -8, 8) / unit
        return Leg(contract, quantity, mark * number(rng, -1, 1), Decimal(1), *orders(rng, quantity))


def option(rng: Random, is_inverse: bool) -> Leg:
    """A call or put at any distance from the money, also just where one term of its margin gives way to the
    next."""
    initial_rate, initial_floor, maintenance_rate = map(Decimal, rng.choice(RATES))
    forward, side = number(rng, -2, 6), rng.choice([1, -1])
    edge = (initial_rate - initial_floor) * rng.choice(EDGES)
    with localcontext(prec=25):
        away = rng.choice([NOTHING, edge, number(rng, -4, 1), -number(rng, -3, 0)])
        strike = max(forward * (1 + side * away), forward / 1000)
        premium = rng.choice([NOTHING, *EDGES, number(rng, -8, 0), number(rng, -1, 1)])
        mark = premium if is_inverse else premium * forward
    rates = {
        "initial_rate": initial_rate,
        "initial_floor": initial_floor,
        "maintenance_rate": maintenance_rate,
    }
    terms = OptionTerms(strike, side, forward, **rates)
    size = rng.choice(MULTIPLIERS)
    contract = Contract(rng.choice("ABCD"), mark, (), multiplier=size, inverse=is_inverse, option=terms)
    quantity = rng.choice([1, -1]) * number(rng, -8, 8)
    return Leg(contract, quantity, NOTHING, Decimal(1), *orders(rng, quantity))


def orders(rng: Random, quantity: Decimal) -> tuple[Decimal, Decimal]:
    """What is to be bought and sold: nothing, just what would close the position, a bit less or more, or any
    amount."""
    size = abs(quantity)
    amounts = [NOTHING, size, *(size * edge for edge in EDGES), number(rng, -8, 8)]
    return rng.choice(amounts), rng.choice(amounts)
