"""A pool whose margin only the venue knows: its own equity and maintenance margin, taken at its word.

Nothing is computed here, and nothing may be presented as if it were. No price is read, so no move of a price
changes the answer: distance and liquidation price are not solved for this model.
"""

from __future__ import annotations

from monitor.margin.formula import formula
from monitor.margin.rows import Book, N, Requirement


@formula
def venue_ratio(pool: int, book: Book[N]) -> Requirement[N]:
    """What the venue told last. Its initial margin is shown as the venue's figure and not carried here."""
    account = book.pools[pool]
    return Requirement(account.told_equity, account.told_equity * 0, account.told_maintenance)
