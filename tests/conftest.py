"""What every test stands on: a cache of compiled code, the recordings, and hypothesis without a stopwatch.

Only loopback and unix sockets can be reached: pyproject.toml says so to pytest-socket.
"""

from __future__ import annotations

import decimal
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, Phase, settings

from tests.support.compiled_code import compiled_code_folder

TOLD = "told"
ROOT = Path(__file__).resolve().parent.parent


# Before any test module imports numba, which reads this once.
os.environ.setdefault("NUMBA_CACHE_DIR", str(compiled_code_folder(ROOT)))

# No deadlines: a busy machine is not a fault. CI prints what reproduces a failure, and draws anew each time.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "ci", settings.get_profile("default"), derandomize=False, print_blob=True, database=None
)
# `make check` has two minutes: a few examples of each rule, drawn anew each time; `make test` draws them all.
settings.register_profile("few", settings.get_profile("ci"), max_examples=8)
# tests/mutation: always the same examples, or its list of survivors would not stay true; none made smaller.
settings.register_profile(
    "mutation",
    max_examples=20,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
settings.load_profile(os.environ.get("MARGIND_EXAMPLES") or ("ci" if os.environ.get("CI") else "default"))


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """A command configures the log for its process: what it was is what the next test has."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recordings and vectors, which is not part of the repository."""
    path = Path(os.environ.get("MARGIND_SHARED") or ROOT / ".." / "shared").resolve()
    if not path.is_dir():
        pytest.skip(f"MARGIND_SHARED: {path} is not there")
    return path


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """What a test has to say to whoever runs it; workers print nothing, so it is printed after the run."""
    return lambda text: request.node.user_properties.append((TOLD, text))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what tests had to say, each once."""
    for reports in list(terminalreporter.stats.values()):
        for found in reports:
            if getattr(found, "when", None) == "call":
                for name, text in found.user_properties:
                    if name == TOLD:
                        terminalreporter.write_line(text)


@pytest.fixture(autouse=True)
def _decimals_as_python_has_them() -> None:
    """ccxt changes the thread's decimal context (it traps underflow), whichever test uses it first."""
    decimal.setcontext(decimal.Context())
