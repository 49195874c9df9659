"""Drift's open orders: counted as if filled, the worse side of a token or a position, and a fee for each."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.support.drift_lines import ONE, coin, exactly, held, orders, perpetual, step, usdc
from tests.support.small_books import moves_of, requirement
from tests.support.small_market import Coin, Leg, SmallPool


def test_a_bid_is_a_debt_in_usdc_and_a_deposit_to_come() -> None:
    """10,000 USDC and a bid for 500 SOL at 100: what the venue's own test says, at initial weights."""
    spot = Coin("SOL", Decimal(100), tiers=step("0.8", "0.8"), liability=step("0.2", "0.2"))
    bid = exactly(usdc(10_000, order_loss=Decimal("0.01")), held(0, orders(bids=500), of=spot))
    assert (bid.equity, bid.maintenance_margin) == (50_000, Decimal("50000.01"))
    ask = exactly(usdc(10_000, order_loss=Decimal("0.01")), held(0, orders(asks=500), of=spot))
    assert (ask.equity, ask.maintenance_margin) == (60_000, Decimal("60000.01"))
    short = exactly(usdc(0, order_loss=Decimal("0.01")), held(500, orders(asks=3_000), of=spot))
    assert (short.equity, short.maintenance_margin) == (300_000, Decimal("300000.01"))


def test_the_worse_of_bids_and_asks_counts_and_not_both() -> None:
    """What is left with all bids filled, or with all asks, whichever is less; at a tie the asks."""
    for bids, asks, side in ((10, 1, "bids"), (1, 10, "asks")):
        both = exactly(held(2, orders(bids, asks)))
        assert both == exactly(held(2, orders(**{side: max(bids, asks)})))
    full = Coin("USDT", ONE, tiers=step(1, 1), liability=step("0.1", "0.1"))
    assert exactly(held(2, orders(bids=5), of=full)) == (2, 0, 0)


def test_the_weight_is_that_of_the_size_after_the_orders() -> None:
    """10 held and a bid for 10 are 20, which count for less each than 10 do."""
    steep = coin(1, slope="0.1")
    found = exactly(held(10, orders(bids=10), of=steep))
    assert found.equity == exactly(held(20, of=steep)).equity < 2 * exactly(held(10, of=steep)).equity


def test_a_tie_is_one_in_floats_as_well() -> None:
    """A coin that counts in full, as much ordered on both sides as is held: compiled takes the asks too."""
    full = Coin("USDT", Decimal("3.59697"), tiers=step(1, 1), liability=step("0.4346", "0.514"))
    amount = Decimal("338.559999999")
    line = held(amount, orders(amount, amount), of=full)
    assert exactly(line) == (amount * full.price, 0, 0)
    assert requirement(SmallPool("drift", (line,))).maintenance_margin == 0


def test_orders_in_several_rows_are_one() -> None:
    """A token's rows are added up before anything is weighed."""
    assert exactly(held(2, orders(3, 1), orders(4, 8))) == exactly(held(2, orders(7, 9)))


def test_perpetual_orders_count_as_if_filled() -> None:
    """Ratio, growth and margin are those of the larger of both ends; profit is of what is held."""
    for bids, asks, worst in ((0, 0, 4), (6, 0, 10), (0, 6, 4), (0, 30, -26), (6, 14, -10), (6, 13, 10)):
        found = exactly(usdc(0, perpetual(4, entry=90, slope="0.1", bids=bids, asks=asks)))
        assert found.maintenance_margin == exactly(usdc(0, perpetual(worst, slope="0.1"))).maintenance_margin
        assert found.equity == 40


def test_a_bid_brings_the_moves_nearer() -> None:
    """With coins to come a fall hurts more, and the search sees it."""

    def lower(*rows: Leg) -> float:
        return moves_of(SmallPool("drift", (usdc(-500), held(10, *rows))))["SOL"][0]

    assert lower() == pytest.approx(500 / 900, rel=1e-9)
    # 20 coins at 0.9 against 500 and the price of the bid, which falls with it
    assert lower(orders(bids=10)) == pytest.approx(500 / (1_800 - 1_000), rel=1e-9)
