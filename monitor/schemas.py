"""`margind schema`: the JSON Schemas of what is read from files and answered to programs."""

from __future__ import annotations

import json
import sys
from typing import Any

import msgspec

from alerts.listing import Listing
from alerts.told import AlertTold
from monitor.bookfile.document import Document
from monitor.bookfile.format import BookFile
from monitor.deleverage.request import Schemas as Deleverage
from monitor.exit_codes import ExitCode
from monitor.explain.document import Explanation

SCHEMAS: dict[str, type[Any]] = {
    "alert": AlertTold,
    "alerts": Listing,
    "assessment": Document,
    "book": BookFile,
    "deleverage": Deleverage,
    "explanation": Explanation,
}
DECIMAL = {"type": "string", "format": "decimal"}
NUMBER_OR_TEXT = {"type": ["number", "string"], "format": "decimal"}


def schema(name: str) -> int:
    """Prints one of them."""
    json.dump(_with_numbers(msgspec.json.schema(SCHEMAS[name])), sys.stdout, indent=2)
    print()
    return ExitCode.DONE


def _with_numbers(part: Any) -> Any:
    """A decimal may be written as a number too: that is how it is read."""
    if isinstance(part, dict):
        if DECIMAL.items() <= part.items():
            return part | NUMBER_OR_TEXT
        return {key: _with_numbers(value) for key, value in part.items()}
    if isinstance(part, list):
        return [_with_numbers(value) for value in part]
    return part
