"""Which published cases are run how, family by family, and which are not ours and why.

A family is a module with FILES (the originals it answers for, by stem), GOLDEN (its transcribed file in
tests/golden/margin), ASSESSED (formula: a book in, an assessment out), DERIVED (formula: a documented public
function that the daemon uses) and NOT_OURS (id: the reason).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from tests.support import (
    published_bitmex_kraken,
    published_cex,
    published_deribit,
    published_drift,
    published_dydx_gmx,
    published_lending,
    published_perpetuals,
    published_spotmargin,
)

Way = Callable[[Mapping[str, Any]], dict[str, float]]


class Family(Protocol):
    """One module."""

    @property
    def FILES(self) -> tuple[str, ...]: ...
    @property
    def GOLDEN(self) -> tuple[str, ...]: ...
    @property
    def ASSESSED(self) -> dict[str, Way]: ...
    @property
    def DERIVED(self) -> dict[str, Way]: ...
    @property
    def NOT_OURS(self) -> dict[str, str]: ...


class Verdict(NamedTuple):
    """What a case is to us: `kind` is assessed, derived or not ours."""

    kind: str
    way: Way | None
    reason: str


FAMILIES: tuple[Family, ...] = (
    published_perpetuals,
    published_deribit,
    published_drift,
    published_dydx_gmx,
    published_spotmargin,
    published_cex,
    published_bitmex_kraken,
    published_lending,
)


def verdict(family: Family, case: Mapping[str, Any]) -> Verdict:
    """Which of the three classes a case is in; KeyError for one that nobody has thought of."""
    if case["id"] in family.NOT_OURS:
        return Verdict("not ours", None, family.NOT_OURS[case["id"]])
    if case["formula"] in family.ASSESSED:
        return Verdict("assessed", family.ASSESSED[case["formula"]], "")
    return Verdict("derived", family.DERIVED[case["formula"]], "")
