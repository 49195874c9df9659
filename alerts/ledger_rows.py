"""The rows of the ledger: their tables, their checksums, what they say. A damaged one says nothing."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from alerts.alert import Ack, AlertKey, Condition, Incident, Level, Notification
from alerts.silences import Silence
from monitor.domain.identity import PoolId

SCHEMA = 4
TOLD = ("confirmed", "superseded")
CREATE = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, schema INTEGER, mark TEXT);
CREATE TABLE IF NOT EXISTS intents (seq INTEGER PRIMARY KEY, id TEXT UNIQUE, created_ns INTEGER, routes TEXT,
    body TEXT, mark TEXT);
CREATE TABLE IF NOT EXISTS deliveries (id TEXT, route INTEGER, receiver TEXT, state TEXT, attempts INTEGER,
    reason TEXT, mark TEXT, PRIMARY KEY (id, route, receiver));
CREATE TABLE IF NOT EXISTS incidents (pool TEXT, condition TEXT, number INTEGER, level INTEGER,
    occasion INTEGER, opened_ns INTEGER, told_ns INTEGER, worst INTEGER, is_open INTEGER, desk TEXT,
    mark TEXT, PRIMARY KEY (pool, condition));
"""
# What each later schema added to the one before: a ledger of an earlier release is brought forward as it is.
ADDED = {
    2: """
CREATE TABLE IF NOT EXISTS acks (pool TEXT, condition TEXT, number INTEGER, level INTEGER, author TEXT,
    at_ns INTEGER, mark TEXT, PRIMARY KEY (pool, condition));
CREATE TABLE IF NOT EXISTS silences (id TEXT PRIMARY KEY, ends_ns INTEGER, body TEXT, mark TEXT);
""",
    3: """
CREATE TABLE IF NOT EXISTS waits (pool TEXT, condition TEXT, number INTEGER, since_ns INTEGER,
    reached_s REAL, mark TEXT, PRIMARY KEY (pool, condition));
""",
    4: """
CREATE TABLE IF NOT EXISTS remembered (receiver TEXT, name TEXT, at_ns INTEGER, body TEXT, mark TEXT,
    PRIMARY KEY (receiver, name));
""",
}
_ROUTES = msgspec.json.Decoder(tuple[tuple[str, ...], ...])
TABLES = ("intents", "deliveries", "incidents", "acks", "silences", "waits", "remembered")
Row = tuple[object, ...]


class OpenRoute(NamedTuple):
    """A route of a notification that nobody on it may have."""

    number: int  # among the routes of the notification
    receivers: tuple[str, ...]


class Unsettled(NamedTuple):
    """A notification that is not told yet everywhere where it should be."""

    notification: Notification
    routes: tuple[OpenRoute, ...]


class Remembered(NamedTuple):
    """A line that a receiver wants to know again after a restart."""

    receiver: str
    name: str
    at_ns: int  # wall clock
    body: str


class Contents(NamedTuple):
    """The verified rows of each table, without their checksums, and how many were refused."""

    rows: dict[str, list[Row]]
    refused: dict[str, int]


def put(database: sqlite3.Connection, table: str, row: Row) -> None:
    """Writes a row with its checksum, in place of the one with the same key."""
    safe = tuple(_storable(value) for value in row)
    marks = ",".join("?" * (len(safe) + 1))
    database.execute(
        f"INSERT OR REPLACE INTO {table} VALUES ({marks})",  # noqa: S608  names of ours
        (*safe, mark_of(table, safe)),
    )


def put_incident(database: sqlite3.Connection, incident: Incident) -> None:
    """Writes an incident, unless a later occasion of it is there: notices may be written out of order."""
    key = incident.key
    held = database.execute(
        "SELECT number, occasion FROM incidents WHERE pool = ? AND condition = ?",
        (key.pool, key.condition.value),
    ).fetchone()
    if held is None or (incident.number, incident.occasion) >= tuple(held):
        put(database, "incidents", _incident_row(incident))
        put(database, "waits", (key.pool, key.condition.value, *_wait_of(incident)))


def mark_of(table: str, row: Sequence[object]) -> str:
    """The checksum of a row of a table."""
    return hashlib.blake2b(repr((table, *row)).encode(), digest_size=12).hexdigest()


# A complaint of SQLite that quotes a spoiled name is no text, and Python then raises that instead.
UNREADABLE = (sqlite3.Error, UnicodeDecodeError)


def read(database: sqlite3.Connection) -> Contents:
    """All rows; what can't be read at all raises one of UNREADABLE."""
    contents = Contents({table: [] for table in TABLES}, dict.fromkeys(TABLES, 0))
    for table in TABLES:
        _read_table(database, table, contents)
    return contents


def salvage(database: sqlite3.Connection) -> Contents:
    """As far as it can be read."""
    contents = Contents({table: [] for table in TABLES}, dict.fromkeys(TABLES, 0))
    for table in TABLES:
        with contextlib.suppress(*UNREADABLE):
            _read_table(database, table, contents)
    return contents


def _read_table(database: sqlite3.Connection, table: str, contents: Contents) -> None:
    for row in database.execute(f"SELECT * FROM {table} NOT INDEXED"):  # noqa: S608
        if row[-1] == mark_of(table, row[:-1]):
            contents.rows[table].append(row[:-1])
        else:
            contents.refused[table] += 1


