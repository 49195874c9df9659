"""What must be so before an order leaves: pure questions, each with a name that a refusal tells.

Three tables, in the order in which they are asked: of the request when it comes, of each step beside what the
venue shows now, and, when the intent is on the disk, what may have changed meanwhile, the kill switch last.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from adapters.orders import Holding
from monitor.config_executor import Executor
from monitor.deleverage.request import MOST_STEPS, DeleverageRequest, DeleverageResult, Outcome, Purpose, Step

SECOND_NS = 1_000_000_000
LONGEST_NUMBER, LARGEST_EXPONENT = 40, 18  # characters, and powers of ten
LEAST_OF_EXPECTED = 0.5  # of a low ratio, which the tolerance alone would let be anything
CLOCKS_APART_NS = 5 * SECOND_NS  # of the monitor's and the executor's machine


class Standing(NamedTuple):
    """What the store says now; raised as an exception where it says nothing."""

    fence: int
    is_killed: bool


class Case(NamedTuple):
    """Everything that a guard may look at."""

    request: DeleverageRequest
    rules: Executor
    symbols: frozenset[str] | None  # that may be traded; None: no such account here
    now_ns: int  # wall clock
    highest_fence: int  # that the journal has seen
    standing: Standing
    locked: str
    is_killed_here: bool
    is_known: bool  # the same request, word for word, or a new one
    step: Step | None = None
    holding: Holding | None = None
    former: DeleverageResult | None = None  # of the step before
    used_hour: float = 0.0
    used_day: float = 0.0
    used_action: float = 0.0


Guard = Callable[[Case], str]  # why not; "" where nothing is in the way
Guards = Mapping[str, Guard]


class Refusal(NamedTuple):
    """The guard that said no, and why."""

    guard: str
    why: str


def first_refusal(guards: Guards, case: Case) -> Refusal | None:
    """The first guard that is in the way."""
    for name, guard in guards.items():
        if why := guard(case):
            return Refusal(name, why)
    return None


# --- of the request ------------------------------------------------------------------------------------


def known_id(case: Case) -> str:
    """An id stands for one plan."""
    return "" if case.is_known else "another request of this id was here before"


def dry_run(case: Case) -> str:
    """Both sides have to mean it."""
    if case.request.dry_run:
        return "the request is a dry run"
    return "this executor runs dry: dry_run = false arms it" if case.rules.dry_run else ""


def supported(case: Case) -> str:
    """Orders only: no money is moved."""
    if case.request.kind is not Purpose.REDUCE or case.request.transfers:
        return "transfers are not supported by the built-in executor"
    return "" if case.request.shard == case.rules.shard else "the request is of another shard"


def account(case: Case) -> str:
    """It has a key for the account, and nothing stands against it."""
    request = case.request
    if case.symbols is None or not request.pool.startswith(f"{request.account}/"):
        return f"there is no account {request.account} here"
    return f"locked: {case.locked}" if case.locked else ""


def plan(case: Case) -> str:
    """Steps in their order, each with figures that are numbers."""
    steps = case.request.steps
    if not 0 < len(steps) <= MOST_STEPS or [step.number for step in steps] != list(range(1, len(steps) + 1)):
        return f"{len(steps)} steps that are not numbered from 1"
    if not all(_is_sound(step, case.request.venue) for step in steps):
        return "a step whose figures are none"
    return ""


def expiry(case: Case) -> str:
    """A plan is good for the moment that it was made for."""
    request, longest_ns = case.request, round(case.rules.longest_request_s * SECOND_NS)
    if case.now_ns >= request.expires_ns:
        return "the request has expired"
    if request.created_ns > case.now_ns + CLOCKS_APART_NS:
        return "the request comes from the future: the clocks are apart"
    if case.now_ns >= request.created_ns + longest_ns:
        return f"the request was made more than {case.rules.longest_request_s:g} s ago"
    return ""


def fence(case: Case) -> str:
    """Only the newest leader acts."""
    highest = max(case.highest_fence, case.standing.fence)
    given = case.request.fence
    if given < 1 or given < highest:
        return f"epoch {given} is over: {highest} was seen"
    # A store that has lost its memory would let an old leader in.
    return "" if case.standing.fence >= given else f"the store tells epoch {case.standing.fence}, below it"


# --- of a step -----------------------------------------------------------------------------------------


def former_step(case: Case) -> str:
    """A step is begun when the one before it is known to be done, and done whole."""
    former = case.former
    return (
        "" if former is None or former.state is Outcome.DONE else f"the step before is {former.state.value}"
    )


def symbol(case: Case) -> str:
    """Nothing that the config does not name."""
    wanted = _step(case).symbol
    return "" if wanted in (case.symbols or ()) else f"{wanted[:64]} is not among the symbols of this account"


def reduce_only(case: Case) -> str:
    """The order is against the position that is there."""
    held = _holding(case).quantity
    if not held:
        return "there is no position"
    return "" if (held > 0) == (_step(case).side == "sell") else "the order would add to the position"


def position(case: Case) -> str:
    """The venue shows about the position that the plan was made for."""
    expected, held = Decimal(_step(case).expected_position), _holding(case).quantity
    apart = abs(held - expected)
    if apart <= abs(expected) * Decimal(str(case.rules.position_tolerance)):
        return ""
    return f"the plan expects {expected:f}, the venue shows {held:f}"


def slippage(case: Case) -> str:
    """The limit price is within the cap of the venue's own mark, read now."""
    step, mark = _step(case), _holding(case).mark_price
    if mark is None or not mark.is_finite() or mark <= 0:
        return "the venue tells no mark price"
    away = (mark - Decimal(step.limit_price)) / mark * (1 if step.side == "sell" else -1)
    cap = case.rules.max_slippage
    if away <= Decimal(str(cap)):
        return ""
    return f"the limit price is {float(away):.4f} from the mark of now, the cap is {cap:g}"


