"""Answers spoiled at any place: a snapshot of finite figures, a reason by name, or one of our exceptions."""

from __future__ import annotations

import copy
import math
from random import Random
from typing import Any

import pytest

from adapters.ccxt_venue.exchanges import ENTRIES
from adapters.ccxt_venue.source import CcxtSource
from adapters.venue import KeyRefused, UnsupportedMode, VenueUnavailable
from monitor.clock import ManualClock
from monitor.domain.identity import account_id
from tests.support.ccxt_golden import Answering, Case, cases, client_of

SPOILS: list[Any] = [None, "", "NaN", "Infinity", "-1e999", "abc", -1, 0, {}, [], "1e40", True, "9" * 500]
pytestmark = pytest.mark.slow
ROUNDS = 200


def spoiled(rng: Random, case: Case) -> Case:
    """One leaf or branch of one answer replaced, or taken away."""
    answers = copy.deepcopy(case.answers)
    place: Any = answers
    key: Any = rng.choice(list(answers))
    while isinstance(place[key], dict | list) and place[key] and rng.random() < 0.85:
        place = place[key]
        key = rng.choice(list(place)) if isinstance(place, dict) else rng.randrange(len(place))
    if place is not answers and rng.random() < 0.2:
        del place[key]
    else:
        place[key] = rng.choice(SPOILS)
    return case._replace(answers=answers)


@pytest.mark.parametrize("exchange", ENTRIES)
async def test_no_spoiled_answer_becomes_a_figure_that_is_none(exchange: str) -> None:
    """Never a NaN, never another exception, and never a pool that is silently without figures."""
    rng = Random(exchange)
    mine = [case for case in cases() if case.exchange == exchange]
    counts = {"told": 0, "untold": 0, "refused": 0}
    client = await client_of(exchange, {}, mine[0].markets)
    learnt = copy.deepcopy(client._exchange.options)
    source = CcxtSource(account_id(client.venue, "alpha"), client, ENTRIES[exchange], ManualClock())
    for _ in range(ROUNDS):
        answers = spoiled(rng, rng.choice(mine)).answers | {"": {"raises": "ExchangeError"}}
        client._send = Answering(answers).fetch
        client._exchange.options = copy.deepcopy(learnt)
        try:
            snapshot = await source.snapshot()
        except (VenueUnavailable, KeyRefused, UnsupportedMode):
            counts["refused"] += 1
            continue
        for pool in snapshot.pools:
            assert (pool.told is None) == bool(pool.untold)
            counts["untold" if pool.told is None else "told"] += 1
            if pool.told is not None:
                assert pool.told.equity.is_finite() and pool.told.maintenance_margin.is_finite()
        assert all(math.isfinite(mark) for mark in snapshot.marks.values())
    await client.close()
    print(exchange, counts)
    assert counts["refused"] or counts["untold"]
