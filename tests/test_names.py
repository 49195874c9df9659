"""Every declared metric is written by somebody: one that stays at 0 for ever says that all is well."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.names import Metrics

ROOT = Path(__file__).resolve().parent.parent
SOURCES = "\n".join(
    path.read_text(encoding="utf-8")
    for folder in ("monitor", "adapters", "alerts")
    for path in (ROOT / folder).rglob("*.py")
    if path.name != "names.py"
)


@pytest.mark.parametrize("name", sorted(set(vars(Metrics())) - {"registry"}))
def test_a_declared_metric_is_written(name: str) -> None:
    """Its name stands somewhere outside of the declarations."""
    assert f"metrics.{name}" in SOURCES
