"""Why a mutant may survive: a committed list, which may not tell of what is killed or gone."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

from tests.mutation.fates import Fate

Reasons = dict[str, dict[str, str]]  # by file, then by the mutant's name


def read_reasons(path: Path) -> Reasons:
    """The list; each reason stands over the mutants that it is for."""
    found: Reasons = {}
    for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("survivor", []):
        of_file = found.setdefault(entry["file"], {})
        for name in entry["mutants"]:
            assert name not in of_file, f"{path.name} tells twice of {entry['file']} {name}"
            of_file[name] = entry["why"]
    return found


def untrue(reasons: Reasons, files: Sequence[str], fates: Sequence[Fate]) -> list[str]:
    """The entries for these files whose mutant is killed, or is made no more."""
    survivors = {(fate.mutant.file, fate.mutant.name) for fate in fates if not fate.is_killed}
    return [
        f"{file} {name}"
        for file, names in reasons.items()
        if file in files
        for name in names
        if (file, name) not in survivors
    ]