def incidents_of(contents: Contents) -> Iterator[tuple[Incident, bool]]:
    """Each incident that was told of, and whether it is open."""
    waits = {tuple(row[:3]): row[3:] for row in contents.rows["waits"]}
    for pool, condition, number, level, occasion, opened, told, worst, is_open, desk in contents.rows[
        "incidents"
    ]:
        yield (
            Incident(
                AlertKey(PoolId(str(pool)), Condition(condition)),
                _int(number),
                Level(_int(level)),
                _int(occasion),
                _int(opened),
                _int(told),
                Level(_int(worst)),
                str(desk),
                *_wait_from(waits.get((pool, condition, number), (opened, 0.0))),
            ),
            bool(is_open),
        )


def _wait_of(incident: Incident) -> Row:
    return (incident.number, incident.since_ns, incident.reached_s)


def _wait_from(row: Row) -> tuple[int, float]:
    """Since when an answer is waited for, and how far it went; without a row since it was opened."""
    since_ns, reached_s = row
    assert isinstance(reached_s, float)
    return _int(since_ns), reached_s


def acks_of(contents: Contents) -> Iterator[Ack]:
    """What somebody has said to have."""
    for pool, condition, number, level, author, at_ns in contents.rows["acks"]:
        key = AlertKey(PoolId(str(pool)), Condition(condition))
        yield Ack(key, _int(number), Level(_int(level)), str(author), _int(at_ns))


def silences_of(contents: Contents) -> Iterator[Silence]:
    """What was asked not to be told."""
    for _, _, body in contents.rows["silences"]:
        yield msgspec.json.decode(str(body), type=Silence)


def named_of(contents: Contents) -> dict[AlertKey, tuple[PoolId, ...]]:
    """The pools that the newest notice of each venue tells of."""
    ours = (row for row in contents.rows["intents"] if f'"{Condition.VENUE.value}"' in str(row[4]))
    notices = (notification_from(str(row[4])) for row in sorted(ours, key=lambda row: _int(row[0])))
    return {notice.key: notice.others for notice in notices if notice.key.condition is Condition.VENUE}


def remembered_of(contents: Contents) -> Iterator[Remembered]:
    """What receivers want to know again, the oldest first."""
    for row in sorted(contents.rows["remembered"], key=lambda row: _int(row[2])):
        receiver, name, at_ns, body = row
        yield Remembered(str(receiver), str(name), _int(at_ns), str(body))


def ack_row(ack: Ack) -> Row:
    """Its row in `acks`."""
    return (ack.key.pool, ack.key.condition.value, ack.number, int(ack.level), ack.author, ack.at_ns)


def silence_row(silence: Silence) -> Row:
    """Its row in `silences`."""
    return (silence.id, silence.ends_ns, msgspec.json.encode(silence).decode())


def unsettled_of(contents: Contents) -> Iterator[Unsettled]:
    """The notifications with a route that nobody may have, oldest first."""
    told = {
        (str(id_), _int(route)) for id_, route, _, state, *_ in contents.rows["deliveries"] if state in TOLD
    }
    for _, id_, _, routes, body in sorted(contents.rows["intents"], key=lambda row: _int(row[0])):
        open_routes = tuple(
            OpenRoute(number, receivers)
            for number, receivers in enumerate(_ROUTES.decode(str(routes)))
            if (str(id_), number) not in told
        )
        if open_routes:
            yield Unsettled(notification_from(str(body)), open_routes)


def newest_of(contents: Contents) -> int:
    """The number of the newest intent, 0 when there is none."""
    return max((_int(row[0]) for row in contents.rows["intents"]), default=0)


def body_of(notification: Notification) -> str:
    """The notification as JSON, whatever text and figures are in it."""
    try:
        return msgspec.json.encode(notification).decode()
    except UnicodeEncodeError:  # half a surrogate pair in somebody's name
        return msgspec.json.encode(_plain(notification)).decode()


def notification_from(body: str) -> Notification:
    """The notification of a body. A figure that JSON has no word for (nan) costs the picture, no page."""
    try:
        return msgspec.json.decode(body, type=Notification)
    except msgspec.ValidationError:
        return msgspec.convert(msgspec.json.decode(body) | {"assessment": None}, Notification)


def _plain(notification: Notification) -> Notification:
    return msgspec.structs.replace(
        notification,
        key=AlertKey(PoolId(_clean(notification.key.pool)), notification.key.condition),
        desk=_clean(notification.desk),
        detail=_clean(notification.detail),
        others=tuple(PoolId(_clean(pool)) for pool in notification.others),
        assessment=None,
    )


def _incident_row(incident: Incident) -> Row:
    key = incident.key
    return (
        key.pool,
        key.condition.value,
        incident.number,
        int(incident.level),
        incident.occasion,
        incident.opened_ns,
        incident.told_ns,
        int(incident.worst),
        int(incident.level > Level.CLEAR),
        incident.desk,
    )


def _storable(value: object) -> object:
    return _clean(value) if isinstance(value, str) else value


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value
