"""The table of `status`: coloured where a person looks, plain and aligned where a program or a file does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from monitor.sinks.state_record import StateRecord

COLUMNS = (  # heading, and whether it is a number
    ("BAND", False),
    ("POOL", False),
    ("DESK", False),
    ("RATIO", True),
    ("DISTANCE", True),
    ("HEADROOM", True),
    ("EQUITY", True),
    ("MAINTENANCE", True),
    ("UNIT", False),
    ("PRICE AGE", True),
    ("ACCOUNT AGE", True),
    ("WHY", False),
)
DROPPED_FIRST = ("MAINTENANCE", "EQUITY", "ACCOUNT AGE", "PRICE AGE", "DESK", "UNIT", "HEADROOM", "WHY")
VENUE_MODEL = "venue_ratio"
TOLD = "ratio told by venue"  # never shown as if it were computed
STYLES = {
    "UNKNOWN": "bold magenta",
    "liquidation": "bold white on red",
    "critical": "bold red",
    "margin_call": "yellow",
    "warning": "cyan",
    "clear": "green",
}


def rich_table(records: Sequence[StateRecord], out: TextIO) -> None:
    """For a terminal."""
    console = Console(file=out)
    rows = [_cells(record) for record in records]
    shown = _fitting(_widths(rows), console.width)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for index in shown:
        heading, is_number = COLUMNS[index]
        table.add_column(heading, justify="right" if is_number else "left", no_wrap=True)
    for record, cells in zip(records, rows, strict=True):
        texts = [Text(cells[index]) for index in shown]
        texts[0].stylize(STYLES.get(record.band, ""))
        table.add_row(*texts)
    console.print(table)


def plain_table(records: Sequence[StateRecord], out: TextIO) -> None:
    """For a pipe: one line a pool, columns aligned, nothing cut."""
    rows = [_cells(record) for record in records]
    widths = _widths(rows)
    for row in ([heading for heading, _ in COLUMNS], *rows):
        cells = (
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, (_, is_number) in zip(row, widths, COLUMNS, strict=True)
        )
        out.write("  ".join(cells).rstrip() + "\n")


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    headings = [heading for heading, _ in COLUMNS]
    return [max(map(len, column)) for column in zip(headings, *rows, strict=True)]


def _fitting(widths: Sequence[int], room: int) -> list[int]:
    """The columns that fit beside each other; the least needed go first, the rest is cut by the terminal."""
    shown = list(range(len(COLUMNS)))
    for heading in DROPPED_FIRST:
        if sum(widths[index] + 2 for index in shown) - 2 <= room:
            break
        shown = [index for index in shown if COLUMNS[index][0] != heading]
    return shown


def _cells(record: StateRecord) -> list[str]:
    said = [*record.reasons, *(["deficit"] if record.deficit and not record.reasons else [])]
    why = ",".join([*said, *([TOLD] if record.model == VENUE_MODEL else [])]) or "-"
    cells = [
        record.band,
        record.pool,
        record.desk,
        _number(record.ratio, ".4f"),
        _number(record.distance_percent, ".2f", " %"),
        _number(record.headroom, ",.2f"),
        _number(record.equity, ",.2f"),
        _number(record.maintenance_margin, ",.2f"),
        record.unit,
        _number(record.price_age_s, ".1f", " s"),
        _number(record.account_age_s, ".1f", " s"),
        why,
    ]
    return [_printable(cell) for cell in cells]


def _number(value: float | None, form: str, unit: str = "") -> str:
    return "-" if value is None else f"{value:{form}}{unit}"


def _printable(text: str) -> str:
    """What stands in Redis is not ours alone: no control character reaches the terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
