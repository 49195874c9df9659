"""Pools of borrowed coins, portfolio margin and leveraged tokens from a seed: debts worth a bracket's floor,
a bit less and more, dust and giants, solvent or not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, localcontext
from random import Random

import msgspec

from monitor.domain.instrument import MarginTier
from tests.support.small_draws import EDGES, NOTHING, VALUE_RATIOS, leg, number, schedule
from tests.support.small_market import Coin, Leg, Line, SmallPool

FLAT_RATIOS = (MarginTier(NOTHING, Decimal("0.95"), Decimal("0.95"), NOTHING),)
FULL = Decimal(1)
THRESHOLDS = {"portfolio_unimmr": "1.05", "margin_level": "1.1"}
DEBTLESS = 0.3


def spot_pool(rng: Random, model: str) -> SmallPool:
    """Several coins that are held and owed; each coin once, as in an account."""
    names = rng.sample("VWXYZ", 2 if model == "okx_margin_isolated" else rng.randint(1, 5))
    lines = tuple(_line(rng, model, name) for name in names)
    return SmallPool(model, lines, threshold=_threshold(rng, model))


def token_pool(rng: Random, model: str) -> SmallPool:
    """Tokens and cash, some of it borrowed; what was paid for most is in the wallet."""
    lines = []
    for name in rng.sample("XYZ", rng.randint(1, 2)):
        coin, legs = _coin(rng, model, name), tuple(_token(rng) for _ in range(rng.randint(0, 6)))
        lines.append(Line(coin, _wallet(rng), legs, _borrowed(rng, model, coin)))
    return SmallPool(model, tuple(lines))


def _line(rng: Random, model: str, name: str) -> Line:
    coin = _coin(rng, model, name)
    held = portfolio_legs(rng) if model == "portfolio_unimmr" else ()
    return Line(coin, _wallet(rng), held, _borrowed(rng, model, coin), _order_loss(rng))


def portfolio_legs(rng: Random) -> tuple[Leg, ...]:
    """Linear and inverse contracts that one asset settles."""
    return tuple(leg(rng, rng.random() < 0.5) for _ in range(rng.randint(0, 4)))


def _threshold(rng: Random, model: str) -> Decimal:
    return Decimal(THRESHOLDS.get(model, 1)) if rng.random() < 0.7 else FULL + number(rng, -3, 0)


def _coin(rng: Random, model: str, name: str) -> Coin:
    fee = rng.choice([NOTHING, Decimal("0.001")]) if model == "okx_margin_isolated" else NOTHING
    liability = rng.choice([(), loan_schedule(rng, whole=model == "okx_margin_isolated")])
    ratios = rng.choice([(), FLAT_RATIOS, VALUE_RATIOS])
    return Coin(name, number(rng, -4, 6), "", NOTHING, fee, ratios, liability)


def loan_schedule(rng: Random, *, whole: bool = False) -> tuple[MarginTier, ...]:
    """Rising brackets whose initial rate is above the maintenance rate; without deduction where the rate
    applies to the whole debt."""
    with localcontext(prec=60):
        rows = [
            msgspec.structs.replace(step, initial_rate=min(FULL, step.maintenance_rate * 2))
            for step in schedule(rng)
        ]
    return tuple(msgspec.structs.replace(step, deduction=NOTHING) for step in rows) if whole else tuple(rows)


def _borrowed(rng: Random, model: str, coin: Coin) -> Decimal:
    if rng.random() < DEBTLESS:
        return NOTHING
    edges = [step.floor * edge for step in coin.liability[1:] for edge in EDGES]
    worth = rng.choice(edges) if edges and rng.random() < 0.5 else number(rng, -8, 8)
    with localcontext(prec=25):
        return worth if model == "okx_margin_isolated" else worth / coin.price


def _wallet(rng: Random) -> Decimal:
    return rng.choice([NOTHING, number(rng, -8, 8), -number(rng, -8, 8)])


def _order_loss(rng: Random) -> Decimal:
    return rng.choice([NOTHING, number(rng, -8, 6)])


def _token(rng: Random) -> Leg:
    drawn = leg(rng, inverse=False)
    return replace(drawn, entry_price=rng.choice([NOTHING, NOTHING, drawn.entry_price]))
