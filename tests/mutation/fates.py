"""What becomes of each mutant: a fork of this process takes it in and runs the tests that reach it."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing import connection, get_context
from multiprocessing.context import ForkProcess
from types import ModuleType
from typing import NamedTuple

from tests.mutation.checks import Check, silence
from tests.mutation.live import put
from tests.mutation.mutants import Mutant

SURVIVED, KILLED = 0, 1  # exit codes
# Of processor time, for one test: a mutant that loops is killed by it, a busy machine is not.
LEAST_S, TIMES = 2.0, 10.0


class Fate(NamedTuple):
    """One mutant after its trial; `checks` is how many tests reach it."""

    mutant: Mutant
    is_killed: bool
    checks: int


def fates(
    mutants: Sequence[Mutant],
    modules: Mapping[str, ModuleType],
    checks_of: Callable[[Mutant], Sequence[Check]],
    at_once: int,
) -> Iterator[Fate]:
    """Each mutant's fate, in the order in which they end."""
    gc.collect()
    gc.freeze()  # or each fork would copy what the collector only looks at
    running: dict[int, tuple[ForkProcess, Fate]] = {}
    for mutant in mutants:
        if len(running) == at_once:
            yield _ended(running)
        checks = checks_of(mutant)
        process = get_context("fork").Process(target=_try, args=(mutant, modules[mutant.file], checks))
        process.start()
        running[process.sentinel] = process, Fate(mutant, False, len(checks))
    while running:
        yield _ended(running)


def _ended(running: dict[int, tuple[ForkProcess, Fate]]) -> Fate:
    sentinel = connection.wait(list(running))[0]
    assert isinstance(sentinel, int)
    process, fate = running.pop(sentinel)
    process.join()
    return fate._replace(is_killed=process.exitcode != SURVIVED)


def _try(mutant: Mutant, module: ModuleType, checks: Sequence[Check]) -> None:
    """In the fork: ends with what became of the mutant. One that can't even be loaded is killed."""
    with silence():
        signal.signal(signal.SIGVTALRM, signal.SIG_DFL)
        _limit(LEAST_S)
        put(mutant.code, module)
        for check in checks:
            _limit(LEAST_S + TIMES * check.seconds)
            if not check.run():
                sys.exit(KILLED)
    sys.exit(SURVIVED)


def _limit(seconds: float) -> None:
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
