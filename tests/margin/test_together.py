"""How much of a contract is held in all, told once."""

from __future__ import annotations

from decimal import Decimal

from monitor.margin.together import held_together
from tests.support.small_books import decimal_book
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool


def test_all_legs_of_a_contract_are_told_at_the_first() -> None:
    """Long and short add up; at the later legs there is nothing more, and other contracts are apart."""
    one, other = (Contract(name, Decimal(1), ()) for name in "AB")
    legs = [Leg(of, Decimal(size), Decimal(1)) for of, size in ((one, 2), (other, -5), (one, -1), (one, 4))]
    positions = decimal_book(SmallPool("bitget", (Line(Coin("USDT"), Decimal(0), tuple(legs)),))).positions
    assert [held_together(positions, 0, 4, row) for row in range(4)] == [7, 5, 0, 0]
    assert held_together(positions, 2, 4, 2) == 5
