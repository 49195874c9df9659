"""The venue's own arithmetic: position margins, collateral value, liquidation prices.

Written from the venue's pages and from positions that its API told, and not from the monitor's models, which
it must never import. Sources: help centre, Glossary-Unified-Trading-Account and the page on the liquidation
price in isolated mode, read 2026-11-22 through stored copies; positions quoted in public code (tests).

The fee to close is on the position's value at the bankruptcy price, and that price comes from the *entry*:
0.001 BTC of a unified account, entry 101,890, mark 101,910.23, 10x, told positionIM 10.24145855 and
positionMM 0.5599867, which this gives to the last digit; with the mark in its place both are 1e-5 higher.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product

from adapters.loopback.amounts import ZERO
from adapters.loopback.holdings import Bracket, CollateralStep


@dataclass(frozen=True)
class Leg:
    """A position as the formulas see it; quantity is signed. `price` is mark (cross) or entry (isolated)."""

    quantity: Decimal
    entry: Decimal
    price: Decimal
    leverage: Decimal
    fee_rate: Decimal
    brackets: tuple[Bracket, ...]

    @property
    def side(self) -> int:
        """1 long, -1 short."""
        return 1 if self.quantity > 0 else -1

    @property
    def value(self) -> Decimal:
        """Size at `price`."""
        return abs(self.quantity) * self.price

    @property
    def bankruptcy_price(self) -> Decimal:
        """Where the initial margin is lost."""
        return self.entry * (1 - self.side / self.leverage)

    @property
    def fee_to_close(self) -> Decimal:
        """Taker fee on the value at the bankruptcy price."""
        return abs(self.quantity) * self.bankruptcy_price * self.fee_rate

    @property
    def initial(self) -> Decimal:
        """Value / leverage, without the fee."""
        return self.value / self.leverage

    @property
    def maintenance(self) -> Decimal:
        """Value x rate - deduction, without the fee."""
        bracket = bracket_of(self.value, self.brackets)
        return self.value * bracket.rate - bracket.deduction


def bracket_of(value: Decimal, brackets: Sequence[Bracket]) -> Bracket:
    """The tier that holds a position value."""
    for bracket in brackets:
        if value <= bracket.cap:
            return bracket
    return brackets[-1]


def collateral_value(amount: Decimal, index: Decimal, steps: Sequence[CollateralStep]) -> Decimal:
    """What counts of an amount of a coin in USD: each slice at its own ratio; a debt counts whole."""
    if amount <= 0:
        return amount * index
    counted = ZERO
    for number, step in enumerate(steps):
        upper = steps[number + 1].floor if number + 1 < len(steps) else amount
        counted += max(ZERO, min(amount, upper) - step.floor) * step.ratio
    return counted * index


def isolated_price(leg: Leg, wallet: Decimal) -> Decimal:
    """entry - side x (wallet - maintenance) / size; wallet: initial margin at entry and what was added."""
    return leg.entry - leg.side * (wallet - leg.maintenance) / abs(leg.quantity)


def cross_price(legs: Sequence[Leg], headroom_usd: Decimal, index: Decimal) -> Decimal | None:
    """Where the account's maintenance meets its margin balance when this symbol alone moves; None if nowhere.

    `headroom_usd`: margin balance less maintenance at the marks of now; `index`: USD for one settle coin.
    Headroom is linear in the price while each leg stays in its tier; the root nearest to the mark counts.
    """
    mark = legs[0].price
    now = sum((leg.maintenance for leg in legs), ZERO)
    roots = set(_roots(legs, headroom_usd / index + now, mark))
    return min(roots, key=lambda price: abs(price - mark), default=None)


def _roots(legs: Sequence[Leg], without_own_maintenance: Decimal, mark: Decimal) -> Iterator[Decimal]:
    """Solves without + sum q (P - mark) = sum (|q| P r - c); the fee does not move with the mark."""
    quantity = sum((leg.quantity for leg in legs), ZERO)
    for brackets in product(*(leg.brackets for leg in legs)):
        pairs = list(zip(legs, brackets, strict=True))
        slope = sum((abs(leg.quantity) * bracket.rate for leg, bracket in pairs), ZERO)
        deductions = sum((bracket.deduction for bracket in brackets), ZERO)
        if slope == quantity:
            continue
        price = (without_own_maintenance - quantity * mark + deductions) / (slope - quantity)
        fits = all(bracket.floor <= abs(leg.quantity) * price <= bracket.cap for leg, bracket in pairs)
        if price > 0 and fits:
            yield price
