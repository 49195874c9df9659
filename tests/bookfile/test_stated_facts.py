"""Facts that perpetual DEXs state, as a book file holds them: what follows from each, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monitor.book.describe import USUAL
from monitor.bookfile.assess import assess_files
from monitor.bookfile.problem import BookFileError
from monitor.domain.assessment import MarginAssessment

BOOKS = Path(__file__).resolve().parent.parent / "golden" / "books"
BOOK = BOOKS / "accruing.json"
MAKER, DYDX, GMX, TOKENS, DRIFT = 3, 4, 5, 6, 7  # places of the venues, and of the accounts
Spoil = Callable[[Any], object]


def market(book: Any, place: int) -> Any:
    """The one instrument of a venue."""
    return book["venues"][place]["instruments"][0]


def held(book: Any, place: int) -> Any:
    """The one position of an account."""
    return book["accounts"][place]["pools"][0]["positions"][0]


def staked(book: Any) -> Any:
    """The asset of Drift that has a weight."""
    return book["venues"][DRIFT]["assets"][1]


MISTAKES: dict[str, tuple[Spoil, str]] = {
    "tiers beside the liquidity tier": (
        lambda b: market(b, DYDX).update(tiers=market(b, GMX)["tiers"]),
        "venues[4].instruments[0].tiers: stands beside liquidity_tier: leave one out",
    ),
    "a tier that none can be": (
        lambda b: market(b, DYDX)["liquidity_tier"].update(maintenance_share=1.2, upper_cap=0),
        "venues[4].instruments[0].liquidity_tier: maintenance rate 0.024 is above the initial rate 0.02",
    ),
    "caps upside down": (
        lambda b: market(b, DYDX)["liquidity_tier"].update(lower_cap=130000000),
        "venues[4].instruments[0].liquidity_tier: open interest 85000000, caps 130000000 and 120000000 do",
    ),
    "open interest that is no number": (
        lambda b: market(b, DYDX)["liquidity_tier"].update(open_interest="NaN"),
        "venues[4].instruments[0].liquidity_tier.open_interest: NaN is no number",
    ),
    "two caps of funding": (
        lambda b: market(b, DYDX).update(funding_cap=0.01),
        "venues[4].instruments[0].funding_cap: stands beside liquidity_tier.funding_factor",
    ),
    "a cap of an unknown interval": (
        lambda b: market(b, DYDX).pop("funding_hours"),
        "venues[4].instruments[0].funding_hours: missing; the cap is of that interval",
    ),
    "a position that does not tell its index": (
        lambda b: held(b, DYDX).pop("funding_index"),
        "accounts[4].pools[0].positions[0].funding_index: missing; its market tells the one of now",
    ),
    "a market that does not tell its index": (
        lambda b: market(b, DYDX).pop("funding_index"),
        "venues[4].instruments[0].funding_index: missing; a position tells the one",
    ),
    "an impact without its bound": (
        lambda b: market(b, GMX).pop("most_impact"),
        "venues[5].instruments[0].most_impact: missing; a position tells what closing it would cost",
    ),
    "deposits that scale from nowhere": (
        lambda b: staked(b).pop("scale_start"),
        "venues[7].assets[1].scale_start: missing; the other one stands there",
    ),
    "a start without deposits": (
        lambda b: staked(b).pop("deposits"),
        "venues[7].assets[1].deposits: missing; the other one stands there",
    ),
    "deposits of an asset without a weight": (
        lambda b: staked(b).pop("collateral"),
        "venues[7].assets[1].collateral: missing; deposits lower its weight",
    ),
    "a weight that rises": (
        lambda b: staked(b)["collateral"]["steps"][0].update(slope=-0.001),
        "venues[7].assets[1].collateral: tier 1: slope -0.001 makes the ratio rise",
    ),
    "borrowing on more than holds": (
        lambda b: staked(b)["collateral"]["steps"][0].update(initial_rate=0.95),
        "venues[7].assets[1].collateral: tier 1: ratios 0.95 to borrow on and 0.9",
    ),
    "collateral that counts for more as it grows": (
        lambda b: staked(b)["collateral"]["steps"].append({"floor": 1000, "maintenance_rate": 0.95}),
        "venues[7].assets[1].collateral: tier 2: ratio 0.95 does not fall from 0.9",
    ),
}


def spoilt(folder: Path, spoil: Spoil) -> Path:
    """The example, changed, as a file."""
    book = json.loads(BOOK.read_text(encoding="utf-8"))
    spoil(book)
    path = folder / "book.json"
    path.write_text(json.dumps(book), encoding="utf-8")
    return path


def pool_of(path: Path, model: str) -> MarginAssessment:
    """The pool of this model."""
    (book,) = assess_files([path], USUAL)
    (found,) = (pool for pool in book.pools if pool.model == model)
    return found


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_with_its_path(tmp_path: Path, mistake: str) -> None:
    """What is stated twice, or only half, or can't be meant, computes nothing."""
    spoil, told = MISTAKES[mistake]
    path = spoilt(tmp_path, spoil)
    with pytest.raises(BookFileError) as refused:
        assess_files([path], USUAL)
    assert str(refused.value).startswith(f"{path}: {told}")


