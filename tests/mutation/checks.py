"""The tests as pytest collects them, and which functions each of them runs: a mutant is only shown to tests
that could see it.

Runs inside pytest as a plugin: what is collected stays in this process, and each mutant is tried in a fork
of it.
"""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from _pytest.runner import runtestprotocol

Reached = dict[tuple[str, str], list["Check"]]  # file and function: the tests that run it


class Check(NamedTuple):
    """A test, and how long it takes where nothing is changed."""

    name: str
    run: Callable[[], bool]
    seconds: float


class Checks:
    """The pytest plugin: `then` is called with the tests by what they reach, in place of running them."""

    def __init__(self, files: Sequence[Path], then: Callable[[Reached], None]) -> None:
        self._files = {str(path): path.name for path in files}
        self._then = then

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """All tests once without a mutant, then the mutants."""
        self._then(self._reached(session.items))
        return True

    def _reached(self, items: Sequence[pytest.Item]) -> Reached:
        reached: Reached = defaultdict(list)
        red = []
        with silence():
            for item in items:
                began, functions = time.process_time(), set[tuple[str, str]]()
                with self._watched(functions):
                    is_green = passes(item)
                if not is_green:
                    red.append(item.nodeid)
                check = Check(item.nodeid, partial(passes, item), time.process_time() - began)
                for function in functions:
                    reached[function].append(check)
        if red:
            pytest.exit(f"red without a mutant, as plain Python: {', '.join(red)}", returncode=2)
        return reached

    @contextmanager
    def _watched(self, functions: set[tuple[str, str]]) -> Iterator[None]:
        def called(frame: Any, _event: str, _argument: Any) -> None:
            file = self._files.get(frame.f_code.co_filename)
            if file is not None:
                functions.add((file, frame.f_code.co_qualname.partition(".")[0]))

        sys.settrace(called)
        try:
            yield
        finally:
            sys.settrace(None)


def passes(item: pytest.Item) -> bool:
    """Whether one test does not fail; a test that skips itself proves nothing and fails nothing."""
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))


@contextmanager
def silence() -> Iterator[None]:
    """What tests print goes nowhere, also what they print past pytest."""
    streams = (sys.stdout, sys.stderr)
    for stream in streams:
        stream.flush()
    kept = [os.dup(stream.fileno()) for stream in streams]
    with Path(os.devnull).open("w") as nowhere:
        for stream in streams:
            os.dup2(nowhere.fileno(), stream.fileno())
        try:
            yield
        finally:
            for stream, old in zip(streams, kept, strict=True):
                stream.flush()
                os.dup2(old, stream.fileno())
                os.close(old)
