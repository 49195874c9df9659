"""What a run prints: the score of each file and of all, and each survivor with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.mutation.fates import Fate
from tests.mutation.reasons import Reasons

NO_REASON = "**no reason is given**"


def score(fates: Sequence[Fate]) -> float:
    """The share that is killed; 1 of none."""
    return sum(fate.is_killed for fate in fates) / len(fates) if fates else 1.0


def table(files: Sequence[str], fates: Sequence[Fate]) -> Iterator[str]:
    """One line a file, then all."""
    yield "| file | mutants | killed | survived | score |"
    yield "|---|---|---|---|---|"
    for file in files:
        yield _line(file, [fate for fate in fates if fate.mutant.file == file])
    yield _line("all", fates)


def _line(name: str, fates: Sequence[Fate]) -> str:
    killed = sum(fate.is_killed for fate in fates)
    return f"| {name} | {len(fates)} | {killed} | {len(fates) - killed} | {score(fates):.1%} |"


def survivors(fates: Sequence[Fate], reasons: Reasons) -> Iterator[str]:
    """Each survivor: where, what was changed, and why it may live."""
    alive = (fate for fate in fates if not fate.is_killed)
    for mutant, _, checks in sorted(alive, key=lambda fate: (fate.mutant.file, fate.mutant.line)):
        why = reasons.get(mutant.name, NO_REASON)
        reach = "" if checks else " (no test runs it)"
        yield f"- {mutant.file}:{mutant.line} {mutant.holder}: {mutant.change}{reach}\n  {why}"
