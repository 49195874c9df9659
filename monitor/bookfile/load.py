"""From a book file to the events that a daemon would have seen; what is wrong is told with its path.

Nothing is guessed and nothing is half-read: a field that nobody knows, a mark that is missing, tiers that no
venue can mean, or a model that is not there end in one `BookFileError`, and nothing is computed.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import msgspec

from monitor.bookfile import format as parts
from monitor.bookfile.holdings import check_legs, snapshot_of
from monitor.bookfile.moment import SECOND_NS
from monitor.bookfile.needs import check_pool
from monitor.bookfile.problem import BookFileError
from monitor.bookfile.venues import VenueReader
from monitor.domain.event import AccountSnapshot, AssetPrice, Instruments, MarkPrice
from monitor.domain.identity import AccountId, account_id


class Facts(NamedTuple):
    """A book as events; `wall_ns` is its moment."""

    wall_ns: int
    definitions: tuple[Instruments, ...]
    marks: tuple[MarkPrice, ...]
    prices: tuple[AssetPrice, ...]
    snapshots: tuple[AccountSnapshot, ...]
    desks: dict[AccountId, str]


def read_book(path: Path) -> parts.BookFile:
    """The file's text, decoded; BookFileError names what does not fit."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise BookFileError(str(path), "", error.strerror or "can't be read") from None
    try:
        return msgspec.json.decode(text, type=parts.BookFile)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `")
        raise BookFileError(str(path), where.rstrip("`").removeprefix("$").lstrip("."), what) from None
    except msgspec.DecodeError as error:
        raise BookFileError(str(path), "", f"not JSON: {error}") from None


def facts_of(book: parts.BookFile, source: str) -> Facts:
    """The events, after every check; BookFileError otherwise."""
    if book.as_of.tzinfo is None:
        raise BookFileError(source, "as_of", 'a time needs its zone, e.g. "2026-11-23T06:00:00Z"')
    _check_numbers(source, "", book)
    wall_ns = round(book.as_of.timestamp()) * SECOND_NS
    reader = VenueReader(source, wall_ns)
    definitions = tuple(reader.venue(place, venue) for place, venue in enumerate(book.venues))
    by_name = {venue.venue: (venue, f"venues[{place}]") for place, venue in enumerate(book.venues)}
    if len(by_name) < len(book.venues):
        raise BookFileError(source, "venues", "a venue stands there twice")
    for place, account in enumerate(book.accounts):
        if account.venue not in by_name:
            raise BookFileError(
                source, f"accounts[{place}].venue", f"{account.venue} is not among the venues"
            )
        check_legs(source, f"accounts[{place}]", account)
        for number, pool in enumerate(account.pools):
            check_pool(source, f"accounts[{place}].pools[{number}]", pool, *by_name[account.venue])
    snapshots = tuple(
        snapshot_of(source, f"accounts[{place}]", account, wall_ns)
        for place, account in enumerate(book.accounts)
    )
    if len({snapshot.account for snapshot in snapshots}) < len(snapshots):
        raise BookFileError(source, "accounts", "an account stands there twice")
    desks = {account_id(account.venue, account.account): account.desk for account in book.accounts}
    return Facts(wall_ns, definitions, tuple(reader.marks), tuple(reader.prices), snapshots, desks)


def _check_numbers(source: str, where: str, part: object) -> None:
    """A number written as text may be none: nothing behind has to doubt that."""
    if isinstance(part, Decimal) and not part.is_finite():
        raise BookFileError(source, where, f"{part} is no number")
    if isinstance(part, list):
        for place, item in enumerate(part):
            _check_numbers(source, f"{where}[{place}]", item)
    if isinstance(part, msgspec.Struct):
        for name in part.__struct_fields__:
            _check_numbers(source, f"{where}.{name}".lstrip("."), getattr(part, name))
