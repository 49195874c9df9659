"""`margind status`: the order, the exit codes, and what it says when nobody is there."""

from __future__ import annotations

import asyncio
import io
import json
import os
import pty
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from monitor.clock import SystemClock
from monitor.domain.assessment import RiskBand
from monitor.names import Metrics
from monitor.paths import default_data_dir
from monitor.sinks.embedded_store import EmbeddedStore
from monitor.sinks.redis_state import RedisState
from monitor.sinks.state_record import StateMeta, StateRecord, utc
from monitor.status import judge, status
from monitor.status_table import plain_table, rich_table
from tests.support.views import turn_with

CLEAR = StateRecord(
    schema=1, pool="loopback/a/p", account="loopback/a", venue="loopback", desk="arb", model="tiered",
    unit="USDT", band="clear", reasons=(), ratio=0.1, equity=1000.0, initial_margin=200.0,
    maintenance_margin=100.0, headroom=900.0, distance_percent=25.0, deficit=False, margin_error=None,
    price_age_s=0.5, account_age_s=2.0, positions=1, as_of="2026-01-01T00:00:00.000Z",
)  # fmt: skip
NOW_NS = 1_700_000_000_000_000_000


def a_record(pool: str, **fields: Any) -> StateRecord:
    """A clear pool but for these fields."""
    return msgspec.structs.replace(CLEAR, pool=f"loopback/a/{pool}", **fields)


def raw_meta(age_s: float = 0.0, **fields: Any) -> dict[bytes, bytes]:
    """The meta hash as Redis returns it."""
    as_of_ns = NOW_NS - round(age_s * 1e9)
    meta = StateMeta(1, utc(as_of_ns), as_of_ns, utc(as_of_ns), 42, "m.toml", 1)
    return raw({**msgspec.structs.asdict(meta), **fields})


def raw(words: Mapping[str, Any]) -> dict[bytes, bytes]:
    """A hash as Redis returns it."""
    return {name.encode(): str(value).encode() for name, value in words.items()}


def raw_pools(*records: StateRecord) -> dict[bytes, bytes]:
    """The state hash as Redis returns it."""
    return {record.pool.encode(): msgspec.json.encode(record) for record in records}


def order(*records: StateRecord) -> list[str]:
    """The last parts of the pools in the order shown."""
    return [
        record.pool.rsplit("/", 1)[1]
        for record in judge("main", raw_meta(), raw_pools(*records), NOW_NS).pools
    ]


def test_the_most_dangerous_is_first() -> None:
    """UNKNOWN, then band, then distance, then ratio; a pool with nothing left is worse than any ratio."""
    assert order(
        a_record("clear"),
        a_record("critical", band="critical", distance_percent=0.1, ratio=0.95),
        a_record("insolvent", band="liquidation", distance_percent=0.0, ratio=None),
        a_record("liquidation", band="liquidation", distance_percent=0.0, ratio=1.1),
        a_record("unknown", band="UNKNOWN", distance_percent=None, ratio=None),
        a_record("far", band="warning", distance_percent=9.0, ratio=0.8),
        a_record("near", band="warning", distance_percent=3.0, ratio=0.7),
        a_record("unsolved", band="warning", distance_percent=None, ratio=0.9),
        a_record("higher", band="warning", distance_percent=9.0, ratio=0.85),
    ) == ["unknown", "insolvent", "liquidation", "critical", "near", "higher", "far", "unsolved", "clear"]


@pytest.mark.parametrize(
    ("bands", "code"),
    [
        ([], 0),
        (["clear", "clear"], 0),
        (["clear", "warning"], 1),
        (["margin_call"], 1),
        (["critical"], 1),
        (["liquidation"], 1),
        (["UNKNOWN", "liquidation"], 2),
    ],
)
def test_the_exit_code_is_the_worst_of_all(bands: list[str], code: int) -> None:
    """0 clear, 1 somebody is in danger, 2 somebody is UNKNOWN."""
    records = [a_record(str(number), band=band) for number, band in enumerate(bands)]
    assert judge("main", raw_meta(), raw_pools(*records), NOW_NS).exit_code == code


