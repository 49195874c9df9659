"""`margind tune`: reads a history, compares thresholds, tells which to take."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from alerts.alert import Level
from monitor.exit_codes import CommandFailed, ExitCode
from monitor.history.file import HistoryTooNew
from monitor.history.reading import ALWAYS, Kept, read
from monitor.tune.candidates import candidates_of, grid
from monitor.tune.outcome import Wanted
from monitor.tune.report import document, html, lines
from monitor.tune.study import study
from monitor.tune.tracks import TooMuchHistory


class Ask(NamedTuple):
    """The words of the command line."""

    data_dir: Path
    from_ns: int | None
    to_ns: int | None
    thresholds: Path | None
    report: Path | None
    as_json: bool
    lead_minutes: float
    level: str


def tune(ask: Ask) -> int:
    """Prints the comparison, and writes the report where one is asked for."""
    span = (ALWAYS[0] if ask.from_ns is None else ask.from_ns, ALWAYS[1] if ask.to_ns is None else ask.to_ns)
    kept = history_of(ask.data_dir, span)
    if not any(batch.packed for batch in kept.batches):
        told = "; ".join(kept.damage) or "nothing was kept between --from and --to"
        raise CommandFailed(f"no evaluations to judge in {ask.data_dir}: {told}", ExitCode.REFUSED)
    pools = tuple(kept.pools.values())
    sets = grid(pools) if ask.thresholds is None else candidates_of(ask.thresholds, pools)
    try:
        found = study(kept, sets, Wanted(ask.lead_minutes, Level[ask.level.upper()]))
    except TooMuchHistory as error:
        raise CommandFailed(str(error), ExitCode.REFUSED) from None
    if ask.report is not None:
        with open(os.open(ask.report, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:  # noqa: PTH123
            file.write(html(found))
    if ask.as_json:
        print(json.dumps(document(found), indent=2))
        return ExitCode.DONE
    print(*lines(found), sep="\n")
    if ask.report is not None:
        print(f"report: {ask.report}")
    return ExitCode.DONE


def history_of(data_dir: Path, span: tuple[int, int] = ALWAYS) -> Kept:
    """The history of a data directory; raises CommandFailed."""
    try:
        return read(data_dir, span)
    except (HistoryTooNew, FileNotFoundError) as error:
        raise CommandFailed(str(error), ExitCode.REFUSED) from None


def moment_of(text: str, now_ns: int | None = None) -> int:
    """A time of the wall clock: ISO 8601, UTC unless it says otherwise, or how long ago (`7d`); raises
    ValueError."""
    if text[-1:] in AGO and text[:-1].replace(".", "", 1).isdigit():
        return (time.time_ns() if now_ns is None else now_ns) - round(float(text[:-1]) * AGO[text[-1:]] * 1e9)
    written = datetime.fromisoformat(text)
    return round((written if written.tzinfo else written.replace(tzinfo=UTC)).timestamp() * 1e9)


AGO = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
