"""Bybit's unified account with options: the example that its page works out, and what stays outside."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from monitor.margin.rows import Requirement
from tests.support.small_books import requirement
from tests.support.small_market import Coin, Contract, Leg, Line, OptionTerms, SmallPool
from tests.support.small_pools import contract, leg

NOTHING, ONE = Decimal(0), Decimal(1)
INDEX = Decimal(30_000)
OF_BTC = {"maintenance_rate": Decimal("0.03"), "liquidation_rate": Decimal("0.002")}


def option(quantity: Any, mark: Any, side: int = 1, strike: int = 31_000) -> Leg:
    """The option of the page's example, or another of its coin."""
    terms = OptionTerms(Decimal(strike), side, INDEX, **OF_BTC)
    of = Contract(f"BTC-{strike}-{side}", Decimal(mark), (), "BTC", option=terms, index=INDEX)
    return Leg(of, Decimal(quantity), NOTHING, ONE)


def held(*legs: Leg, wallet: Any = 10_000, model: str = "bybit_options") -> Requirement[float]:
    """What one account of USDC requires."""
    return requirement(SmallPool(model, (Line(Coin("USDC"), Decimal(wallet), legs),)))


def test_the_worked_example_of_the_venue() -> None:
    """A short call at a mark of 300 and an index of 30,000 asks for 1,260 USDC, 12.6 % of 10,000 (help centre
    000001546, edition of 2023-12-04)."""
    found = held(option(-1, 300))
    assert found.maintenance_margin == pytest.approx(1_260, rel=1e-15)
    assert found.maintenance_margin / found.equity == pytest.approx(0.126, rel=1e-15)


def test_a_put_above_the_index_is_charged_on_its_mark() -> None:
    """The factor is of the index or of the mark, whichever is more."""
    deep = option(-1, 40_000, side=-1, strike=70_000)
    assert held(deep).maintenance_margin == pytest.approx(1_200 + 40_000 + 60, rel=1e-15)


def test_what_is_held_long_asks_for_nothing_and_counts_for_nothing() -> None:
    """Its worth is no margin in cross; what was paid for it has left the wallet."""
    assert held(option(2, 300)) == held() == Requirement(10_000, 0, 0)
    assert held(option(2, 300), option(-1, 300)) == held(option(-1, 300))


def test_an_option_that_was_sold_is_no_profit() -> None:
    """The premium is in the wallet, and the mark is required in full."""
    for mark in (300, 900):
        assert held(option(-1, mark)).equity == 10_000


def test_a_settle_coin_counts_at_its_index() -> None:
    """What is required of an option is USD as well."""
    line = Line(Coin("USDT", Decimal("0.99")), Decimal(1_000), (option(-1, 300),))
    assert requirement(SmallPool("bybit_options", (line,))).maintenance_margin == pytest.approx(0.99 * 1_260)


def test_without_options_it_is_the_unified_account() -> None:
    """Equity and maintenance margin of contracts are the same; an initial margin is not told."""
    future = leg(replace(contract("A", 100), taker_fee=Decimal("0.00055")), 500)
    both = [held(future, model=model) for model in ("bybit_options", "bybit_unified")]
    assert [found.equity for found in both] == [10_000, 10_000]
    assert both[0].maintenance_margin == both[1].maintenance_margin > 0
    assert both[0].initial_margin == 0 < both[1].initial_margin