def test_a_liquidity_tier_at_its_open_interest() -> None:
    """85 million between caps of 50 and 120: half of what is missing from 0.02 to 1 is added to the initial
    fraction, and nothing to the maintenance one, 0.6 of 0.02."""
    pool = pool_of(BOOK, "dydx")
    worth = 0.62 * 86207.5
    assert pool.initial_margin == pytest.approx(0.51 * worth, abs=2e-6)
    assert pool.maintenance_margin == pytest.approx(0.012 * worth, abs=2e-6)


def test_funding_that_is_not_settled_is_in_the_wallet() -> None:
    """The index rose by 15.25 since the subaccount was touched: a long of 0.62 owes that much of it."""
    assert pool_of(BOOK, "dydx").equity == pytest.approx(0.62 * (86207.5 - 15.25) - 46250.4, abs=2e-6)


def test_a_forecast_beyond_the_cap_is_told_at_the_cap(tmp_path: Path) -> None:
    """Six times (0.02 - 0.012) in eight hours is 0.6 % in one, though 0.75 % is forecast, up or down."""
    worth = 0.62 * 86207.5
    (up,) = pool_of(BOOK, "dydx").coming
    assert up.received == pytest.approx(-worth * 0.006)
    down = spoilt(tmp_path, lambda b: market(b, DYDX).update(funding_rate=-0.0075))
    assert pool_of(down, "dydx").coming[0].received == pytest.approx(worth * 0.006)
    within = spoilt(tmp_path, lambda b: market(b, DYDX).update(funding_rate=0.0001))
    assert pool_of(within, "dydx").coming[0].received == pytest.approx(-worth * 0.0001)


def test_impact_is_taken_off_as_far_as_it_counts(tmp_path: Path) -> None:
    """412.50 is more than half a per cent of 18.2 bought at 2,904.50, so that is what is taken off."""
    without = spoilt(tmp_path, lambda b: held(b, GMX).pop("closing_impact"))
    size = 18.2 * 2904.5
    equity = pool_of(without, "gmx").equity
    assert equity is not None
    assert pool_of(BOOK, "gmx").equity == pytest.approx(equity - 0.005 * size)


def test_deposits_lower_the_initial_weight_alone(tmp_path: Path) -> None:
    """40 million where scaling begins at 25: 0.8 x 25 / 40 of the collateral at the lower price, and at
    maintenance 0.9 of it still."""
    plain = spoilt(tmp_path, lambda b: (staked(b).pop("deposits"), staked(b).pop("scale_start")))
    pool, before = pool_of(BOOK, "drift"), pool_of(plain, "drift")
    assert (pool.equity, pool.maintenance_margin) == (before.equity, before.maintenance_margin)
    assert pool.initial_margin is not None
    assert before.initial_margin is not None
    assert pool.initial_margin - before.initial_margin == pytest.approx(42 * 160.1 * (0.8 - 0.5))
