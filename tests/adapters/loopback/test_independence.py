"""The exchange does not borrow the monitor's arithmetic, or what it reports would prove nothing."""

from __future__ import annotations

import ast
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[3] / "adapters" / "loopback"
MAY_USE = {"monitor.clock"}


def imported(tree: ast.AST) -> set[str]:
    """The modules that a file imports."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return found


def test_of_the_monitor_only_the_clock_is_known() -> None:
    """No file of the loopback exchange imports formulas, codecs or clients that it is to test."""
    files = sorted(FOLDER.rglob("*.py"))
    assert len(files) > 30
    for path in files:
        ours = {
            name for name in imported(ast.parse(path.read_text())) if name.startswith(("monitor", "adapters"))
        }
        strangers = {name for name in ours if not name.startswith("adapters.loopback")} - MAY_USE
        assert not strangers, path