def test_a_silent_daemon_is_never_all_clear() -> None:
    """Clear pools that were written 10 s ago or more prove nothing: exit 3, and for how long it is silent."""
    shown = judge("main", raw_meta(age_s=12), raw_pools(CLEAR), NOW_NS)
    assert shown.exit_code == 3
    assert shown.message == "no daemon has written here for 12 s (pid 42, m.toml)"
    assert judge("main", raw_meta(age_s=9.9), raw_pools(CLEAR), NOW_NS).exit_code == 0


def test_expired_state_tells_how_long_ago() -> None:
    """When the figures have expired the sign of life still says since when."""
    shown = judge("main", raw_meta(age_s=3600), {}, NOW_NS)
    assert (shown.exit_code, shown.pools) == (3, [])
    assert shown.message.startswith("no daemon has written here for 3600 s")


def test_an_empty_store_says_so() -> None:
    """A store that no daemon ever wrote to is named by its shard."""
    shown = judge("desk-2", {}, {}, NOW_NS)
    assert (shown.exit_code, shown.message) == (3, "no daemon has written shard 'desk-2' to this store")


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"junk",
        b"\xff\xfe",
        b"[]",
        b"{}",
        msgspec.json.encode(msgspec.structs.replace(CLEAR, schema=2)),
        msgspec.json.encode(msgspec.structs.replace(CLEAR, band="fine")),
    ],
)
def test_junk_in_the_state_is_counted(junk: bytes) -> None:
    """S8: a value that is not of our schema is left out and counted, and no band is guessed from it."""
    shown = judge("main", raw_meta(), {**raw_pools(CLEAR), b"junk": junk}, NOW_NS)
    assert (len(shown.pools), shown.ignored, shown.exit_code) == (1, 1, 0)
    assert "1 values ignored" in shown.message


@pytest.mark.parametrize("fields", [{"schema": 2}, {"as_of_ns": "x"}, {"pid": b"\xff"}])
def test_junk_in_the_sign_of_life_is_none(fields: dict[str, Any]) -> None:
    """A sign of life that is not of our schema is as good as none."""
    assert judge("main", raw_meta(**fields), raw_pools(CLEAR), NOW_NS).exit_code == 3


def test_a_ratio_that_the_venue_told_is_marked() -> None:
    """In the table, too, nobody may take it for one of ours; why it is unknown comes first."""
    out = io.StringIO()
    told = {"model": "venue_ratio", "distance_percent": None}
    plain_table([a_record("p", **told), a_record("q", **told, reasons=("stale",)), a_record("r")], out)
    _, first, second, third = out.getvalue().splitlines()
    assert first.endswith("  ratio told by venue")
    assert second.endswith("  stale,ratio told by venue")
    assert third.endswith("  -")


def test_the_plain_table_is_aligned() -> None:
    """Every column starts or ends at the same place in each line, and numbers are never cut."""
    out = io.StringIO()
    plain_table(
        [a_record("unknown", band="UNKNOWN", ratio=None, equity=None, reasons=("stale",)), CLEAR], out
    )
    heading, unknown, clear = out.getvalue().splitlines()
    for name in ("RATIO", "EQUITY", "ACCOUNT AGE"):
        end = heading.index(name) + len(name)
        assert unknown[end - 1] != " "
        assert clear[end - 1] != " "
    assert clear.split() == [
        "clear", "loopback/a/p", "arb", "0.1000", "25.00", "%", "900.00", "1,000.00", "100.00", "USDT",
        "0.5", "s", "2.0", "s", "-",
    ]  # fmt: skip
    assert unknown.split()[-1] == "stale"


def test_control_characters_do_not_reach_the_terminal() -> None:
    """What a stranger wrote into Redis can't move the cursor, colour the screen or speak markup."""
    odd = a_record("x\x1b[2J\n[red]", desk="\x07", reasons=("\x9b1m",))
    for table in (plain_table, rich_table):
        out = io.StringIO()
        table([odd], out)
        body = out.getvalue().splitlines()
        assert len(body) == 2
        assert not set(out.getvalue()) & {"\x1b", "\x07", "\x9b"}
    plain = io.StringIO()
    plain_table([odd], plain)
    assert "x?[2J?[red]" in plain.getvalue()


