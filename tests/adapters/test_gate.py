from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from adapters.gate import ConnectBudget, ConnectLimit, Gates, RestPause, market_key
from monitor.clock import ManualClock
from monitor.config import Account

LIMIT = ConnectLimit(count=300, per_s=300.0)


def account(name: str, **changed: object) -> Account:
    """An account of one venue."""
    return Account(name, "venue", "desk", **changed)  # type: ignore[arg-type]


@given(
    st.integers(1, 20),
    st.floats(0.5, 100),
    st.lists(st.floats(0, 30), min_size=1, max_size=120),
)
def test_no_window_ever_holds_more_connections_than_the_budget(
    count: int, per_s: float, gaps_s: list[float]
) -> None:
    """However the attempts come, any span of the window's length holds at most the budget, in order."""
    budget = ConnectBudget(ConnectLimit(count, per_s))
    now_ns, slots = 0, []
    for gap_s in gaps_s:
        now_ns += round(gap_s * 1e9)
        slots.append(now_ns + round(Fraction(budget.reserve(now_ns)) * 10**9))
    assert slots == sorted(slots)
    window_ns = round(per_s * 1e9)
    for first, later in zip(slots, slots[count:], strict=False):
        assert later - first >= window_ns


def test_public_and_private_together_stay_under_the_share() -> None:
    """Both budgets at once are 60 % of what the venue allows, and a storm leaves the public one alone."""
    gate = Gates(ManualClock()).of(account("a"), LIMIT)
    private = sum(gate.private_connects.reserve(0) == 0 for _ in range(1_000))
    public = sum(gate.public_connects.reserve(0) == 0 for _ in range(1_000))
    assert private + public == 180
    assert public == 30


def test_accounts_share_a_gate_when_they_share_a_venue_and_its_endpoints() -> None:
    """The venue counts by address: accounts of one market share, another environment or host does not."""
    gates = Gates(ManualClock())
    first = gates.of(account("a"), LIMIT)
    assert gates.of(account("b"), LIMIT) is first
    assert gates.of(account("a", environment="testnet"), LIMIT) is not first
    other = account("a", endpoints={"rest": "http://127.0.0.1:1"})
    assert gates.of(other, LIMIT) is not first
    assert market_key(other) != market_key(account("a"))


def test_our_own_exchange_has_no_connect_limit() -> None:
    """A thousand accounts on the loopback exchange connect at once."""
    gate = Gates(ManualClock()).of(account("a", environment="loopback"), LIMIT)
    assert all(gate.private_connects.reserve(0) == 0 for _ in range(1_000))


def test_a_pause_holds_until_its_end_and_is_never_cut_short() -> None:
    """The longer of two bans holds; after it, calls are allowed."""
    clock = ManualClock()
    pause = RestPause(clock)
    assert pause.remaining_s() == 0
    pause.close(120)
    pause.close(5)
    clock.advance_s(119)
    assert pause.remaining_s() == 1
    clock.advance_s(1)
    assert pause.remaining_s() == 0
