"""Every reason not to act, one row each, in the order in which they are asked. Pure: what is so now comes in
as a `Situation`, and out comes the name of each guard that refuses, with its words.

A guard refuses what it does not know: an absent figure is never a yes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from monitor.config_deleverage import is_allowed
from monitor.deleverage.request import DeleverageRequest
from monitor.deleverage.situation import Situation, position_key
from monitor.domain.assessment import RiskBand
from monitor.domain.identity import InstrumentId

SECOND_NS = 1_000_000_000
BANDS = {"margin_call": RiskBand.MARGIN_CALL, "critical": RiskBand.CRITICAL}


Guard = Callable[[Situation], str]


def dry_run(now: Situation) -> str:
    """The config lets nothing be done."""
    return "dry_run is true in the config" if now.config.dry_run or now.request.dry_run else ""


def armed_in_config(now: Situation) -> str:
    """The config allows arming."""
    return "" if now.config.armed else "armed is false in the config"


def armed(now: Situation) -> str:
    """A person has armed it, and that lasts."""
    if not now.is_armed:
        return "nobody has armed it: margind arm"
    return "" if now.now_ns < now.armed_until_ns else "what somebody armed has expired: margind arm"


def audit(now: Situation) -> str:
    """What is done can be written down."""
    return now.audit_trouble


def band(now: Situation) -> str:
    """The pool is known, and still as bad as that."""
    if now.band is RiskBand.UNKNOWN or now.reasons:
        return f"the pool is UNKNOWN: {', '.join(now.reasons.labels) or 'no reason given'}"
    return "" if now.band >= BANDS[now.config.level] else f"the pool is {now.band.label} now"


def fresh(now: Situation) -> str:
    """Prices and account are of now."""
    for what, age_s, most_s in (
        ("a mark", now.price_age_s, now.config.fresh_s),
        ("the account", now.account_age_s, now.config.account_fresh_s),
    ):
        if age_s is None or not 0 <= age_s <= most_s:
            age = "of unknown age" if age_s is None else f"{age_s:.1f} s old"
            return f"{what} is {age}; at most {most_s:g} s"
    return ""


def second_source(now: Situation) -> str:
    """Another source tells the same price of each instrument, and none that is fresh tells another."""
    for step in now.request.steps:
        leg = now.legs.get(position_key(step.instrument, step.position_side))
        if leg is None or not leg.others:
            return f"nothing but its own venue tells the price of {step.instrument}"
        for other in leg.others:
            gap = abs(leg.mark / other.price - 1) if other.price > 0 else math.inf
            if not gap <= now.config.second_source_tolerance:
                return f"{step.instrument} at {leg.mark:g}, {other.name} at {other.price:g}"
    return ""


def margin_error(now: Situation) -> str:
    """Our figures agree with the venue's."""
    error = now.margin_error
    if error is None or not math.isfinite(error):
        return "our margin was not compared with the venue's yet"
    if now.is_margin_error_open or not abs(error) <= now.config.margin_error_limit:
        return f"our margin differs from the venue's by {abs(error):.2%}"
    return ""


def recovery(now: Situation) -> str:
    """Long enough since a start, an outage or UNKNOWN that what is seen is no echo of it."""
    grace_ns = now.config.recovery_grace_s * SECOND_NS
    for what, since_ns in (("the pool", now.known_since_ns), ("margind and Redis", now.outage_ended_ns)):
        if since_ns is None:
            return f"{what} can't be relied on now"
        if now.now_ns - since_ns < grace_ns:
            seconds = (now.now_ns - since_ns) / SECOND_NS
            return f"{what} can be relied on for {seconds:.0f} s only, of {now.config.recovery_grace_s:g}"
    return ""


def plan(now: Situation) -> str:
    """There is something to do, and positions and prices are those that it was planned on."""
    if not (now.request.steps or now.request.transfers):
        return f"there is no plan: {now.request.reason}"
    for step in now.request.steps:
        leg = now.legs.get(position_key(step.instrument, step.position_side))
        if leg is None or not _closes(step.side, step.quantity, leg.quantity):
            return f"{step.instrument} is not held as the plan says"
        gap = abs(leg.mark / float(step.mark_price) - 1)
        if not gap <= step.max_slippage:
            return f"{step.instrument} moved by {gap:.2%} since the plan was made"
    return "" if not _grew(now) else "a position was changed since the plan was made"


def symbols(now: Situation) -> str:
    """Each instrument is on the list."""
    strangers = [s.instrument for s in now.request.steps if not is_allowed(now.config, s.instrument)]
    return f"{strangers[0]} is not among symbols" if strangers else ""


def slippage(now: Situation) -> str:
    """No order may be filled further from the mark than the config says."""
    for step in now.request.steps:
        mark, limit = float(step.mark_price), float(step.limit_price)
        worse = (mark - limit if step.side == "sell" else limit - mark) / mark
        if not (
            step.max_slippage <= now.config.max_slippage and worse <= now.config.max_slippage * (1 + 1e-9)
        ):
            return f"{step.instrument} may be filled {worse:.2%} from its mark"
    return ""