def test_a_deficit_is_named() -> None:
    """Negative equity with nothing required is clear by band, and says that it is a deficit."""
    out = io.StringIO()
    plain_table([a_record("p", equity=-5.0, deficit=True)], out)
    assert out.getvalue().rstrip().endswith("deficit")


@pytest.mark.parametrize(("columns", "shown"), [(160, True), (80, False)])
def test_a_terminal_gets_what_fits(monkeypatch: pytest.MonkeyPatch, columns: int, shown: bool) -> None:
    """A narrow terminal loses the least needed columns; band, pool, ratio and distance stay whole."""
    monkeypatch.setenv("COLUMNS", str(columns))
    out = io.StringIO()
    rich_table([CLEAR], out)
    heading, row = out.getvalue().splitlines()
    assert ("MAINTENANCE" in heading) is shown
    for word in ("clear", "loopback/a/p", "0.1000", "25.00 %"):
        assert word in row


def test_no_store_is_exit_3(tmp_path: Path) -> None:
    """A directory where no store was started, and a store that does not answer, are told apart in words."""
    out = io.StringIO()
    assert status(tmp_path, out=out) == 3
    assert out.getvalue() == f"no store in {tmp_path}: is the daemon running? (margind run, or --url)\n"
    out = io.StringIO()
    assert status(tmp_path, f"unix://{tmp_path}/none.sock", out=out) == 3
    assert "does not answer" in out.getvalue()
    out = io.StringIO()
    assert status(tmp_path, "redis://u:hunter2@127.0.0.1:1/0", out=out) == 3
    assert "hunter2" not in out.getvalue()


def test_a_directory_that_is_not_ours_is_exit_3(tmp_path: Path) -> None:
    """A data directory that can't be read is told in words, not by a traceback."""
    (tmp_path / "store").write_text("a file where a folder belongs")
    out = io.StringIO()
    assert status(tmp_path, out=out) == 3
    assert out.getvalue().startswith(f"can't look into {tmp_path}:")


def read_terminal(fd: int, into: list[bytes]) -> None:
    """Everything that is written to a terminal until it is closed."""
    try:
        while data := os.read(fd, 65536):
            into.append(data)
    except OSError:
        return  # Linux: the other end was closed


@pytest.mark.integration
async def test_from_the_daemon_to_the_table(tmp_path: Path) -> None:
    """What a daemon writes to its embedded store is found by the data directory alone, in all three forms."""
    clock = SystemClock()
    async with EmbeddedStore(tmp_path) as store:
        sink = RedisState(store.url, shard="main", clock=clock, metrics=Metrics())
        sink.offer(turn_with(3, clock, band=[0, RiskBand.UNKNOWN, RiskBand.CRITICAL], reasons=[0, 1, 0]))
        await sink.flush()
        plain, as_json = io.StringIO(), io.StringIO()
        assert await asyncio.to_thread(status, tmp_path, out=plain) == 2
        assert await asyncio.to_thread(status, tmp_path, as_json=True, out=as_json) == 2
        leader, follower = pty.openpty()
        written: list[bytes] = []
        reading = threading.Thread(target=read_terminal, args=(leader, written))
        reading.start()
        with os.fdopen(follower, "w") as terminal:
            assert await asyncio.to_thread(status, tmp_path, out=terminal) == 2
        reading.join(10)
        os.close(leader)
        await sink._link.close()
    assert [line.split()[0] for line in plain.getvalue().splitlines()[1:4]] == [
        "UNKNOWN",
        "critical",
        "clear",
    ]
    found = json.loads(as_json.getvalue())
    assert [pool["band"] for pool in found["pools"]] == ["UNKNOWN", "critical", "clear"]
    assert found["exit_code"] == 2
    assert found["age_s"] < 10
    assert b"\x1b[1;35mUNKNOWN\x1b[0m" in b"".join(written)


def test_the_data_directory_nobody_named() -> None:
    """$MARGIND_DATA wins over systemd's $STATE_DIRECTORY, of which the first counts; then the home."""
    assert default_data_dir({"MARGIND_DATA": "/d", "STATE_DIRECTORY": "/a:/b"}) == Path("/d")
    assert default_data_dir({"STATE_DIRECTORY": "/a:/b"}) == Path("/a")
    assert default_data_dir({}) == Path.home() / ".local/share/margind"
