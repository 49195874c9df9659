"""Bybit's own arithmetic against figures that its API told and its pages publish."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest

from adapters.loopback import World, standard_world
from adapters.loopback.bybit.catalog import brackets_of, read_catalog
from adapters.loopback.bybit.figures import figures_of
from adapters.loopback.bybit.margin import Leg, bracket_of, collateral_value, isolated_price
from adapters.loopback.holdings import Bracket, CollateralStep, Contract

D = Decimal
VENUE = "bybit"
HALF_PERCENT = (Bracket(D(0), D("1e12"), D("0.005"), D(0), D(100)),)

# size, entry, price (mark or entry), leverage, fee rate, positionIM, positionMM, digits that agree.
# The first four are in ccxt 4.5.90 or Bybit's documented samples; then 0.001 BTC of a unified account, quoted
# in a public repository in November 2025; then an isolated position of 2025-04, quoted likewise.
TOLD = [
    ("0.5", "1073.85", "1073.85", "10", "0.0006", "53.9824395", "2.9745645", "1e-9"),
    ("0.001", "22945", "22945", "10", "0.00075", "2.31", "0.1302", "6e-5"),
    ("0.001", "30810", "30810", "1", "0.00075", "30.81", "0.1541", "6e-5"),
    ("-0.01", "3642.075", "3642.33", "30", "0.00055", "1.23480936", "0.20281586", "3e-7"),
    ("0.001", "101890", "101910.23", "10", "0.00055", "10.24145855", "0.5599867", "6e-9"),
    ("0.033", "74939.5", "74939.5", "5", "0.00055", "495.68882154", "13.45313904", "6e-9"),
]


def leg(size: str, entry: str, price: str, leverage: str, fee: str = "0") -> Leg:
    """A leg in the lowest tier."""
    return Leg(D(size), D(entry), D(price), D(leverage), D(fee), HALF_PERCENT)


@pytest.mark.parametrize(
    ("size", "entry", "price", "leverage", "fee", "initial", "maintenance", "within"), TOLD
)
def test_position_margins_are_those_that_the_api_told(
    size: str, entry: str, price: str, leverage: str, fee: str, initial: str, maintenance: str, within: str
) -> None:
    """Value at mark over leverage, value times rate, and to both the fee at the entry's bankruptcy price."""
    one = leg(size, entry, price, leverage, fee)
    assert abs(one.initial + one.fee_to_close - D(initial)) < D(within)
    assert abs(one.maintenance + one.fee_to_close - D(maintenance)) < D(within)


@pytest.mark.parametrize(
    ("size", "entry", "leverage", "price", "within"),
    [
        ("1", "20000", "50", "19700", "1e-9"),  # help centre, USDT contract, example 1
        ("0.033", "74939.5", "5", "60326.3", "0.05"),  # the isolated position of 2025-04
        ("0.1", "1198.45", "4.2", "919.1", "0.05"),  # ccxt 4.5.90, parse_position; tick 0.05
    ],
)
def test_isolated_prices_are_the_published_ones(
    size: str, entry: str, leverage: str, price: str, within: str
) -> None:
    """Both margins at entry, without fee."""
    one = leg(size, entry, entry, leverage)
    assert abs(isolated_price(one, one.initial) - D(price)) < D(within)


def test_position_balance_is_margin_and_fee() -> None:
    """0.1 ETH at 1198.45, 4.2x, fee 0.06 %: told were 28.58931118, with a bankruptcy price off its tick."""
    one = leg("0.1", "1198.45", "1198.45", "4.2", "0.0006")
    assert abs(one.initial + one.fee_to_close - D("28.58931118")) < D("2e-6")


def test_collateral_counts_slice_by_slice_and_debts_whole() -> None:
    """60 coins at 95 % up to 50 and 90 % above are 47.5 + 9; a debt of 2 counts 2."""
    steps = (CollateralStep(D(0), D("0.95")), CollateralStep(D(50), D("0.9")))
    assert collateral_value(D(60), D(10), steps) == D("565")
    assert collateral_value(D(-2), D(10), steps) == D(-20)


def test_tiers_continue_each_other() -> None:
    """A position value on a bound has the same maintenance by the tier below and the tier above."""
    for row in read_catalog().contracts.values():
        brackets = brackets_of(row)
        for below, above in pairwise(brackets):
            assert bracket_of(below.cap, brackets) is below
            assert below.cap * below.rate - below.deduction == below.cap * above.rate - above.deduction


@pytest.mark.parametrize("hedge", [False, True])
def test_cross_price_is_where_the_account_is_liquidated(hedge: bool) -> None:
    """With the mark at the told price, maintenance equals the margin balance, whatever else is held."""
    world = standard_world(VENUE)
    account = world.add_account(VENUE, "a", hedge=hedge)
    world.set_wallet(account, "USDT", 3_000)
    world.set_wallet(account, "BTC", "0.2")
    side, other = ("long", "short") if hedge else ("", "")
    world.set_position(account, "ETHUSDT", 500, 3_150, side=side, leverage=50)
    world.set_position(account, "BTCPERP", "-0.1", 95_000, side=other)
    if hedge:
        world.set_position(account, "ETHUSDT", -100, 3_300, side="short")
    told = next(leg for leg in figures_of(world, account).legs if leg.position.symbol == "ETHUSDT")
    assert told.liquidation_price is not None
    world.contracts[VENUE, "ETHUSDT"] = fine_grained(world, "ETHUSDT")
    world.set_mark("ETHUSDT", told.liquidation_price)
    there = figures_of(world, account)
    assert abs(there.margin_balance_usd - there.maintenance_usd) < D("1e-6")


def fine_grained(world: World, symbol: str) -> Contract:
    """The contract with marks on a fine grid, so that the told price can be set."""
    return replace(world.contracts[VENUE, symbol], mark_step=D("1e-12"))
