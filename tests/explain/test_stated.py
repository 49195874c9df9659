"""Stated balances in an explanation: every number of the statement, and the very amount that the book has."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.book.describe import USUAL
from monitor.book.live_book import LiveBook
from monitor.bookfile.assess import assess_files
from monitor.bookfile.moment import RECEIVED_NS, SECOND_NS
from monitor.domain.event import AssetPrice, StreamAlive, StreamGap
from monitor.domain.identity import PoolId, account_id
from monitor.explain.document import Explanation
from monitor.explain.explanation import explain

BOOK = Path(__file__).resolve().parent.parent / "golden" / "books" / "accruing.json"
VAULT = PoolId("maker/papa/eth-a-30813")


def explained(live: LiveBook, wall_ns: int, after_ns: int) -> Explanation:
    """The vault, so long after the file's moment, by a turn of a book that has heard its price."""
    received_ns = RECEIVED_NS + after_ns
    live.apply(AssetPrice("maker", "ETH", 2807.5, 0, 0, wall_ns + after_ns, received_ns), wall_ns + after_ns)
    live.apply(StreamAlive(account_id("maker", "papa"), received_ns), wall_ns + after_ns)
    live.turn(received_ns, wall_ns + after_ns, None)
    found = explain(live, VAULT, received_ns, wall_ns + after_ns, "a daemon")
    assert found is not None
    return found


def borrowed(live: LiveBook) -> float:
    """What the vault owes by its column."""
    book, pool = live.assessor.book(), live.placing.pools[VAULT]
    line = book.pools[pool.row].balance_first + pool.assets.index("DAI")
    return float(book.balances[line].borrowed)


def line_of(found: Explanation) -> float:
    """What the derivation says that it owes."""
    (told,) = (line.value for line in found.lines if (line.section, line.name) == ("DAI", "borrowed"))
    return told


@pytest.mark.parametrize("after_s", [0, 30, 59])
def test_what_is_derived_is_what_the_book_has(after_s: int) -> None:
    """Between two of the book's minutes the derivation is as of the last of them, not of the asking: its
    debt is the column's, and the statement as old as it was then."""
    (book,) = assess_files([BOOK], USUAL)
    found = explained(book.live, book.wall_ns, after_s * SECOND_NS)
    assert found.band != "UNKNOWN"
    # A factor of a second is a float there: to the power of a month it has nine digits.
    assert line_of(found) == pytest.approx(borrowed(book.live), rel=1e-9)
    assert {given.name: given.age_s for given in found.inputs}["DAI: art"] == 30 * 86_400


def test_an_unknown_pool_tells_the_statement_and_derives_nothing() -> None:
    """While its stream is broken the inputs are shown, and no figure is made of them."""
    (book,) = assess_files([BOOK], USUAL)
    gap = StreamGap("maker", account_id("maker", "papa"), "a test", RECEIVED_NS)
    book.live.apply(gap, book.wall_ns)
    found = explained(book.live, book.wall_ns, 0)
    assert (found.band, found.lines, found.equity) == ("UNKNOWN", (), None)
    assert "DAI: art" in {given.name for given in found.inputs}
