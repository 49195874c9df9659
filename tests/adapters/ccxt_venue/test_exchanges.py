"""Where each exchange tells its ratio: written answers through the real ccxt class to a snapshot."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from adapters.ccxt_venue.exchanges import ENTRIES
from adapters.ccxt_venue.source import CcxtSource
from adapters.ccxt_venue.told import MODEL
from adapters.venue import KeyRefused
from monitor.clock import ManualClock
from monitor.domain.identity import account_id, instrument_id
from tests.support.ccxt_golden import FOLDER, Answering, Case, cases, client_of, snapshot_of

pytestmark = pytest.mark.slow

ALL = cases()


@pytest.mark.parametrize("case", ALL, ids=str)
async def test_what_the_exchange_tells_becomes_its_pools(case: Case) -> None:
    """Equity, requirement on our scale, the untouched figures beside it, or by name what is not told."""
    snapshot = await snapshot_of(case)
    assert {pool.pool for pool in snapshot.pools} == set(case.pools)
    for pool in snapshot.pools:
        expected = case.pools[pool.pool]
        assert (pool.model, pool.unit) == (MODEL, expected["unit"])
        if "untold" in expected:
            assert (pool.told, pool.untold) == (None, expected["untold"])
            continue
        assert pool.told is not None, pool.untold
        assert pool.told.equity == Decimal(expected["equity"])
        assert pool.told.maintenance_margin == Decimal(expected["maintenance"])
        assert pool.reported is not None
        raw = expected["told_maintenance"]
        assert pool.reported.maintenance_margin == (None if raw is None else float(raw))
        assert pool.reported.ratio == expected["ratio"]
        assert pool.reported.ratio_name == expected["ratio_name"]


@pytest.mark.parametrize("case", ALL, ids=str)
async def test_positions_lie_in_their_pools(case: Case) -> None:
    """Signed size, side key, the exchange's own liquidation price and its mark, by its own symbol."""
    snapshot = await snapshot_of(case)
    prices = {pool.pool: pool.reported.liquidation_prices for pool in snapshot.pools if pool.reported}
    found = [(leg.pool, leg.instrument, leg.side, leg.quantity) for leg in snapshot.positions]
    venue = f"ccxt:{case.exchange}"
    expected = [
        (row["pool"], instrument_id(venue, row["instrument"]), row["side"], Decimal(row["quantity"]))
        for row in case.positions
    ]
    assert sorted(found) == sorted(expected)
    for row, (pool, instrument, side, _) in zip(case.positions, expected, strict=True):
        key = f"{instrument}/{side}" if side else instrument
        assert prices[pool].get(key) == row["liquidation_price"]
        assert snapshot.marks.get(instrument) == row["mark"]


async def test_what_hardly_changes_is_not_asked_each_time() -> None:
    """The account's mode is read again after half a minute, balances and positions with every reading."""
    case = next(case for case in ALL if case.exchange == "binanceusdm")
    client, clock = await client_of(case.exchange, case.answers, case.markets), ManualClock()
    network = Answering(case.answers)
    client._send = network.fetch
    source = CcxtSource(account_id(client.venue, "alpha"), client, ENTRIES[case.exchange], clock)
    for _ in range(12):
        await source.snapshot()
        clock.advance_s(3)
    await client.close()
    asked = [path.rsplit("/", 1)[1] for _, path in network.asked]
    assert (asked.count("account"), asked.count("positionRisk"), asked.count("accountConfig")) == (12, 12, 2)


@pytest.mark.parametrize(
    ("exchange", "answer", "too_many"),
    [
        ("binanceusdm", {"enableReading": True, "ipRestrict": True, "enableFutures": False}, ""),
        ("binanceusdm", {"enableWithdrawals": True, "permitsNew": True}, "enableWithdrawals, permitsNew"),
        ("bybit", {"result": {"readOnly": 1}}, ""),
        ("bybit", {"result": {"readOnly": 0}}, "readOnly is not 1"),
        ("bybit", {"result": []}, "readOnly is not 1"),
        ("okx", {"data": [{"perm": "read_only"}]}, ""),
        ("okx", {"data": [{"perm": "read_only,trade,withdraw"}]}, "trade, withdraw"),
        ("okx", {"data": []}, "perm is not told"),
    ],
)
async def test_a_key_may_only_read(exchange: str, answer: dict[str, Any], too_many: str) -> None:
    """Where it is told, every right but reading is refused by its name; silence is no permission."""
    client = await client_of(exchange, {"": answer}, [])
    source = CcxtSource(account_id(client.venue, "alpha"), client, ENTRIES[exchange], ManualClock())
    try:
        if not too_many:
            await source.check_key()
            return
        with pytest.raises(KeyRefused, match=f"the key may do more than read: {too_many};"):
            await source.check_key()
    finally:
        await client.close()


def test_every_entry_has_its_golden_answers() -> None:
    """A line in the table needs a file of answers, and says where its direction and threshold were read."""
    assert {path.stem for path in FOLDER.glob("*.json")} == set(ENTRIES)
    assert all("read 2026-" in entry.source for entry in ENTRIES.values())


def test_no_golden_answer_holds_a_word_of_an_identity() -> None:
    """The answers are ours: no address, mail or key of anybody."""
    text = json.dumps([case.answers for case in ALL])
    assert "@" not in text and "0x" not in text
