"""The tests of the sample, which the ordinary suite does not collect."""

from __future__ import annotations

from tests.mutation.sample import tens_off


def test_tens_are_taken_off() -> None:
    """Only what is beyond the last ten is left."""
    assert [tens_off(size) for size in (3, 10, 25)] == [3, 0, 5]
