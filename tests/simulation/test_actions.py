"""What is promised of actions: none unsafe, none twice, and each refusal names its guard (FAULTS T16).

Guards, plan, hand-over and executor run in virtual time; the venue's own book tells what was done. A seed
fixes everything, so that a failure names the one number that plays it again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import pytest
import structlog

from monitor.deleverage.guards import GUARDS
from monitor.executor.guards import LAST_GUARDS, REQUEST_GUARDS, STEP_GUARDS
from tests.support.acted_run import Report, simulate

SEEDS, MANY_SEEDS = 300, 10_000
ACTING_SHARE = 0.3  # of the runs at least: a simulation that does nothing proves nothing
OF_THE_EXECUTOR = {
    f"executor:{name}"
    for name in (
        *REQUEST_GUARDS,
        *STEP_GUARDS,
        *LAST_GUARDS,
        "store",
        "venue",
        "claim",
        "signature",
    )
}
KNOWN = {name for name, _ in GUARDS} | OF_THE_EXECUTOR | {"no plan"}
# In 10,000 runs each of these has something to say; what can't happen here is left out: `audit`, whose
# trouble is not played, `plan`, which is made in the same breath, and `symbols`, which the plan obeys.
NOT_PLAYED = {"audit", "plan", "symbols", "slippage", "expiry", "fence"}
SPEAK_UP = {name for name, _ in GUARDS} - NOT_PLAYED
# What is left out, and what the venue's book then shows. Where both sides ask, both have to be left out.
MUTATIONS: dict[str, tuple[frozenset[str], str]] = {
    "arming": (frozenset({"armed", "armed_in_config"}), "not armed"),
    "dry run": (frozenset({"dry_run", "executor:dry_run"}), "dry"),
    "freshness": (frozenset({"fresh"}), "not fresh"),
    "second source": (frozenset({"second_source"}), "one source"),
    "margin error": (frozenset({"margin_error"}), "margin error"),
    "quarantine": (frozenset({"band"}), "unknown"),
    "recovery": (frozenset({"recovery"}), "recovery"),
    "confirmation": (frozenset({"confirm"}), "not confirmed"),
    "fence": (frozenset({"fence", "executor:fence"}), "epoch"),
    "kill switch": (frozenset({"kill", "executor:kill_switch"}), "killed"),
    "expiry": (frozenset({"executor:expiry"}), "expired"),
    "caps": (frozenset({"cap_action", "cap_hour", "cap_day", "executor:caps"}), "over the cap"),
    "positions": (frozenset({"executor:position"}), "lies believed"),
    "symbols": (frozenset({"executor:symbol"}), "not allowed"),
    "signature": (frozenset({"signature"}), "forged"),
}
pytestmark = pytest.mark.slow


@contextmanager
def silent() -> Iterator[None]:
    """The log says nothing: a run refuses hundreds of times."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    try:
        yield
    finally:
        structlog.configure(**before)


def play(seeds: Iterable[int], off: frozenset[str] = frozenset()) -> Iterator[Report]:
    """A run for each seed; a failure says which."""
    with silent():
        for seed in seeds:
            try:
                yield simulate(seed, off)
            except BaseException as error:
                error.add_note(f"seed {seed}")
                raise


def check(seeds: range) -> tuple[Counter[str], str]:
    """Plays all seeds; answers the refusals, and the figures in a sentence."""
    began_s, refusals, acted = time.perf_counter(), Counter[str](), Counter[str]()
    for report in play(seeds):
        assert report.unsafe == [], f"seed {report.seed}"
        assert report.duplicates == [], f"seed {report.seed}"
        assert report.nameless == 0, f"seed {report.seed}: a refusal without a guard"
        refusals.update(report.refusals)
        acted.update(runs=report.orders > 0, orders=report.orders, kills=report.kills, lost=report.unknown)
    assert set(refusals) <= KNOWN
    assert acted["runs"] >= ACTING_SHARE * len(seeds)
    return refusals, (
        f"actions: {len(seeds)} runs, {acted['runs']} acted, {acted['orders']} orders, "
        f"{acted['kills']} kills, "
        f"{sum(refusals.values())} refusals by {len(refusals)} names, {acted['lost']} orders of unknown end, "
        f"0 unsafe, 0 twice; {time.perf_counter() - began_s:.0f} s"
    )


def test_no_action_is_unsafe_and_none_is_done_twice(report: Callable[[str], None]) -> None:
    """Under stale data, two leaders, kills, wrong fills, lies and forgeries: 0 unsafe, 0 twice."""
    _, figures = check(range(SEEDS))
    report(figures)


@pytest.mark.soak
def test_no_action_is_unsafe_in_ten_thousand_runs(report: Callable[[str], None]) -> None:
    """The same over 10,000 seeds, in which every guard has something to say."""
    refusals, figures = check(range(MANY_SEEDS))
    report(figures)
    report("refused by: " + ", ".join(f"{name} {count}" for name, count in refusals.most_common()))
    assert set(refusals) >= SPEAK_UP


@pytest.mark.parametrize("name", MUTATIONS)
def test_the_simulation_notices_a_guard_that_is_left_out(name: str) -> None:
    """Without it the same seeds show an unsafe action, of the kind that it prevents."""
    off, shows = MUTATIONS[name]
    assert any(shows in wrong for found in play(range(2 * SEEDS), off) for wrong in found.unsafe)


def test_the_simulation_notices_a_journal_that_forgets() -> None:
    """Without what journal, venue and position remember, a kill makes a second order of one id."""
    off = frozenset({"journal", "executor:position", "executor:ratio"})
    assert any(found.duplicates for found in play(range(2 * SEEDS), off))


def test_a_false_drawdown_made_of_mixed_windows_triggers_nothing() -> None:
    """Marks of one window beside holdings of another show a fall that is none: other sources say so."""
    with silent():
        for seed in range(20):
            found = simulate(seed, only=("false drawdown",))
            assert found.orders == 0
            assert set(found.refusals) == {"second_source"}


def test_a_false_drawdown_that_passes_the_monitor_stops_at_the_executor() -> None:
    """The venue that is asked again shows no such fall: its ratio and its mark refuse the order."""
    with silent():
        for seed in range(20):
            found = simulate(seed, frozenset({"second_source"}), ("false drawdown",))
            assert found.orders == 0
            assert set(found.refusals) >= {"executor:slippage"} or set(found.refusals) >= {"executor:ratio"}
