"""Which pools are assessed in a turn, and which distances are solved in a tick."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.book.live_book import LiveBook
from monitor.book.settings import BookSettings, LevelRow
from monitor.domain.assessment import RiskBand
from monitor.domain.event import AccountSnapshot
from monitor.domain.identity import AccountId, account_id
from tests.support import facts

LEVELS = LevelRow((0.5, 0.7, 0.85, 1.0), (0.475, 0.665, 0.8075, 0.95))
rngs = st.integers(0, 2**48).map(Random)


def book_of(count: int) -> LiveBook:
    """A book that has heard of accounts, and of nothing else."""
    book = LiveBook(BookSettings(("tiered",), lambda *_: LEVELS))
    for number in range(count):
        book.declare(account(number), "desk", 0)
    return book


def account(number: int) -> AccountId:
    """The account of a number."""
    return account_id("binance_usdm", f"a{number}")


def chosen(book: LiveBook, count: int, next_: int) -> tuple[set[int], int]:
    """The rule, pool by pool: the worst that are not clear, and as many in turn; who is next."""
    figures = book.assessor.figures
    known = [row for row, pool in enumerate(book.placing.by_row) if pool and figures[row].band != -1]
    if not known:
        return set(), next_
    worst = sorted(known, key=lambda row: -int(figures[row].band))[:count]
    first = next_ % len(known)
    in_turn = set(known[first : first + count])
    return {row for row in worst if figures[row].band > 0} | in_turn, (first + count) % len(known)


@pytest.mark.slow
@settings(max_examples=20)  # each makes a live book: a tenth of a second
@given(rng=rngs)
def test_the_worst_and_some_others_in_turn_are_solved(rng: Random) -> None:
    """Tick by tick the same pools as the rule names, whatever is unknown, gone or worse meanwhile."""
    book = book_of(rng.randint(1, 30))
    count, next_ = rng.randint(1, 8), 0
    book.assessor.sweep()
    for _ in range(6):
        bands = book.assessor.figures["band"]
        bands[:] = [rng.choice([-1, 0, 0, 0, 1, 2, 3, 4]) for _ in bands]
        wanted, next_ = chosen(book, count, next_)
        found = book.assessor._to_solve(count).tolist()
        assert found == sorted(wanted)


@pytest.mark.slow
@settings(max_examples=20)  # each makes a live book: a tenth of a second
@given(rng=rngs)
def test_every_distance_is_solved_in_its_turn(rng: Random) -> None:
    """Of pools that are clear none is forgotten: so many ticks as it takes at most are enough for all."""
    size, count = rng.randint(1, 30), rng.randint(1, 8)
    book = book_of(size)
    book.assessor.sweep()
    book.assessor.figures["band"][:] = RiskBand.CLEAR
    solved = [set(book.assessor._to_solve(count).tolist()) for _ in range(-(-size // count))]
    assert set.union(*solved) == set(range(size))


@pytest.mark.slow
@settings(max_examples=20)  # each makes a live book: a tenth of a second
@given(rng=rngs)
def test_a_turn_assesses_what_was_touched_and_nothing_else(rng: Random) -> None:
    """Rows of pools, in order, however many; a row that nobody has any more is passed over."""
    book = book_of(rng.randint(1, 20))
    assert book.assessor.sweep() == len(book.placing.by_row)
    assert book.assessor.sweep() == 0
    gone = rng.randrange(len(book.placing.by_row))
    book.apply(money_of(gone), 0)  # names its pool: the placeholder leaves a row behind
    assert book.assessor.sweep() == 1
    touched = {row for row, pool in enumerate(book.placing.by_row) if pool and rng.random() < 0.5}
    book.placing.touched[sorted(touched)] = True
    assert book.assessor.sweep() == len(touched)
    assert not book.placing.touched.any()


def money_of(number: int) -> AccountSnapshot:
    """A snapshot of one account with one pool and some money."""
    told = facts.snapshot(1, [facts.wallet("5")], [])
    return msgspec.structs.replace(told, account=account(number))
