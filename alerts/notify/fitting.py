"""As many lines as a channel takes, the first ones first, with a count of the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from alerts.wording import plain

ROOM_FOR_COUNT = 40


def fitted(lines: Iterable[str], limit: int, size: Callable[[str], int] = len) -> list[str]:
    """The lines that fit into `limit` with their line ends."""
    told = list(lines)
    used, kept = 0, []
    for line in told:
        used += size(line) + 1
        if used > limit - ROOM_FOR_COUNT:
            break
        kept.append(line)
    if len(kept) < len(told):
        kept.append(f"({len(told) - len(kept)} more lines were cut)")
    return kept


def cut(text: str, limit: int) -> str:
    """One line of at most `limit` characters, a count of what was cut included."""
    return text if len(text) <= limit else plain(text, limit - ROOM_FOR_COUNT)


def utf16(text: str) -> int:
    """Its length in UTF-16 code units, in which some services count."""
    return len(text.encode("utf-16-le", "replace")) // 2


INERT = str.maketrans({"@": "＠", "`": "ˋ"})


def inert(text: str) -> str:
    """The same to read, but no mention, no link and no code, for services that look for them in text."""
    return text.translate(INERT).replace("://", "：//")
