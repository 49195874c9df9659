"""A request as it would be sent now, its plan included; what is wrong with it the guards say."""

from __future__ import annotations

from alerts.failpoints import reach
from monitor.book.live_book import LiveBook
from monitor.config_deleverage import Deleverage
from monitor.deleverage.plan import Plan, planned
from monitor.deleverage.request import Caps, DeleverageRequest, Purpose, request_id
from monitor.domain.identity import PoolId

NO_MODEL = "no model says what a cut of it does: it is UNKNOWN, or its margin is the venue's word"
NO_PLAN = Plan((), None, False, "no plan is made while it is not armed")


def drafted(
    book: LiveBook,
    config: Deleverage,
    shard: str,
    pool: PoolId,
    numbers: tuple[int, int, int],
    used: tuple[float, float],
    wall_ns: int,
    *,
    with_plan: bool = True,
) -> DeleverageRequest | None:
    """`numbers`: incident, attempt, fence; `used` of the caps, within an hour and a day. A plan costs some
    milliseconds: none is made where it could not be acted on. None when there is no such pool."""
    placed = book.placing.pools.get(pool)
    if placed is None:
        return None
    incident, attempt, fence = numbers
    plan = _plan(book, config, pool, used) if with_plan else NO_PLAN
    return DeleverageRequest(
        id=request_id(shard, pool, Purpose.REDUCE, incident, attempt),
        kind=Purpose.REDUCE,
        shard=shard,
        pool=pool,
        account=placed.account,
        venue=placed.venue,
        desk=placed.desk,
        incident=incident,
        attempt=attempt,
        created_ns=wall_ns,
        expires_ns=wall_ns + round(config.expires_s * 1e9),
        fence=fence,
        dry_run=config.dry_run,
        reason=_reason(plan, config),
        unit=placed.fact.unit,
        ratio_before=plan.ratio_before,
        target_ratio=config.target_ratio,
        target_distance=config.target_distance,
        steps=plan.steps,
        caps=_caps(config, used),
    )


def _plan(book: LiveBook, config: Deleverage, pool: PoolId, used: tuple[float, float]) -> Plan:
    cutting = book.cutting(pool)
    if cutting is None:
        return Plan((), None, False, NO_MODEL)
    return planned(cutting, config, _room(config, used))


def _caps(config: Deleverage, used: tuple[float, float]) -> Caps:
    reach("plan_drafted")
    return Caps(
        action=config.most_action_usd,
        hour=config.most_hour_usd,
        day=config.most_day_usd,
        used_hour=used[0],
        used_day=used[1],
    )


def _room(config: Deleverage, used: tuple[float, float]) -> float:
    """What the caps leave; without any a dry run shows the whole plan."""
    rooms = [
        most - before
        for most, before in (
            (config.most_action_usd, 0.0),
            (config.most_hour_usd, used[0]),
            (config.most_day_usd, used[1]),
        )
        if most is not None
    ]
    return min(rooms, default=float("inf"))


def _reason(plan: Plan, config: Deleverage) -> str:
    if not plan.steps:
        return plan.why
    before = "past 1" if plan.ratio_before is None else f"{plan.ratio_before:.3f}"
    after = plan.steps[-1].ratio_after
    to = "past 1" if after is None else f"{after:.3f}"
    short = "" if plan.reaches else ", which is not enough: the caps or symbols end there"
    return f"ratio {before}, to {to} in {len(plan.steps)} step{'s' * (len(plan.steps) > 1)}{short}"
