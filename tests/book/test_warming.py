"""What a first start compiles beside itself."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.book import warming


@pytest.mark.slow
def test_the_other_process_leaves_the_searches_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What begins on an empty cache ends well, and where its work is found nothing is begun again."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    warming.begin()
    (other,) = warming._begun
    warming.finish()
    assert other.returncode == 0
    warming.begin()
    assert not warming._begun


@pytest.mark.slow
def test_nothing_is_imported_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package of our name that lies where the daemon was started is not run."""
    planted, trace = tmp_path / "monitor", tmp_path / "trace"
    planted.mkdir()
    (planted / "__init__.py").write_text(f"open({str(trace)!r}, 'w')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
    monkeypatch.setattr(warming, "LONGEST_S", 3.0)  # planted code would have run long before
    warming.begin()
    assert warming._begun
    warming.finish()
    assert not trace.exists()


def test_without_a_cache_nothing_is_compiled_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another process compiles could not be handed over."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    warming.begin()
    assert not warming._begun


def test_a_fault_while_compiling_leaves_the_collector_running() -> None:
    """Garbage is not collected while a start compiles, and is afterwards, however that ends."""
    seen = []

    def fails() -> None:
        with warming.undisturbed():
            seen.append(gc.isenabled())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert seen == [False]
    assert gc.isenabled()


def test_a_process_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The start goes on, and compiles for itself."""
    monkeypatch.setattr(warming, "LONGEST_S", 0.05)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        warming._begun.append(other)
        warming.finish()
    assert other.returncode is not None
    assert other.returncode < 0
