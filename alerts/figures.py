"""The figures of an assessment for programs: numbers as numbers, null for what is not known, bounded lists.

Names are those of the state in Redis where both tell the same thing.
"""

from __future__ import annotations

import math
from typing import Any

from alerts.phrases import is_known, position_key, source_of, symbol
from alerts.wording import NAME_LIMIT, plain, utc
from monitor.domain.assessment import (
    Contributor,
    Deadline,
    MarginAssessment,
    RescueOption,
    Scale,
    TimeLeft,
    UnderlyingMove,
    VenueReported,
)

TOLD_OF_EACH = 50  # contributors, moves and rescues; the rest is counted

Json = dict[str, Any]


def figures(assessment: MarginAssessment | None) -> Json | None:
    """The assessment as JSON would hold it; an UNKNOWN pool has ages and reasons, and no figure."""
    if assessment is None:
        return None
    known = is_known(assessment)
    return {
        "unit": plain(assessment.unit, NAME_LIMIT),
        "model": plain(assessment.model, NAME_LIMIT),
        "source": source_of(assessment.pool, assessment),
        "band": assessment.band.label,
        "reasons": list(assessment.reasons.labels),
        "deficit": assessment.deficit if known else None,
        "as_of": utc(assessment.as_of_ns),
        "price_age_s": finite(assessment.price_age_s),
        "account_age_s": finite(assessment.account_age_s),
        **{name: finite(value) if known else None for name, value in _numbers(assessment).items()},
        "scales": [_scale(scale) for scale in assessment.scales] if known else None,
        "time_left": _time_left(assessment) if known else None,
        "venue_reported": _reported(assessment.venue_reported) if known else None,
    }


def _numbers(assessment: MarginAssessment) -> dict[str, float | None]:
    return {
        "ratio": assessment.margin_ratio,
        "equity": assessment.equity,
        "initial_margin": assessment.initial_margin,
        "maintenance_margin": assessment.maintenance_margin,
        "headroom": assessment.headroom,
        "distance_percent": assessment.distance_percent,
        "distance_volatilities": assessment.distance_volatilities,
        "margin_error": assessment.margin_error,
        "venue_ratio": assessment.venue_margin_ratio,
    }


def finite(value: float | None) -> float | None:
    """`value` as JSON can hold it."""
    return value if value is not None and math.isfinite(value) else None


def _scale(scale: Scale) -> Json:
    levels = dict(zip(("warning", "margin_call", "critical"), scale.levels, strict=True))
    band = None if scale.band is None else scale.band.label
    return {"name": scale.name, "value": finite(scale.value), "band": band, "levels": levels}


def _time_left(assessment: MarginAssessment) -> Json:
    """At the present speed and at that of one bad hour: null while that is not known."""
    return {
        "present_speed": _at_speed(assessment.at_present_speed),
        "bad_hour": _at_speed(assessment.at_bad_hour),
    }


def _at_speed(left: TimeLeft | None) -> Json | None:
    if left is None:
        return None
    return {
        "underlying": plain(left.underlying, NAME_LIMIT),
        "move_percent": finite(left.percent),
        "speed_percent_a_minute": finite(left.speed_percent),
        "minutes": finite(left.minutes),
    }


def _reported(reported: VenueReported | None) -> Json | None:
    if reported is None:
        return None
    return {
        "ratio_name": plain(reported.ratio_name, NAME_LIMIT),
        "ratio": finite(reported.ratio),
        "equity": finite(reported.equity),
        "initial_margin": finite(reported.initial_margin),
        "maintenance_margin": finite(reported.maintenance_margin),
    }


def lists_of(assessment: MarginAssessment | None) -> dict[str, list[Json]]:
    """Contributors (worst first), moves (nearest first), rescues, deadlines; empty while nothing is known."""
    if assessment is None or not is_known(assessment):
        return {"contributors": [], "moves": [], "rescue": [], "deadlines": []}
    moves = sorted(map(_move, assessment.moves), key=_nearness)
    return {
        "contributors": [_contributor(c, assessment) for c in assessment.contributors],
        "moves": moves,
        "rescue": [_rescue(option) for option in assessment.rescue],
        "deadlines": [_deadline(one) for one in assessment.deadlines],
    }


def _contributor(position: Contributor, assessment: MarginAssessment) -> Json:
    reported = assessment.venue_reported
    venue_price = reported.liquidation_prices.get(position_key(position)) if reported is not None else None
    return {
        "instrument": plain(position.instrument, NAME_LIMIT),
        "symbol": symbol(position.instrument, ""),
        "side": plain(position.side, NAME_LIMIT),
        "quantity": finite(position.quantity),
        "mark_price": finite(position.mark_price),
        "notional": finite(position.notional),
        "maintenance_margin": finite(position.maintenance_margin),
        "unrealised_profit": finite(position.unrealised_profit),
        "liquidation_price": finite(position.liquidation_price),
        "venue_liquidation_price": finite(venue_price),
    }


def _move(move: UnderlyingMove) -> Json:
    return {
        "underlying": plain(move.underlying, NAME_LIMIT),
        "lower_percent": finite(move.lower_percent),
        "upper_percent": finite(move.upper_percent),
    }


def _deadline(deadline: Deadline) -> Json:
    route = deadline.route
    return {
        "from": plain(route.from_account, NAME_LIMIT),
        "asset": plain(route.asset, NAME_LIMIT),
        "takes_s": finite(route.takes_s),
        "latest": None if deadline.latest_ns is None else utc(deadline.latest_ns),
        "latest_in_a_bad_hour": None if deadline.bad_hour_ns is None else utc(deadline.bad_hour_ns),
    }


def _nearness(move: Json) -> float:
    sides = (move["lower_percent"], move["upper_percent"])
    return min((abs(side) for side in sides if side is not None), default=math.inf)


def _rescue(option: RescueOption) -> Json:
    return {
        "action": plain(option.action, NAME_LIMIT),
        "target": plain(option.target, NAME_LIMIT),
        "amount": finite(option.amount),
        "fraction": finite(option.fraction),
        "ratio_after": finite(option.ratio_after),
        "cost": finite(option.cost),
        "worth": finite(option.worth),
        "margin_freed": finite(option.freed),
        "equity_gained": finite(option.equity_gained),
        "from": None if option.from_account is None else plain(option.from_account, NAME_LIMIT),
        "takes_s": finite(option.takes_s),
        "is_late": option.is_late,
        "giver_ratio_after": finite(option.giver_ratio_after),
    }
