"""How numbers, times and foreign text are written in a message. Total: each input has a text, however odd."""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import UTC, datetime
from typing import NamedTuple

from monitor.domain.identity import PoolId

TEXT_LIMIT = 300
NAME_LIMIT = 80
READ_PER_SHOWN = 8  # a megabyte of foreign text must not hold up the loop
UNKNOWN_FIGURE = "not known"
MOST_DIGITS = 12
UNREADABLE = 1e15  # from here on a figure is written with an exponent
LATEST_NS = 253_402_300_799 * 10**9  # 9999-12-31T23:59:59Z
STABLE_UNITS = ("USD", "EUR", "DAI")
# ECMA-48: CSI with its parameters; the strings of OSC, DCS, SOS, PM and APC; two-character escapes.
ESCAPES = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]"
    "|(?:\x1b[\\]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\\\|\x9c)"
    "|\x1b[ -/]*[0-~]"
)


class PoolParts(NamedTuple):
    """A pool id taken apart for people."""

    id: str
    venue: str
    account: str
    name: str


def plain(text: str, limit: int = TEXT_LIMIT) -> str:
    """`text` on one line without control characters and escapes, cut to `limit`, with a count of the rest."""
    head = text[: READ_PER_SHOWN * limit]
    kept = "".join(map(_printable, ESCAPES.sub("", head)))
    line = " ".join(kept.split())
    cut = max(len(line) - limit, 0) + len(text) - len(head)
    return f"{line[:limit]}... ({cut:,} characters cut)" if cut else line


def _printable(character: str) -> str:
    kind = unicodedata.category(character)
    if kind in ("Zl", "Zp") or character in "\t\n\r\v\f":
        return " "
    return "" if kind.startswith("C") else character


def pool_parts(pool: PoolId) -> PoolParts:
    """Venue, account and pool of an id, each fit to be shown."""
    venue, _, rest = pool.partition("/")
    account, _, name = rest.partition("/")
    parts = [plain(part, NAME_LIMIT) for part in (venue, account, name)]
    return PoolParts("/".join(parts), *parts)


def number(value: float | None, digits: int) -> str:
    """With thousands separators and as many decimals as the venue writes."""
    if value is None or not math.isfinite(value):
        return UNKNOWN_FIGURE
    if abs(value) >= UNREADABLE:
        return f"{value:.6g}"
    return f"{value:,.{min(max(digits, 0), MOST_DIGITS)}f}"


def amount(value: float | None, digits: int) -> str:
    """A number of an asset: zeros past the second decimal are left out."""
    text = number(value, digits)
    whole, point, decimals = text.partition(".")
    if not point or "e" in text:
        return text
    return f"{whole}.{decimals[:2]}{decimals[2:].rstrip('0')}"


def money(value: float | None, unit: str) -> str:
    """An amount of equity or margin with its unit: 2 decimals for what is near a dollar, else up to 8."""
    digits = 2 if any(word in unit for word in STABLE_UNITS) else 8
    return f"{amount(value, digits)} {plain(unit, NAME_LIMIT)}"


def ratio(value: float | None) -> str:
    """A margin ratio, 1 is liquidation: what is below 1 never reads as 1, and small ones keep a figure."""
    if value is None or not math.isfinite(value):
        return UNKNOWN_FIGURE
    text = number(value, 2 if abs(value) >= 0.1 or value == 0 else 4)
    if text != "1.00" or value == 1:
        return text
    return f"{min(value, 0.9999):.4f}" if value < 1 else f"{max(value, 1.0001):.4f}"


def percent(value: float | None, *, signed: bool = True) -> str:
    """A per cent figure; the smaller it is, the more decimals."""
    if value is None or not math.isfinite(value):
        return UNKNOWN_FIGURE
    if abs(value) >= UNREADABLE:
        return f"{value:.3g} %"
    digits = 1 if abs(value) >= 1 else 2 if abs(value) >= 0.1 else 3
    return f"{value:+,.{digits}f} %" if signed else f"{value:,.{digits}f} %"


def age(seconds: float | None) -> str:
    """How old something is, in seconds, minutes or hours."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN_FIGURE
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{number(seconds / 3600, 1)} h"


def utc(wall_ns: int) -> str:
    """RFC 3339 in UTC, whole seconds."""
    held = min(max(wall_ns, 0), LATEST_NS)
    return datetime.fromtimestamp(held // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def duration(seconds: float | None) -> str:
    """How long something takes or is away, `2 h 29 min`, rounded down."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN_FIGURE
    whole = max(math.floor(seconds), 0)
    if whole < 120:
        return f"{whole} s"
    if whole < 7_200:
        return f"{whole // 60} min"
    if whole < 172_800:
        return f"{whole // 3_600} h {whole // 60 % 60} min"
    return f"{number(whole // 86_400, 0)} d" if whole < UNREADABLE else "for ever"


def utc_time(wall_ns: int, now_ns: int) -> str:
    """`14:32 UTC`, with the day where that is another one, rounded down to the minute."""
    moment, today = utc(wall_ns), utc(now_ns)
    text = f"{moment[11:16]} UTC"
    return text if moment[:10] == today[:10] else f"{moment[:10]} {text}"
