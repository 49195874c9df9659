"""What is wrong with a config: the key, and what would be right. Collects everything before it refuses."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable

import msgspec

BARE_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
SECRET_LIKE = re.compile(r"[A-Za-z0-9+/=_-]{32,}")
LONGEST_SHOWN = 60


class Problem(msgspec.Struct, frozen=True):
    """One mistake: where, and what would be right."""

    place: str
    text: str

    def __str__(self) -> str:
        return one_line(f"{self.place}: {self.text}" if self.place else self.text)


class ConfigError(Exception):
    """The config is refused. One line a problem, each with the file, the key's path and the advice."""

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.source = source
        self.problems = tuple(problems)
        super().__init__("\n".join(self.lines()))

    def lines(self) -> tuple[str, ...]:
        """`file: place: advice`, one a problem."""
        return tuple(one_line(f"{self.source}: {problem}") for problem in self.problems)


class Findings:
    """Where the checks write what they find: problems refuse the file, warnings are told beside it."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def problem(self, place: str, text: str) -> None:
        """Something that must be changed."""
        self.problems.append(Problem(place, text))

    def warn(self, place: str, text: str) -> None:
        """Something that may be meant, and that the operator should know."""
        self.warnings.append(Problem(place, text))


def key_at(place: str, key: str) -> str:
    """The path of `key` under `place`."""
    shown_key = key if BARE_KEY.fullmatch(key) and not SECRET_LIKE.search(key) else shown(key)
    return f"{place}.{shown_key}" if place else shown_key


def item_at(place: str, index: int, item: object) -> str:
    """The path of one of a list, with its name where it has one: `accounts[1] (name "alpha")`."""
    name = item.get("name") if isinstance(item, dict) else None
    return f"{place}[{index}] (name {shown(name)})" if isinstance(name, str) and name else f"{place}[{index}]"


def shown(text: str) -> str:
    """A value of the operator's in quotes: one line, plain, shortened, and nothing that may be a secret."""
    if SECRET_LIKE.search(text):
        return '"..." (not shown: it may be a secret)'
    cut = text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "..."
    return json.dumps(cut)


def one_line(text: str) -> str:
    """The text with control characters spelled out: a file name must not move the cursor of the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def suggestion(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """` Did you mean ...?`, or the list of what there is."""
    names = sorted(known)
    near = difflib.get_close_matches(word[:LONGEST_SHOWN], names, n=1)
    if near:
        return f"did you mean {shown(near[0])}?"
    return otherwise or f"known here: {', '.join(_plain(name) for name in names) if names else 'none'}"


def _plain(name: str) -> str:
    return name if name.isprintable() and not SECRET_LIKE.search(name) else shown(name)
