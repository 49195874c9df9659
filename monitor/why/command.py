"""`margind why ALERT`: from files alone, so that it answers with and without a daemon."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from alerts.wording import plain
from monitor.exit_codes import ExitCode
from monitor.why.answer import answer
from monitor.why.files import asked

SCHEMA = 1
LONGEST_LINE = 500


def why(words: str, data_dir: Path, as_json: bool) -> int:
    """Prints the answer; names and words of others are one printable line."""
    found, files = asked(words, data_dir)
    lines = [
        " " * (len(line) - len(line.lstrip())) + plain(line, LONGEST_LINE)
        for line in answer(found, files, time.time_ns())
    ]
    if not as_json:
        print(*lines, sep="\n")
        return ExitCode.DONE
    document = {
        "schema": SCHEMA,
        "pool": found.pool,
        "notifications": [
            {
                **msgspec.to_builtins(told.notification),
                "deliveries": [each._asdict() for each in told.deliveries],
            }
            for told in found.told
        ],
        "decisions": [msgspec.to_builtins(decision) for decision in found.decisions],
        "why": [line.strip() for line in lines],
    }
    print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
    return ExitCode.DONE
