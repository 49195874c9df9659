"""OKX spot margin: published figures, and the closed forms of its pages: a long, a short, quick margin."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.domain.instrument import MarginTier, TierSchedule, checked_schedule
from monitor.margin.models import MODELS
from monitor.margin.venue_words import is_liquidatable, venue_figure
from tests.support.published import assert_published, read_cases
from tests.support.published_spotmargin import OKX_MARGIN
from tests.support.small_books import moves_of, requirement
from tests.support.small_market import Coin, Line, SmallPool

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "margin" / "okx_margin.json"
SAYS = MODELS["okx_margin_isolated"].says
FEE, RATE, PRICE = Decimal("0.001"), Decimal("0.03"), Decimal(50_000)
rngs = st.integers(0, 2**48).map(Random)
cases = read_cases(GOLDEN)


def whole(*steps: tuple[str, str]) -> tuple[MarginTier, ...]:
    """A venue's tiers: from this borrowed amount up, this rate on all of it."""
    rows = (MarginTier(Decimal(floor), Decimal(rate), Decimal(1), Decimal(0)) for floor, rate in steps)
    return checked_schedule(TierSchedule(tuple(rows), "a test", whole=True)).tiers


BASE_TIERS = whole(("0", "0.03"), ("35", "0.0625"), ("70", "0.1"))  # BTC/USDT from 2023-06-08
QUOTE_TIERS = whole(("0", "0.03"), ("1000000", "0.0625"), ("2000000", "0.1"))
BASE = Coin("BTC", PRICE, "BTC", ask_buffer=FEE, liability=BASE_TIERS)
QUOTE = Coin("USDT", ask_buffer=FEE, liability=QUOTE_TIERS)


def quick(base: object, quote: object, base_debt: object = 0, quote_debt: object = 0) -> SmallPool:
    """A position of so much base and quote, held and owed."""
    held, owed = (
        (Decimal(str(base)), Decimal(str(quote))),
        (Decimal(str(base_debt)), Decimal(str(quote_debt))),
    )
    lines = (Line(BASE, held[0], borrowed=owed[0]), Line(QUOTE, held[1], borrowed=owed[1]))
    return SmallPool("okx_margin_isolated", lines)


def said(pool: SmallPool) -> float:
    """The venue's margin ratio."""
    found = requirement(pool)
    return venue_figure(SAYS, found.equity, found.maintenance_margin)


@pytest.mark.parametrize("case", cases, ids=[case["id"] for case in cases])
def test_our_figures_are_the_published_ones(case: dict[str, Any]) -> None:
    """A sample of the venue's API comes out of a book of the two coins."""
    assert_published(case, OKX_MARGIN[case["formula"]])
    assert case["source"] in json.loads(GOLDEN.read_text(encoding="utf-8"))["sources"]


def test_the_transcribed_cases_are_the_originals(shared: Path) -> None:
    """What stands in the golden file is what the source says, and all of it."""
    originals = read_cases(shared / "vectors" / "okx_api_samples.json")
    mine = [{**case, "source": "okx_api_samples"} for case in originals if case["formula"] in OKX_MARGIN]
    for case in mine:
        case.pop("note", None)
    assert mine == cases


@given(rng=rngs)
def test_a_long_is_liquidated_at_the_published_price(rng: Random) -> None:
    """(liability + interest)(1 + rate)(1 + fee) / assets."""
    debt = rng.uniform(1e3, 9e5)
    assets = debt / float(PRICE) * rng.uniform(1.05, 5)
    lower, upper = moves_of(quick(f"{assets:.12g}", 0, quote_debt=f"{debt:.12g}"))["BTC"]
    expected = debt * (1 + 0.03) * (1 + 0.001) / assets
    assert lower * float(PRICE) == pytest.approx(expected, rel=1e-9)
    assert math.isnan(upper)