def cap_action(now: Situation) -> str:
    """Not more at once."""
    return _capped(now, 0.0, now.config.most_action_usd, "at once")


def cap_hour(now: Situation) -> str:
    """Not more within an hour."""
    return _capped(now, now.used_hour, now.config.most_hour_usd, "within an hour")


def cap_day(now: Situation) -> str:
    """Not more within a day."""
    return _capped(now, now.used_day, now.config.most_day_usd, "within a day")


def in_flight(now: Situation) -> str:
    """Nothing that was asked before is still without an end."""
    return f"{now.in_flight} of the same account has no known end" if now.in_flight else ""


def cooldown(now: Situation) -> str:
    """What was done before had time to show."""
    if now.last_request_ns is None:
        return ""
    passed_s = (now.wall_ns - now.last_request_ns) / SECOND_NS
    if passed_s >= now.config.cooldown_s:
        return ""
    return f"the request before was {max(passed_s, 0):.0f} s ago; {now.config.cooldown_s:g} s between two"


def expiry(now: Situation) -> str:
    """It is not void."""
    is_now = now.request.created_ns <= now.wall_ns < now.request.expires_ns
    return "" if is_now else "the request is void, or the clock was changed"


def fence(now: Situation) -> str:
    """We are the one who may act: by an epoch of Redis that is not below any of before."""
    if now.fence is None:
        return now.fence_trouble or "Redis does not say that we may act"
    if now.fence < now.highest_fence:
        return f"our epoch {now.fence} is below {now.highest_fence} of the audit log"
    return "" if now.request.fence in (0, now.fence) else "the right to act was lost since the plan was made"


def confirm(now: Situation) -> str:
    """A person has said yes to this very request, where the config wants that."""
    return "waits for margind confirm" if now.config.confirm and not now.is_confirmed else ""


def kill(now: Situation) -> str:
    """The kill switch; asked last of all."""
    return f"the kill switch is thrown: {now.killed}" if now.killed else ""


GUARDS: tuple[tuple[str, Guard], ...] = (
    ("dry_run", dry_run),
    ("armed_in_config", armed_in_config),
    ("armed", armed),
    ("audit", audit),
    ("band", band),
    ("fresh", fresh),
    ("second_source", second_source),
    ("margin_error", margin_error),
    ("recovery", recovery),
    ("symbols", symbols),
    ("slippage", slippage),
    ("cap_action", cap_action),
    ("cap_hour", cap_hour),
    ("cap_day", cap_day),
    ("plan", plan),
    ("in_flight", in_flight),
    ("cooldown", cooldown),
    ("expiry", expiry),
    ("fence", fence),
    ("confirm", confirm),
    ("kill", kill),
)

# A dry run asks nobody to act: these do not stop it, and are told beside it.
NOT_FOR_DRY = frozenset({"dry_run", "armed_in_config", "armed", "fence", "confirm", "kill", "recovery"})
WAITING = frozenset({"cooldown", "in_flight"})  # what was asked is under way: no trouble


class Refusal(NamedTuple):
    """A guard that says no."""

    guard: str
    why: str


def refusals(now: Situation) -> list[Refusal]:
    """Every guard that refuses, in order; none, and only then may it be done."""
    return [Refusal(name, why) for name, guard in GUARDS if (why := guard(now))]


def foremost(found: Sequence[Refusal]) -> Refusal:
    """The refusal that is told: the first, but what killed it disarmed it too, and that is the news."""
    killed = [refusal for refusal in found if refusal.guard == "kill"]
    return killed[0] if killed and found[0].guard == "armed" else found[0]


def asked(request: DeleverageRequest) -> float:
    """The notional of a request in US dollars."""
    return sum(step.notional for step in request.steps) + sum(t.notional for t in request.transfers)


def _capped(now: Situation, used: float, most: float | None, when: str) -> str:
    asks = asked(now.request)
    if most is None:  # a dry run shows what there would be to do
        return "" if now.request.dry_run else f"the config does not say how much {when}"
    is_used_up = used >= most  # then there is no room for a plan, and this is why
    if asks >= 0 and used >= 0 and used + asks <= most and not is_used_up:  # also: neither is nan
        return ""
    before = f" after {used:,.0f}" if used else ""
    return f"{asks:,.0f} US dollars{before}; at most {most:,.0f} {when}"


def _closes(side: str, quantity: str, held: str) -> bool:
    """Whether an order of this side and size makes a position smaller and does not turn it."""
    has, asks = float(held), float(quantity)
    return 0 < asks <= abs(has) and (side == "sell") == (has > 0)


def _grew(now: Situation) -> bool:
    """Whether a position is another one than the first step on it expects."""
    first: dict[InstrumentId, str] = {}
    for step in now.request.steps:
        first.setdefault(position_key(step.instrument, step.position_side), step.expected_position)
    return any(float(now.legs[key].quantity) != float(expected) for key, expected in first.items())
