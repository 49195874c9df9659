"""A book file assessed: the same book, models and searches as in the daemon, at the file's one moment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from monitor.book.describe import Ask
from monitor.book.live_book import LiveBook
from monitor.book.settings import BookSettings
from monitor.bookfile.format import BookFile
from monitor.bookfile.load import Facts, facts_of, read_book
from monitor.bookfile.moment import RECEIVED_NS
from monitor.bookfile.problem import BookFileError
from monitor.domain.assessment import MarginAssessment, RiskBand
from monitor.domain.event import StreamReady
from monitor.domain.identity import PoolId, account_id, pool_id
from monitor.thresholds import row_for


class AssessedBook(NamedTuple):
    """The book, and what is said of its pools, in the order of the file."""

    live: LiveBook
    wall_ns: int
    pools: tuple[MarginAssessment, ...]


def assess_files(paths: Sequence[Path], ask: Ask) -> list[AssessedBook]:
    """All or nothing: every file is read and checked before the first is assessed."""
    read = [(path, book, facts_of(book, str(path))) for path in paths for book in (read_book(path),)]
    return [_assessed(path, book, facts, ask) for path, book, facts in read]


def _assessed(path: Path, book: BookFile, facts: Facts, ask: Ask) -> AssessedBook:
    order = [
        (f"accounts[{place}].pools[{number}]", pool_id(account_id(account.venue, account.account), pool.pool))
        for place, account in enumerate(book.accounts)
        for number, pool in enumerate(account.pools)
    ]
    live = live_book_of(facts)
    turn = live.turn(RECEIVED_NS, facts.wall_ns, None)
    unknown = {state.pool: state.detail for state in turn.changed if state.band is RiskBand.UNKNOWN}
    for where, pool in order:
        if pool in unknown:
            raise BookFileError(str(path), where, f"can't be assessed: {unknown[pool]}")
    pools = tuple(_told(live, facts.wall_ns, ask, str(path), *where) for where in order)
    return AssessedBook(live, facts.wall_ns, pools)


def live_book_of(facts: Facts) -> LiveBook:
    """A book that holds these facts, with the models that they name."""
    models = sorted({pool.model for snapshot in facts.snapshots for pool in snapshot.pools})
    live = LiveBook(
        BookSettings(
            tuple(models), lambda account, desk, model, name: row_for((), account, desk, model, name)
        )
    )
    for snapshot in facts.snapshots:
        live.declare(snapshot.account, facts.desks[snapshot.account], RECEIVED_NS)
    for definition in facts.definitions:
        live.apply(definition, facts.wall_ns)
    # Before the holdings: these are compared with the venue's own figures as they come in.
    live.apply_prices(facts.marks, facts.prices, facts.wall_ns - RECEIVED_NS)
    for snapshot in facts.snapshots:
        live.apply(snapshot, facts.wall_ns)
        live.apply(
            StreamReady(snapshot.account.split("/", 1)[0], snapshot.account, RECEIVED_NS), facts.wall_ns
        )
    return live


def _told(live: LiveBook, wall_ns: int, ask: Ask, source: str, where: str, pool: PoolId) -> MarginAssessment:
    found = live.describe(pool, RECEIVED_NS, wall_ns, ask)
    if found is None:
        raise BookFileError(source, where, "holds nothing: no balance, no position")
    return found