@given(rng=rngs)
def test_a_short_is_liquidated_at_the_published_price(rng: Random) -> None:
    """assets / ((liability + interest)(1 + rate)(1 + fee))."""
    debt = rng.uniform(1e-3, 30)
    assets = debt * float(PRICE) * rng.uniform(1.05, 5)
    lower, upper = moves_of(quick(0, f"{assets:.12g}", base_debt=f"{debt:.12g}"))["BTC"]
    expected = assets / (debt * (1 + 0.03) * (1 + 0.001))
    assert upper * float(PRICE) == pytest.approx(expected, rel=1e-9)
    assert math.isnan(lower)


@pytest.mark.parametrize("side", [1, -1])
@given(rng=rngs)
def test_quick_margin_is_liquidated_at_the_published_price(side: int, rng: Random) -> None:
    """(quote debt x k - quote) / (base - base debt x k), k = (1 + rate)(1 + fee), with both held and owed."""
    factor, price, ease = 1.03 * 1.001, float(PRICE), rng.uniform(1.05, 3)
    base_debt, quote_debt = rng.uniform(0.1, 30), rng.uniform(1e3, 9e5)
    if side > 0:
        quote = quote_debt * rng.uniform(0, 0.9)
        base = base_debt * factor + (quote_debt * factor - quote) / price * ease
    else:
        base = base_debt * rng.uniform(0, 0.9)
        quote = quote_debt * factor + (base_debt * factor - base) * price * ease
    found = moves_of(quick(*(f"{amount:.14g}" for amount in (base, quote, base_debt, quote_debt))))["BTC"]
    expected = (quote_debt * factor - quote) / (base - base_debt * factor)
    assert found[0 if side > 0 else 1] * price == pytest.approx(expected, rel=1e-8)
    assert math.isnan(found[1 if side > 0 else 0])


def test_the_rate_of_a_tier_is_on_the_whole_debt() -> None:
    """Just below a floor the lower rate, on it the higher one, on all that is owed: the requirement jumps."""
    below, there = (requirement(quick(100, 0, quote_debt=debt)) for debt in ("999999.999999", "1000000"))
    assert below.maintenance_margin == pytest.approx(1e6 * (0.03 + 1.03 * 0.001))
    assert there.maintenance_margin == pytest.approx(1e6 * (0.0625 + 1.0625 * 0.001))


def test_where_both_coins_are_owed_the_higher_tier_counts_for_both() -> None:
    """One rate for the position: 40 BTC are in the second tier, and the small debt of USDT with them."""
    found = requirement(quick(0, 9_000_000, base_debt=40, quote_debt=1_000))
    assert found.maintenance_margin == pytest.approx((40 * 50_000 + 1_000) * (0.0625 + 1.0625 * 0.001))


def test_equality_is_liquidated_and_a_hair_above_is_not() -> None:
    """The ratio is 100 % where net assets are just what is asked for; the venue liquidates there."""
    debt = Decimal(100_000)
    factor = (1 + RATE) * (1 + FEE)
    at, above = (
        requirement(quick(0, debt * factor + more, quote_debt=debt)) for more in (0, Decimal("1e-6"))
    )
    assert at.maintenance_margin == pytest.approx(at.equity, rel=1e-12)
    assert is_liquidatable(SAYS, at.equity, at.equity)
    assert not is_liquidatable(SAYS, above.equity, above.maintenance_margin)
    assert said(quick(0, debt * factor, quote_debt=debt)) == pytest.approx(1, rel=1e-12)


def test_collateral_without_a_debt_is_no_position() -> None:
    """Until something is borrowed nothing is required and the venue has no ratio."""
    found = requirement(quick(2, 5))
    assert (found.equity, found.maintenance_margin) == (100_005, 0)
    assert math.isnan(said(quick(2, 5)))


def test_interest_in_the_debt_brings_liquidation_nearer() -> None:
    """What has accrued is owed like the loan."""
    pool = quick(2.5, 0, quote_debt=100_000)
    base, quote = pool.lines
    later = replace(pool, lines=(base, replace(quote, borrowed=quote.borrowed + 100)))
    assert moves_of(later)["BTC"][0] == pytest.approx(moves_of(pool)["BTC"][0] * 1.001, rel=1e-9)
