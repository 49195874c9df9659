"""The venue's own arithmetic: what it reports as maintenance margin, margin balance and liquidation price.

Written from the venue's pages and not from the monitor's models, which it must never import: the difference
between the two is what `margin_error` measures. All amounts in the margin asset, all exact.

Sources: binance.com/en/support/faq b3c689c1f50a44cabb3a84e663b81d93 (liquidation price, brackets) and
c983a9268cfa4e70a4916c276bb3b7bc (multi-assets mode), read 2026-11-22 through stored copies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product

from adapters.loopback.amounts import ZERO
from adapters.loopback.holdings import Bracket

ONE = Decimal(1)


@dataclass(frozen=True)
class Leg:
    """A position as the formulas see it; quantity is signed."""

    quantity: Decimal
    entry: Decimal
    mark: Decimal
    brackets: tuple[Bracket, ...]

    @property
    def notional(self) -> Decimal:
        """Size at mark, signed."""
        return self.quantity * self.mark

    @property
    def profit(self) -> Decimal:
        """Unrealised profit at mark."""
        return self.quantity * (self.mark - self.entry)

    @property
    def maintenance(self) -> Decimal:
        """Notional x rate - deduction, of the bracket that holds the notional."""
        bracket = bracket_of(abs(self.notional), self.brackets)
        return abs(self.notional) * bracket.rate - bracket.deduction


@dataclass(frozen=True)
class Surroundings:
    """What stands beside the legs of one symbol: their wallet, and everything else held at its mark.

    In single-asset mode the two rates are 1. In multi-assets mode `wallet` is the margin asset's own balance
    with the profit of other legs, `other_equity` what all other assets are worth, and the rates convert.
    """

    wallet: Decimal
    other_maintenance: Decimal = ZERO
    other_equity: Decimal = ZERO
    bid: Decimal = ONE
    ask: Decimal = ONE


def bracket_of(notional: Decimal, brackets: Sequence[Bracket]) -> Bracket:
    """The bracket that holds a notional; a notional on a floor belongs to the upper one."""
    for bracket in reversed(brackets):
        if notional >= bracket.floor:
            return bracket
    return brackets[0]


def collateral_value(amount: Decimal, bid: Decimal, ask: Decimal) -> Decimal:
    """The worth of an asset in multi-assets mode: a balance at bid, a debt at ask."""
    return min(amount * bid, amount * ask)


def liquidation_price(legs: Sequence[Leg], around: Surroundings) -> Decimal | None:
    """Where the pool is liquidated when this symbol alone moves: the root nearest to the mark, or None.

    equity(P) = other equity + rate x (wallet + sum of q (P - entry)); requirement(P) = other maintenance
    + ask x sum of (|q| P r - c). Both are linear in P while each leg stays in its bracket and the balance
    keeps its sign, so every such combination has one root at most; it counts when it fits.
    """
    roots = set(_roots(legs, around))
    return min(roots, key=lambda price: abs(price - legs[0].mark), default=None)


def _roots(legs: Sequence[Leg], around: Surroundings) -> Iterator[Decimal]:
    quantity = sum((leg.quantity for leg in legs), ZERO)
    cost = sum((leg.quantity * leg.entry for leg in legs), ZERO)
    for brackets in product(*(leg.brackets for leg in legs)):
        pairs = list(zip(legs, brackets, strict=True))
        slope = sum((abs(leg.quantity) * bracket.rate for leg, bracket in pairs), ZERO)
        deductions = sum((bracket.deduction for bracket in brackets), ZERO)
        for rate in {around.bid, around.ask}:
            denominator = around.ask * slope - rate * quantity
            if denominator == 0:
                continue
            fixed = around.other_equity - around.other_maintenance + rate * (around.wallet - cost)
            price = (fixed + around.ask * deductions) / denominator
            balance = around.wallet - cost + quantity * price
            fits = all(_holds(bracket, abs(leg.quantity) * price) for leg, bracket in pairs)
            if price > 0 and fits and rate == (around.bid if balance >= 0 else around.ask):
                yield price


def _holds(bracket: Bracket, notional: Decimal) -> bool:
    return bracket.floor <= notional <= bracket.cap
