"""Why a mutant may survive: a committed list, which may not tell of what is killed or gone."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

from tests.mutation.fates import Fate

Reasons = dict[str, str]  # by the mutant's name


def read_reasons(path: Path) -> Reasons:
    """The list; each reason stands over the mutants that it is for."""
    found: Reasons = {}
    for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("survivor", []):
        for name in entry["mutants"]:
            assert name not in found, f"{path.name} tells twice of {name}"
            found[name] = entry["why"]
    return found


def untrue(reasons: Reasons, files: Sequence[str], fates: Sequence[Fate]) -> list[str]:
    """The entries for these files whose mutant is killed, or is made no more."""
    survivors = {fate.mutant.name for fate in fates if not fate.is_killed}
    return [name for name in reasons if name.partition(" ")[0] in files and name not in survivors]
