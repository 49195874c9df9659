"""What a desk has asked not to hear of: by matchers in Alertmanager's words, with an author, a reason and an
end. Pure; the time is an argument.

A silence hides while it lasts. What it hid and is still so when it ends is told then; what is critical it
hides only where the config lets it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping

import msgspec

from alerts.alert import AlertKey, Level

LABELS = ("venue", "account", "pool", "desk", "condition", "level")
LONGEST_TEXT = 200
SECOND_NS = 1_000_000_000
MOST_BRANCHES = 3
_BRANCH = re.compile(r"[*+?{(]")
_REPEATED_GROUP = re.compile(r"\)[*+?{]")
_WRITTEN = re.compile(r"\s*(\w+)\s*(=~|!~|!=|=)\s*(.*?)\s*", re.DOTALL)


class BadSilence(ValueError):
    """What was asked for can't be: the text says what would be right."""


class Matcher(msgspec.Struct, frozen=True):
    """One condition on a label: = and != compare, =~ and !~ match the whole value by a regular expression."""

    label: str
    sign: str
    value: str

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether it holds for something of these labels."""
        value = labels.get(self.label, "")
        if self.sign in ("=", "!="):
            return (value == self.value) is (self.sign == "=")
        return (_pattern(self.value).fullmatch(value) is not None) is (self.sign == "=~")

    def __str__(self) -> str:
        return f'{self.label}{self.sign}"{self.value}"'


class Silence(msgspec.Struct, frozen=True):
    """Everything that fits all of the matchers, from then to then (wall clock)."""

    id: str
    matchers: tuple[Matcher, ...]
    author: str
    reason: str
    starts_ns: int
    ends_ns: int

    def hides(self, labels: Mapping[str, str], wall_ns: int) -> bool:
        """Whether it lasts, and is about something of these labels."""
        lasts = self.starts_ns <= wall_ns < self.ends_ns
        return lasts and all(matcher.holds(labels) for matcher in self.matchers)


class Silences:
    """Those that last. `may_hide_critical`: also what is critical or worse."""

    def __init__(self, held: Iterable[Silence] = (), *, may_hide_critical: bool = False) -> None:
        self._held = {silence.id: silence for silence in held}
        self.may_hide_critical = may_hide_critical
        self.version = 0  # how often what is hidden may have changed

    def put(self, silence: Silence) -> None:
        """Takes one in, in place of the one of its id."""
        self._held[silence.id] = silence
        self.version += 1

    def ended(self, id_: str, wall_ns: int) -> Silence | None:
        """The one of this id as it is when it ends now; None where none of that id lasts."""
        held = self._held.get(id_)
        if held is None or held.ends_ns <= wall_ns:
            return None
        return msgspec.structs.replace(held, ends_ns=wall_ns)

    def lasting(self, wall_ns: int) -> tuple[Silence, ...]:
        """All that have not ended, the next to end first; what has ended is forgotten."""
        self._held = {id_: silence for id_, silence in self._held.items() if silence.ends_ns > wall_ns}
        return tuple(sorted(self._held.values(), key=lambda silence: (silence.ends_ns, silence.id)))

    def hiding(self, key: AlertKey, desk: str, level: Level, wall_ns: int) -> Silence | None:
        """The silence that keeps this from being told now, if there is one."""
        if not self._held or (level >= Level.CRITICAL and not self.may_hide_critical):
            return None
        labels = labels_of(key, desk, level)
        return next((silence for silence in self._held.values() if silence.hides(labels, wall_ns)), None)


def labels_of(key: AlertKey, desk: str, level: Level) -> dict[str, str]:
    """What matchers match: the names in LABELS."""
    venue, account, _ = key.pool.split("/", 2)
    values = (venue, f"{venue}/{account}", key.pool, desk, key.condition.value, level.label)
    return dict(zip(LABELS, values, strict=True))


def matcher_of(text: str) -> Matcher:
    """A matcher as Alertmanager writes it, with or without quotes; raises BadSilence."""
    written = _WRITTEN.fullmatch(text)
    if written is None or len(text) > LONGEST_TEXT:
        raise BadSilence(f'{text[:40]!r} is no matcher: write venue="bybit" or account=~"bybit/.*"')
    label, sign, value = written.groups()
    if label not in LABELS:
        raise BadSilence(f"{label} is no label of an alert: there are {', '.join(LABELS)}")
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    if sign in ("=~", "!~"):
        _checked(value)
    return Matcher(label, sign, value)


def silence_of(
    id_: str,
    matchers: Iterable[str],
    author: str,
    reason: str,
    seconds: float,
    *,
    longest_s: float,
    wall_ns: int,
) -> Silence:
    """A silence that begins now, checked; raises BadSilence."""
    found = tuple(matcher_of(text) for text in matchers)
    if not found:
        raise BadSilence("a silence of everything is refused: give a matcher at least")
    for name, text in (("author", author), ("reason", reason)):
        if not text.strip() or len(text) > LONGEST_TEXT:
            raise BadSilence(f"a silence needs its {name}, in at most {LONGEST_TEXT} characters")
    if not 0 < seconds <= longest_s:
        raise BadSilence(
            f"a silence lasts at most {longest_s:g} seconds (alerts.silence_longest_s), and more than 0"
        )
    return Silence(id_, found, author.strip(), reason.strip(), wall_ns, wall_ns + round(seconds * SECOND_NS))


def _checked(pattern: str) -> None:
    """Python's matcher can be made to run for hours: what could do that is refused."""
    if _REPEATED_GROUP.search(pattern) or len(_BRANCH.findall(pattern)) > MOST_BRANCHES:
        raise BadSilence(
            f"{pattern!r} branches too much: at most {MOST_BRANCHES} of * + ? {{ ( and no repeated group"
        )
    try:
        _pattern(pattern)
    except re.error as error:
        raise BadSilence(f"{pattern!r} is no regular expression: {error}") from None


@functools.lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)
