"""A replay's report as text: plain columns, the same bytes on every machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

SYMBOL_COLUMNS = ("SYMBOL", "FRAMES", "MARKS", "LAST MARK", "LAST INDEX", "LONGEST SILENCE", "LAST", "STATE")
CHANGE_COLUMNS = ("TIME", "POOL", "BAND", "RATIO", "WHY")
POOL_COLUMNS = ("POOL", "MODEL", "BAND", "RATIO", "EQUITY", "MAINTENANCE", "UNIT", "WHY")
NUMBERS = {
    "FRAMES",
    "MARKS",
    "LAST MARK",
    "LAST INDEX",
    "LONGEST SILENCE",
    "RATIO",
    "EQUITY",
    "MAINTENANCE",
}


def text_of(document: Mapping[str, Any]) -> str:
    """The whole report."""
    return "\n".join(_lines(document))


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    yield _span(document["from"], document["to"])
    yield f"lines: {_counted(document['lines'])}"
    yield from (f"cut: {why}" for why in document["cut"])
    for venue, outcomes in document["venues"].items():
        yield ""
        yield venue
        yield from (f"  {name:<8}{_counted(counts)}" for name, counts in outcomes.items())
    if document["refused_by_the_book"]:
        yield ""
        yield f"not applied by the book: {_counted(document['refused_by_the_book'])}"
    yield from _section(SYMBOL_COLUMNS, [_symbol(row) for row in document["symbols"]])
    yield from _section(CHANGE_COLUMNS, [_change(row) for row in document["changes"]])
    yield from _section(POOL_COLUMNS, [_pool(row) for row in document["pools"]])


def _span(first: str, last: str) -> str:
    if not first:
        return "no line tells a time: it stands still"
    return f"{first} to {last} UTC"


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"


def _section(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        return
    widths = [max(len(row[column]) for row in (headings, *rows)) for column in range(len(headings))]
    yield ""
    for row in (headings, *rows):
        cells = (
            cell.rjust(width) if heading in NUMBERS else cell.ljust(width)
            for heading, cell, width in zip(headings, row, widths, strict=True)
        )
        yield "  ".join(cells).rstrip()


def _symbol(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        row["symbol"],
        f"{row['frames']:,}",
        f"{row['marks']:,}",
        _number(row["mark"]),
        _number(row["index"]),
        f"{row['longest_silence_s']:.3f} s",
        row["last"],
        row["state"],
    )


def _change(row: Mapping[str, Any]) -> tuple[str, ...]:
    band = f"{row['before']} -> {row['after']}" if row["before"] else row["after"]
    return row["at"], row["pool"], band, _ratio(row["ratio"]), row["detail"]


def _pool(row: Mapping[str, Any]) -> tuple[str, ...]:
    margins = (_amount(row["equity"]), _amount(row["maintenance_margin"]))
    return row["pool"], row["model"], row["band"], _ratio(row["ratio"]), *margins, row["unit"], row["why"]


def _number(value: float | None) -> str:
    """As the venue wrote it: the shortest text that is this number."""
    return "-" if value is None else repr(value)


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _amount(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}"
