"""What the demo shows: a live table where somebody looks, one line for each event where a file is written."""

from __future__ import annotations

import sys
import time
from collections import deque
from typing import Any, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from monitor.demo.records import records_of
from monitor.domain.turn import BookView, Turn
from monitor.status_table import STYLES, plain_table

ALERTS_SHOWN = 9
REDRAW_S = 0.25
POOLS_SHOWN = 24


class Screen:
    """Takes turns, alerts as they arrive at the sink, and lines of the scenario."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._console = Console(file=out)
        self._live = Live(console=self._console, auto_refresh=False) if out.isatty() else None
        self._out = out
        self._view: BookView | None = None
        self._lines: deque[Text] = deque(maxlen=ALERTS_SHOWN)
        self._footer = ""
        self._alerts = self._mails = 0
        self._drawn_s = 0.0

    def __enter__(self) -> Screen:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._draw()
            self._live.stop()
            return
        self._out.write(f"\n{self._counted()}\n")
        if self._view is not None:
            self._out.write("\nwhere every account stands at the end, the most dangerous first\n")
            plain_table(records_of(self._view), self._out)

    def on_turn(self, turn: Turn) -> None:
        """Keeps the newest view, and draws it a few times a second."""
        self._view = turn.view
        if self._live is not None and time.monotonic() - self._drawn_s >= REDRAW_S:
            self._draw()

    def footer(self, text: str) -> None:
        """The line below: where to look."""
        self._footer = text
        if self._live is None:
            self._say(Text(text))

    def alert(self, document: dict[str, Any]) -> None:
        """One message as the sink got it."""
        self._alerts += 1
        level = str(document["level"])
        self._say(Text(f"{_clock()}  {document['headline']}", style=STYLES.get(level, "")))

    def mail(self) -> None:
        """One mail as the sink got it; its words are those of an alert."""
        self._mails += 1

    def scene(self, title: str) -> None:
        """Something that the scenario does."""
        self._say(Text(f"{_clock()}  -- {title}", style="dim italic"))

    def _say(self, line: Text) -> None:
        if self._live is None:
            self._out.write(f"{line.plain}\n")
            self._out.flush()
        else:
            self._lines.append(line)

    def _draw(self) -> None:
        self._drawn_s = time.monotonic()
        if self._live is not None and self._view is not None:
            footer = Text(f"{self._counted()}   {self._footer}", "dim")
            self._live.update(Group(self._table(self._view), *self._lines, footer), refresh=True)

    def _counted(self) -> str:
        return f"{self._alerts} alerts, {self._mails} e-mails"

    def _table(self, view: BookView) -> Table:
        table = Table(box=None, header_style="bold", pad_edge=False)
        for heading in ("BAND", "POOL", "DESK"):
            table.add_column(heading, no_wrap=True)
        for heading in ("RATIO", "DISTANCE", "EQUITY", "MAINTENANCE"):
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("WHY", no_wrap=True)
        records = records_of(view)
        for record in records[:POOLS_SHOWN]:
            cells = (record.ratio, record.distance_percent, record.equity, record.maintenance_margin)
            forms = (".3f", ".2f", ",.0f", ",.0f")
            numbers = ["-" if n is None else f"{n:{form}}" for n, form in zip(cells, forms, strict=True)]
            band = Text(record.band, style=STYLES.get(record.band, ""))
            table.add_row(band, record.pool, record.desk, *numbers, ",".join(record.reasons))
        if len(records) > POOLS_SHOWN:
            table.add_row("", f"and {len(records) - POOLS_SHOWN} safer ones")
        return table


def _clock() -> str:
    return time.strftime("%H:%M:%S", time.gmtime())
