"""The executor's journal: what was begun is never begun again, and what is damaged is never trusted."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from adapters.orders import Order
from alerts.ledger_file import LedgerInUse
from monitor.deleverage.request import DeleverageResult, Outcome
from monitor.executor.journal import FILE, Begun, Journal, JournalRefused

NOW_NS = time.time_ns()
ORDER = Order(
    client_id="m1",
    symbol="BTCUSDT",
    side="sell",
    position_side="",
    quantity=Decimal("0.5"),
    limit_price=Decimal("59700.0"),
)
BEGUN = Begun(
    request="dlv_1", step=1, account="binance_usdm/alpha", at_ns=NOW_NS, notional=30_000.0, order=ORDER
)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """An empty one."""
    found = Journal(tmp_path)
    yield found
    found.close()


def _result(state: Outcome, filled: str = "0") -> DeleverageResult:
    return DeleverageResult(request="dlv_1", step=1, state=state, filled=filled)


def test_a_step_is_begun_once(journal: Journal) -> None:
    """A second beginning of the same client id is an error, whatever became of the first."""
    journal.begin("m1", BEGUN)
    with pytest.raises(JournalRefused):
        journal.begin("m1", BEGUN)
    assert [id_ for id_, _ in journal.unsettled()] == ["m1"]
    journal.settle("m1", _result(Outcome.UNKNOWN))
    assert [id_ for id_, _ in journal.unsettled()] == ["m1"]
    journal.settle("m1", _result(Outcome.DONE, "0.5"))
    assert journal.unsettled() == []


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    """Name, epoch, locks, requests, refusals and steps outlive the process; an epoch never falls."""
    first = Journal(tmp_path)
    first.begin("m1", BEGUN)
    first.raise_fence(7)
    first.lock_account("binance_usdm/alpha", "a fill that can't be")
    first.note_request("dlv_2", b"body", NOW_NS)
    first.refuse_request(DeleverageResult(request="dlv_2", step=0, state=Outcome.REFUSED, guard="expiry"))
    first.close()
    second = Journal(tmp_path)
    second.raise_fence(3)
    refused = second.refused("dlv_2")
    assert (second.name, second.fence, second.step("m1")) == (first.name, 7, BEGUN)
    assert second.locked("binance_usdm/alpha") == "a fill that can't be"
    assert refused is not None and refused.guard == "expiry"
    assert (
        second.note_request("dlv_2", b"body", NOW_NS),
        second.note_request("dlv_2", b"another", NOW_NS),
    ) == (
        True,
        False,
    )
    second.close()


@pytest.mark.parametrize(
    ("state", "filled", "used"),
    [
        (None, "0", 30_000.0),
        (Outcome.UNKNOWN, "0", 30_000.0),
        (Outcome.DONE, "0.5", 30_000.0),
        (Outcome.PARTLY, "0.1", 6_000.0),
        (Outcome.REFUSED, "0", 0.0),
    ],
)
def test_what_is_not_known_counts_whole(
    journal: Journal, state: Outcome | None, filled: str, used: float
) -> None:
    """The caps count an order of unknown end as if it were filled, and a refused one not at all."""
    journal.begin("m1", BEGUN)
    if state is not None:
        journal.settle("m1", _result(state, filled))
    assert journal.used("binance_usdm/alpha", 0) == pytest.approx(used)
    assert journal.used("binance_usdm/alpha", NOW_NS) == 0.0
    assert journal.used("binance_usdm/beta", 0) == 0.0


def _flip(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("UPDATE steps SET notional = 1.0")
    database.close()


def _scribble(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)


def _newer(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()


@pytest.mark.parametrize("damage", [_flip, _scribble, _newer])
def test_a_damaged_journal_keeps_the_executor_from_starting(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """What can't be trusted is refused in one line; nothing is mended by guessing."""
    first = Journal(tmp_path)
    first.begin("m1", BEGUN)
    first.close()
    damage(tmp_path / FILE)
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"{FILE}{suffix}").unlink(missing_ok=True)
    with pytest.raises(JournalRefused):
        Journal(tmp_path)


def test_a_journal_has_one_writer_and_is_nobody_elses_to_read(tmp_path: Path, journal: Journal) -> None:
    """A second process is refused; the file is the owner's alone."""
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0
    with pytest.raises(LedgerInUse):
        Journal(tmp_path)


def test_only_what_has_ended_is_forgotten_after_a_quarter(tmp_path: Path) -> None:
    """An order of unknown end stays, however old; the rest goes, so that the file has a bound."""
    old_ns = NOW_NS - 100 * 86_400 * 1_000_000_000
    first = Journal(tmp_path)
    for id_ in ("lost", "ended"):
        first.begin(id_, msgspec.structs.replace(BEGUN, at_ns=old_ns))
    first.settle("ended", _result(Outcome.DONE, "0.5"))
    first.begin("new", BEGUN)
    first.settle("new", _result(Outcome.DONE, "0.5"))
    first.close()
    second = Journal(tmp_path)
    assert [second.step(id_) is not None for id_ in ("lost", "ended", "new")] == [True, False, True]
    second.close()
