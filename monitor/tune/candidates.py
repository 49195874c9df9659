"""The sets of thresholds that are compared: a file's, or a grid around what ships."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from monitor.config import RATIO_LEVELS, Levels, Threshold
from monitor.config_check import Entry, Known, check_thresholds
from monitor.config_problem import ConfigError, Findings, Problem, key_at, shown
from monitor.config_read import Reader
from monitor.config_rules import RULES, is_text
from monitor.history.records import Pool
from monitor.thresholds import BESIDE, DEFAULT_HYSTERESIS, NO_MODEL, OFFLINE, SHIPPED

IN_FORCE = "in force"
LARGEST_BYTES = 1 << 20
MOST_SETS = 200
EARLIER = (0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0)
WIDE = 0.2  # of hysteresis, beside what ships
NOT_KEPT = (*BESIDE, "hysteresis_volatilities")  # the history has no figure on these scales
is_set_name = is_text(80)


class Candidate(NamedTuple):
    """One set of thresholds, in place of all others."""

    name: str
    thresholds: tuple[Threshold, ...]


def grid(pools: Iterable[Pool]) -> list[Candidate]:
    """Around what ships for each model: all levels some times as far from liquidation, at two hystereses, or
    the warning alone.

    So many times the distance; a ratio becomes that at which a position stands that much farther away, since
    a distance goes with 1/r - 1.
    """
    models = sorted({pool.model for pool in pools})
    found = []
    for times in EARLIER:
        for hysteresis in (DEFAULT_HYSTERESIS, WIDE):
            name = f"all x {times:g}, hysteresis {100 * hysteresis:g} %"
            found.append((name, (times, times, times), hysteresis))
        if times > 1:
            found.append((f"warning x {times:g}, the rest as shipped", (times, 1.0, 1.0), DEFAULT_HYSTERESIS))
    return [
        Candidate(name, tuple(_scaled(model, times, hysteresis) for model in models))
        for name, times, hysteresis in found
    ]


def _scaled(model: str, times: tuple[float, float, float], hysteresis: float) -> Threshold:
    ships = SHIPPED.get(model) or OFFLINE.get(model, NO_MODEL)
    pairs = list(zip(RATIO_LEVELS, times, strict=True))
    ratio = Levels(*(round(1 / (1 + by * (1 / _of(ships.ratio, name) - 1)), 4) for name, by in pairs))
    distance = None
    if ships.distance is not None:
        distance = Levels(*(round(min(0.95, by * _of(ships.distance, name)), 6) for name, by in pairs))
    return Threshold(model=model, ratio=ratio, distance=distance, hysteresis=hysteresis)


def _of(levels: Levels, name: str) -> float:
    return float(getattr(levels, name))


def candidates_of(path: Path, pools: Sequence[Pool]) -> list[Candidate]:
    """The named sets of a file; raises ConfigError with everything that is wrong with it."""
    source, findings = str(path), Findings()
    document = _document(path)
    reader = Reader(path.parent, {}, findings, RULES)
    tables = document.get("sets")
    for key in document:
        if key != "sets":
            findings.problem(key_at("", key), "unknown key: a file of thresholds holds [[sets]] only")
    if not isinstance(tables, list) or not tables or len(tables) > MOST_SETS:
        words = f'must be 1 to {MOST_SETS} tables: [[sets]], name = "early", then [[sets.thresholds]]'
        raise ConfigError(source, [*findings.problems, Problem("sets", words)])
    found = [_candidate(reader, table, f"sets[{index}]", pools) for index, table in enumerate(tables)]
    for name in {each.name for each in found if [other.name for other in found].count(each.name) > 1}:
        findings.problem("sets", f"{shown(name)} is there more than once: names are used once")
    if findings.problems:
        raise ConfigError(source, findings.problems)
    return found


def _candidate(reader: Reader, table: object, place: str, pools: Sequence[Pool]) -> Candidate:
    findings = reader.findings
    if not isinstance(table, dict):
        findings.problem(place, "must be a table")
        return Candidate("", ())
    name = table.get("name")
    if not isinstance(name, str) or is_set_name(name):
        findings.problem(key_at(place, "name"), "must be a text of 1 to 80 printable characters")
    for key in table:
        if key not in ("name", "thresholds"):
            findings.problem(key_at(place, key), "unknown key: a set has name and thresholds")
    entries = [
        Entry(at, each if isinstance(each, dict) else {}, reader.read(Threshold, each, at))
        for index, each in enumerate(_list(table.get("thresholds", [])))
        for at in (f"{place}.thresholds[{index}]",)
    ]
    _check(entries, pools, findings)
    return Candidate(str(name), tuple(entry.value for entry in entries if entry.value is not None))


def _check(entries: list[Entry[Threshold]], pools: Sequence[Pool], findings: Findings) -> None:
    known = Known(frozenset(p.account for p in pools), frozenset(p.desk for p in pools), frozenset())
    check_thresholds(entries, [], known, findings)
    for entry in entries:
        for scale in NOT_KEPT:
            if entry.value is not None and getattr(entry.value, scale) is not None:
                text = "unsupported here: the history keeps ratios and distances, no figure on this scale"
                findings.problem(key_at(entry.place, scale), text)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _document(path: Path) -> dict[str, Any]:
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            content = file.read(LARGEST_BYTES + 1)
        if len(content) > LARGEST_BYTES:
            raise ConfigError(str(path), [Problem("", f"is longer than {LARGEST_BYTES} bytes")])
        return tomllib.loads(content.decode())
    except OSError as error:
        raise ConfigError(str(path), [Problem("", f"can't read it: {error.strerror}")]) from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(str(path), [Problem("", f"is not TOML: {error}")]) from None
