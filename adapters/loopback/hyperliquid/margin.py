"""The venue's own arithmetic: maintenance margin and liquidation prices.

Written from hyperliquid.gitbook.io/hyperliquid-docs/trading/{liquidations,margin-tiers}, read 2026-11-22
through stored copies, and not from the monitor's models, which it must never import.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from adapters.loopback.holdings import Bracket


def maintenance(notional: Decimal, brackets: Sequence[Bracket]) -> Decimal:
    """Half of the initial margin at the tier's highest leverage, less the tier's deduction."""
    for bracket in reversed(brackets):
        if notional >= bracket.floor:
            return notional * bracket.rate - bracket.deduction
    return notional * brackets[0].rate


def liquidation_price(
    size: Decimal, mark: Decimal, margin_available: Decimal, brackets: Sequence[Bracket]
) -> Decimal | None:
    """price - side x margin available / size / (1 - l x side), with the tier that holds the notional there.

    `margin_available` is what is left above maintenance at `mark`: account value (cross) or isolated margin,
    less all maintenance that stands against it. None when no price above zero liquidates.
    """
    room = margin_available + maintenance(abs(size) * mark, brackets)
    roots = set(_roots(size, mark, room, brackets))
    return min(roots, key=lambda price: abs(price - mark), default=None)


def _roots(size: Decimal, mark: Decimal, room: Decimal, brackets: Sequence[Bracket]) -> Iterator[Decimal]:
    """Solves room + size (P - mark) = |size| P l - deduction in each tier."""
    for bracket in brackets:
        slope = abs(size) * bracket.rate - size
        price = (room - size * mark + bracket.deduction) / slope
        if price > 0 and bracket.floor <= abs(size) * price <= bracket.cap:
            yield price
