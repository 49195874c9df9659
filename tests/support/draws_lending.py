"""Accounts of lending markets and vaults from a seed: collateral on and off, e-modes of their own and of
others, an asset that is held and owed, debts just at the edge, dust beside giants."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, localcontext
from random import Random

from monitor.domain.instrument import MarginTier, collateral_schedule
from tests.support.small_draws import EDGES, NOTHING, number
from tests.support.small_market import Coin, Line, SmallPool

BASIS_POINT = Decimal("0.0001")
CATEGORIES = (-1, -1, 0, 1, 2)
MODELS = ("aave", "compound", "maker")
STABLE = "USD"


def lending_pool(rng: Random, model: str) -> SmallPool:
    """An account of the model's own shape."""
    return {"aave": _aave, "compound": _comet, "maker": _vault}[model](rng)


def _aave(rng: Random) -> SmallPool:
    lines = tuple(_reserve(rng, name) for name in rng.sample("STUVWXYZ", rng.randint(1, 6)))
    held = SmallPool("aave", lines, category=rng.choice(CATEGORIES))
    return _at_the_edge(rng, held) if rng.random() < 0.5 else held


def _reserve(rng: Random, name: str) -> Line:
    own = collateral_steps(rng) if rng.random() < 0.85 else ()
    rate, initial = _ratios(rng)
    coin = Coin(
        name,
        _price(rng),
        tiers=own,
        category=rng.choice(CATEGORIES),
        category_rate=rate,
        category_initial=initial,
    )
    owed = rng.choice([NOTHING, number(rng, -8, 8)])
    return Line(coin, _amount(rng), (), owed, _loss(rng), rng.random() < 0.8)


def _comet(rng: Random) -> SmallPool:
    names = rng.sample("STUVWXYZ", rng.randint(0, 6))
    lines = [
        Line(
            Coin(name, _price(rng), tiers=collateral_steps(rng)),
            _amount(rng),
            (),
            NOTHING,
            _loss(rng),
            rng.random() < 0.8,
        )
        for name in names
    ]
    is_owed = rng.random() < 0.7
    base = Line(
        Coin(STABLE, _price(rng)), NOTHING if is_owed else _amount(rng), collateral=rng.random() < 0.5
    )
    held = SmallPool("compound", (*lines, replace(base, borrowed=number(rng, -8, 8) if is_owed else NOTHING)))
    return _at_the_edge(rng, held) if is_owed and rng.random() < 0.5 else held


def _vault(rng: Random) -> SmallPool:
    gem = Line(Coin("GEM", _price(rng)), _amount(rng), (), NOTHING, _loss(rng))
    ratio = Decimal(rng.randint(10_100, 40_000)) * BASIS_POINT
    owed = Line(Coin(STABLE), NOTHING, (), rng.choice([NOTHING, number(rng, -8, 8)]))
    held = SmallPool("maker", (gem, owed), threshold=ratio)
    return _at_the_edge(rng, held) if rng.random() < 0.5 else held


def _at_the_edge(rng: Random, held: SmallPool) -> SmallPool:
    """The last line owes just what the collateral allows by its plain ratios, a trillionth less, or more."""
    *others, last = held.lines
    counted = sum((_plainly(line) for line in held.lines), NOTHING)
    with localcontext(prec=25):
        owed = rng.choice(EDGES) * counted / last.coin.price / held.threshold
    free = (replace(line, borrowed=NOTHING) for line in others)
    return replace(held, lines=(*free, replace(last, borrowed=owed)))


def _plainly(line: Line) -> Decimal:
    ratio = line.coin.tiers[0].maintenance_rate if line.coin.tiers else 1
    return line.wallet * line.coin.price * ratio if line.collateral else NOTHING


def collateral_steps(rng: Random) -> tuple[MarginTier, ...]:
    """One step: a liquidation threshold, and a loan to value that is not above it."""
    return collateral_schedule([(NOTHING, *_ratios(rng))], "a test").tiers


def _ratios(rng: Random) -> tuple[Decimal, Decimal]:
    threshold = rng.choice([rng.randint(1, 10_000), rng.randint(7_000, 9_500), 8_000, 10_000])
    loan = rng.choice([0, rng.randint(0, threshold), threshold])
    return threshold * BASIS_POINT, loan * BASIS_POINT


def _price(rng: Random) -> Decimal:
    return rng.choice([Decimal(1), number(rng, -4, 6)])


def _amount(rng: Random) -> Decimal:
    return rng.choice([NOTHING, number(rng, -8, 8), number(rng, -8, 8)])


def _loss(rng: Random) -> Decimal:
    """A loss of open orders, which no lending market has: it is not to be read."""
    return rng.choice([NOTHING, number(rng, -8, 6)])
