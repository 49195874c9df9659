from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from adapters.backoff import Backoff


@given(st.integers(), st.floats(0.01, 5), st.floats(5, 100), st.integers(1, 60))
def test_every_pause_lies_under_a_ceiling_that_doubles(
    seed: int, first_s: float, longest_s: float, failures: int
) -> None:
    """The n-th pause is anywhere between 0 and first x 2^n, and never above the longest."""
    backoff = Backoff(random.Random(seed), first_s, longest_s)
    for number in range(failures):
        assert 0 <= backoff.next_s() <= min(first_s * 2**number, longest_s)


def test_the_jitter_is_full() -> None:
    """Feeds that fail together come back spread over the whole ceiling, not around one moment."""
    pauses = sorted(Backoff(random.Random(seed), 10.0, 10.0).next_s() for seed in range(1_000))
    for tenth in range(10):
        assert 50 < sum(tenth <= pause < tenth + 1 for pause in pauses) < 200


def test_success_starts_small_again() -> None:
    """After a success the first pause is one of the first ceiling."""
    backoff = Backoff(random.Random(3), 0.1, 60.0)
    for _ in range(12):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() <= 0.1


def test_the_same_seed_waits_the_same() -> None:
    """Randomness is injected: a seeded run can be repeated."""
    first, second = (Backoff(random.Random(7)) for _ in range(2))
    assert [first.next_s() for _ in range(20)] == [second.next_s() for _ in range(20)]
