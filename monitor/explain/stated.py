"""Balances that a venue stated some time ago: each number that it stated, and what has become of it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from monitor.domain.event import BalanceFact
from monitor.explain.derivation import Line, Watcher
from monitor.explain.document import Input
from monitor.explain.traced import Traced
from monitor.margin.amounts import Held, amounts_now


class Stated(NamedTuple):
    """The inputs of one balance, and the lines from them to its amounts of now."""

    inputs: tuple[Input, ...]
    lines: tuple[Line, ...]


def stated_balance(fact: BalanceFact, legs: Sequence[Held], wall_ns: int, source: str) -> Stated:
    """The book's own derivation of the balance, watched. `source` says where it was stated."""
    inputs: list[Input] = []
    age_s = None if fact.accrual is None else (wall_ns - fact.accrual.told_ns) / 1e9

    def number(value: Decimal, name: str) -> float:
        inputs.append(Input(f"{fact.asset}: {name}", float(value), source, age_s))
        return Traced(float(value), name)

    watcher = Watcher({}, amounts_now.__name__, fact.asset)
    watcher.watch(amounts_now, fact, legs, wall_ns, number)
    return Stated(tuple(inputs), tuple(watcher.lines))
