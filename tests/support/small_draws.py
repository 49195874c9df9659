"""Pools of every shape: dust and giants, both sides, worth just a floor of a tier, a bit less and more."""

from __future__ import annotations

from decimal import Decimal, localcontext

from hypothesis import strategies as st

from monitor.domain.instrument import MarginTier
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool, tiers

PRECISION = 60
FLAT = tiers((0, "0.01"))
LINEAR_ONLY = (
    "multi_assets",
    "bybit_unified",
    "bybit_isolated",
)  # the venues' modes that these cover are linear
ONE_LINE = ("tiered", "bybit_isolated")
EDGES = [Decimal(1), 1 - Decimal("1e-12"), 1 + Decimal("1e-12")]


def numbers(low: int, high: int) -> st.SearchStrategy[Decimal]:
    """Positive numbers of six digits from ten to the `low` up to ten to the `high`."""
    return st.builds(
        lambda digits, exponent: Decimal(digits).scaleb(exponent - 5),
        st.integers(100_000, 999_999),
        st.integers(low, high - 1),
    )


def schedules(most: int = 6) -> st.SearchStrategy[tuple[MarginTier, ...]]:
    """Rising floors at rising rates, continuous."""
    steps = st.lists(st.tuples(st.integers(2, 900), st.integers(0, 200)), max_size=most - 1)
    return st.builds(_schedule, st.integers(1, 200), numbers(0, 5), steps)


def _schedule(first_rate: int, first_floor: Decimal, steps: list[tuple[int, int]]) -> tuple[MarginTier, ...]:
    rows, floor, rate = [(Decimal(0), Decimal(first_rate))], first_floor, Decimal(first_rate)
    for growth, more in steps:
        rate = min(rate + more, Decimal(1000))
        rows.append((floor, rate))
        floor *= growth
    with localcontext(prec=PRECISION):
        return tiers(*((at, permille / 1000) for at, permille in rows))


@st.composite
def contracts(draw: st.DrawFn, inverse: st.SearchStrategy[bool]) -> Contract:
    """A contract with a fee, which the models of venues without one must not read."""
    return Contract(
        name=draw(st.sampled_from("ABCDEFGH")),
        mark=draw(numbers(-4, 6)),
        tiers=draw(schedules()),
        multiplier=draw(st.sampled_from([Decimal(1), Decimal("0.001"), Decimal(100)])),
        taker_fee=draw(st.sampled_from([Decimal(0), Decimal("0.00055")])),
        inverse=draw(inverse),
    )


@st.composite
def legs(draw: st.DrawFn, inverse: st.SearchStrategy[bool]) -> Leg:
    """A leg worth anything from dust to a hundred million, or just as much as a tier's floor."""
    contract = draw(contracts(inverse))
    edges = [tier.floor * edge for tier in contract.tiers[1:] for edge in EDGES]
    worth = draw(st.one_of(numbers(-8, 8), *([st.sampled_from(edges)] if edges else [])))
    with localcontext(prec=25):
        unit = contract.multiplier * (1 / contract.mark if contract.inverse else contract.mark)
        quantity = worth / unit
        entry = contract.mark * draw(numbers(-1, 1))
    side = draw(st.sampled_from([1, -1]))
    return Leg(contract, side * quantity, entry, draw(numbers(0, 2)))


@st.composite
def coins(draw: st.DrawFn) -> Coin:
    """A coin with buffers, and sometimes falling value ratios."""
    small = st.sampled_from([Decimal(0), Decimal("0.005"), Decimal("0.1")])
    ratios = st.sampled_from([(), VALUE_RATIOS])
    price = draw(st.one_of(st.just(Decimal(1)), numbers(-4, 6)))
    return Coin(
        draw(st.sampled_from("XYZ")),
        price,
        bid_buffer=draw(small),
        ask_buffer=draw(small),
        tiers=draw(ratios),
    )


def _ratio(floor: str, ratio: str, deduction: str) -> MarginTier:
    return MarginTier(Decimal(floor), Decimal(ratio), Decimal(ratio), Decimal(deduction))


VALUE_RATIOS = (_ratio("0", "0.95", "0"), _ratio("1000", "0.9", "-50"), _ratio("50000", "0.5", "-20050"))


@st.composite
def lines(draw: st.DrawFn, model: str, most: int) -> Line:
    """A balance with its legs, solvent or not."""
    inverse = st.just(False) if model in LINEAR_ONLY else st.booleans()
    nothing = st.just(Decimal(0))
    return Line(
        coin=draw(coins()),
        wallet=draw(st.one_of(nothing, numbers(-8, 8), numbers(-8, 8).map(lambda amount: -amount))),
        legs=tuple(draw(st.lists(legs(inverse), max_size=most))),
        borrowed=Decimal(0) if model in ONE_LINE else draw(st.one_of(nothing, numbers(-8, 8))),
        order_loss=draw(st.one_of(nothing, numbers(-8, 6))),
        collateral=draw(st.booleans()),
    )


@st.composite
def pools(draw: st.DrawFn, model: str) -> SmallPool:
    """A pool that the model is for."""
    most_lines = 1 if model in ONE_LINE else 3
    most_legs = 1 if model == "bybit_isolated" else 6 // most_lines
    held = draw(st.lists(lines(model, most_legs), min_size=1, max_size=most_lines))
    return SmallPool(model, tuple(held))