def caps(case: Case) -> str:
    """Of this request, of the hour, of the day, at the mark of now."""
    notional = notional_of(case)
    limits = case.rules.limits
    for name, used, cap in (
        ("action", case.used_action, limits.action),
        ("hour", case.used_hour, limits.hour),
        ("day", case.used_day, limits.day),
    ):
        if not used + notional <= cap:
            return f"{used + notional:.2f} is over the cap of an {name}, {cap:g}".replace("an day", "a day")
    return ""


def ratio(case: Case) -> str:
    """The venue's own ratio can be told; it is no better than the plan was made for, which would be another
    account or another moment, and after a step it is no worse than before."""
    now, tolerance = _holding(case).ratio, case.rules.ratio_tolerance
    if now is None or not math.isfinite(now):
        return "the venue tells no ratio"
    before, expected = case.request.ratio_before, _expected_ratio(case)
    if now < max(expected - tolerance, expected * LEAST_OF_EXPECTED):
        return f"the ratio is {now:.4f}, the plan expects {expected:.4f}: there is less to do"
    if case.former is not None and before is not None and now > before + tolerance:
        return f"the ratio is {now:.4f} after the step before, and was {before:.4f}"
    return ""


def _expected_ratio(case: Case) -> float:
    """What the plan tells of this moment; where equity was gone, that is past 1."""
    number = _step(case).number
    told = case.request.ratio_before if number == 1 else case.request.steps[number - 2].ratio_after
    return 1.0 if told is None else told


# --- last ----------------------------------------------------------------------------------------------


def kill_switch(case: Case) -> str:
    """Thrown in the store, or by the file beside the journal."""
    if case.is_killed_here:
        return "the file KILL is in the data directory"
    return "the kill switch is thrown" if case.standing.is_killed else ""


REQUEST_GUARDS: Guards = {
    "known_id": known_id,
    "dry_run": dry_run,
    "supported": supported,
    "account": account,
    "plan": plan,
    "expiry": expiry,
    "fence": fence,
    "kill_switch": kill_switch,
}
STEP_GUARDS: Guards = {
    "former_step": former_step,
    "symbol": symbol,
    "reduce_only": reduce_only,
    "position": position,
    "slippage": slippage,
    "caps": caps,
    "ratio": ratio,
}
LAST_GUARDS: Guards = {"account": account, "expiry": expiry, "fence": fence, "kill_switch": kill_switch}


def quantity_of(case: Case) -> Decimal:
    """What the step asks for, and never more than is there."""
    return min(Decimal(_step(case).quantity), abs(_holding(case).quantity))


def notional_of(case: Case) -> float:
    """Of the order, at the venue's mark; infinite where there is none."""
    mark = _holding(case).mark_price
    return math.inf if mark is None else float(quantity_of(case) * mark)


def _is_sound(step: Step, venue: str) -> bool:
    """Whether its figures are numbers that an order can have, and its instrument is the symbol."""
    try:
        positive = [_bounded(text) for text in (step.quantity, step.limit_price)]
        _bounded(step.expected_position)
    except (InvalidOperation, ValueError):
        return False
    return all(number > 0 for number in positive) and step.instrument == f"{venue}:{step.symbol}"


def _bounded(text: str) -> Decimal:
    """A number of a size that an order can have; raises ValueError or InvalidOperation."""
    if len(text) > LONGEST_NUMBER:
        raise ValueError
    number = Decimal(text)
    if not number.is_finite() or not -LARGEST_EXPONENT <= number.adjusted() <= LARGEST_EXPONENT:
        raise ValueError
    return number


def _step(case: Case) -> Step:
    assert case.step is not None
    return case.step


def _holding(case: Case) -> Holding:
    assert case.holding is not None
    return case.holding
