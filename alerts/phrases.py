"""What is said of an assessment, one fact a line, for somebody who has just been woken."""

from __future__ import annotations

import math

from alerts.wording import (
    NAME_LIMIT,
    age,
    money,
    number,
    percent,
    plain,
    pool_parts,
    ratio,
    utc,
)
from monitor.domain.assessment import (
    Contributor,
    MarginAssessment,
    RiskBand,
    UnderlyingMove,
)
from monitor.domain.identity import InstrumentId, PoolId, symbol_of

WORST_SHOWN = 3
VENUE_MODEL = "venue_ratio"
COMPUTED = "computed"
THROUGH_CCXT = "ccxt:"  # before the name of an exchange that is read through ccxt: nothing of it is computed


def reasons_of(assessment: MarginAssessment | None) -> str:
    """Why nothing is known, in the words of the schema."""
    if assessment is None:
        return "no assessment"
    return ", ".join(assessment.reasons.labels) or "no reason given"


def is_known(assessment: MarginAssessment | None) -> bool:
    """Whether there are figures that may be shown as current."""
    return assessment is not None and assessment.band is not RiskBand.UNKNOWN


def is_told(pool: PoolId, assessment: MarginAssessment | None) -> bool:
    """Whether the figures of a pool are the venue's word. Known without an assessment, too."""
    model = "" if assessment is None else assessment.model
    return model == VENUE_MODEL or pool.startswith(THROUGH_CCXT)


def source_of(pool: PoolId, assessment: MarginAssessment | None) -> str:
    """`computed`, or `as binanceusdm (via ccxt) tells it, not computed by margind`."""
    if not is_told(pool, assessment):
        return COMPUTED
    return f"{teller(pool)} tells it, not computed by margind"


def teller(pool: PoolId) -> str:
    """`as okx (via ccxt)`"""
    venue = pool_parts(pool).venue
    name = venue.removeprefix(THROUGH_CCXT)
    return f"as {name} (via ccxt)" if name != venue else f"as {venue}"


def source_lines(pool: PoolId, assessment: MarginAssessment | None) -> list[str]:
    """Whose figure the ratio is, where it is not ours: in every message about such a pool."""
    if not is_told(pool, assessment):
        return []
    return [f"source: ratio {source_of(pool, assessment)}"]


def ratio_text(assessment: MarginAssessment | None) -> str:
    """`margin ratio 0.87`, or why there is none."""
    if assessment is None or not is_known(assessment):
        return f"margin ratio not known ({reasons_of(assessment)})"
    told = is_told(assessment.pool, assessment)
    source = f" ({source_of(assessment.pool, assessment)})" if told else ""
    if assessment.margin_ratio is not None:
        return f"margin ratio {ratio(assessment.margin_ratio)}{source}"
    if assessment.equity is not None and assessment.equity <= 0:
        equity = money(assessment.equity, assessment.unit)
        return f"margin ratio past 1, equity {equity} is not above zero{source}"
    return f"margin ratio not known{source}"


def is_past_the_line(assessment: MarginAssessment) -> bool:
    """Whether the pool stands at or past liquidation, so that no move is left to tell of."""
    return assessment.band is RiskBand.LIQUIDATION or (
        assessment.margin_ratio is not None and assessment.margin_ratio >= 1
    )


def nearest_move(assessment: MarginAssessment) -> tuple[str, float] | None:
    """The underlying and the signed per cent of the smallest move that liquidates; None when none does."""
    moves = [(move.underlying, side) for move in assessment.moves for side in _sides(move)]
    return min(moves, key=lambda move: abs(move[1]), default=None)


def _sides(move: UnderlyingMove) -> list[float]:
    return [p for p in (move.lower_percent, move.upper_percent) if p is not None and math.isfinite(p)]


def move_text(assessment: MarginAssessment) -> str:
    """`BTC -1.9 % liquidates`, or what else there is to say of the distance."""
    if is_past_the_line(assessment):
        return "at or past liquidation now"
    if is_told(assessment.pool, assessment):
        return "distance not known, for no price is in it"
    nearest = nearest_move(assessment)
    if nearest is None:
        return "no move of one underlying is known to liquidate it"
    return f"{plain(nearest[0], NAME_LIMIT)} {percent(nearest[1])} liquidates"


def distance_line(assessment: MarginAssessment) -> str:
    """The nearer liquidating move, and the move to the other side of the same underlying."""
    nearest = nearest_move(assessment)
    if nearest is None or is_past_the_line(assessment):
        return f"distance: {move_text(assessment).removeprefix('distance ')}"
    own = next(move for move in assessment.moves if move.underlying == nearest[0])
    other = own.upper_percent if nearest[1] == own.lower_percent else own.lower_percent
    rest = f"; the other way {percent(other)}" if other is not None else ""
    return f"distance: {move_text(assessment)}{rest}"


def symbol(instrument: str, side: str) -> str:
    """The venue's own symbol, with the side of hedge mode."""
    name = symbol_of(InstrumentId(instrument)) or instrument
    return plain(f"{name} {side}".strip(), NAME_LIMIT)


def liquidation_line(assessment: MarginAssessment) -> str | None:
    """The venue-convention price of the position that is nearest to its own."""
    told = is_told(assessment.pool, assessment)
    prices = (
        (c, _venue_price(c, assessment) if told else c.liquidation_price) for c in assessment.contributors
    )
    priced = [(position, price) for position, price in prices if _is_price(price)]
    if not priced:
        return None
    whose = f"{teller(assessment.pool)} tells it" if told else "by the venue's convention: other prices held"
    position, price = min(priced, key=lambda pair: _gap(pair[0].mark_price, pair[1]))
    assert price is not None
    held = f" ({percent(100 * (price / position.mark_price - 1))})" if _is_price(position.mark_price) else ""
    return (
        f"liquidation price: {symbol(position.instrument, position.side)} "
        f"{number(price, position.price_digits)} at mark {number(position.mark_price, position.price_digits)}"
        f"{held}, {whose}"
    )


def _venue_price(position: Contributor, assessment: MarginAssessment) -> float | None:
    reported = assessment.venue_reported
    return None if reported is None else reported.liquidation_prices.get(position_key(position))


def position_key(position: Contributor) -> str:
    """`INSTRUMENT`, or `INSTRUMENT/long` in hedge mode, as the venue's own prices are kept."""
    return f"{position.instrument}/{position.side}" if position.side else position.instrument


def _is_price(value: float | None) -> bool:
    return value is not None and math.isfinite(value) and value > 0


def _gap(mark: float, price: float | None) -> float:
    return abs(price / mark - 1) if price is not None and _is_price(mark) else math.inf


def contributor_lines(assessment: MarginAssessment) -> list[str]:
    """The positions that ask for most maintenance margin, worst first."""
    shown = assessment.contributors[:WORST_SHOWN]
    rest = len(assessment.contributors) - len(shown)
    if is_told(assessment.pool, assessment):
        word, lines = "holds", [f"holds: {size_text(position)}" for position in shown]
    else:
        word, lines = "weighs", [f"weighs: {contributor_text(p, assessment.unit)}" for p in shown]
    return [*lines, f"{word}: and {rest:,} more"] if rest > 0 else lines


def size_text(position: Contributor) -> str:
    """One position: size and mark."""
    size = number(position.quantity, position.quantity_digits)
    mark = number(position.mark_price, position.price_digits)
    return f"{symbol(position.instrument, position.side)} {size} at mark {mark}"


def contributor_text(position: Contributor, unit: str) -> str:
    """One position: size, mark, maintenance margin, profit."""
    return (
        f"{size_text(position)}, "
        f"maintenance margin {money(position.maintenance_margin, unit)}, "
        f"unrealised profit {money(position.unrealised_profit, unit)}"
    )


def margin_line(assessment: MarginAssessment) -> str:
    """Equity against what it has to cover."""
    unit = assessment.unit
    word = "margin as told" if is_told(assessment.pool, assessment) else "margin"
    return (
        f"{word}: equity {money(assessment.equity, unit)}, "
        f"maintenance margin {money(assessment.maintenance_margin, unit)}, "
        f"headroom {money(assessment.headroom, unit)}"
    )


def venue_line(assessment: MarginAssessment) -> str | None:
    """The venue's own figure in its own word, and on our scale."""
    reported = assessment.venue_reported
    told = []
    if reported is not None and reported.ratio is not None:
        word = plain(reported.ratio_name, NAME_LIMIT) or "ratio"
        told.append(f"{word} {number(reported.ratio, 4)}")
    if reported is not None and reported.maintenance_margin is not None:
        told.append(f"maintenance margin {money(reported.maintenance_margin, assessment.unit)}")
    if assessment.venue_margin_ratio is not None:
        told.append(f"on our scale ratio {ratio(assessment.venue_margin_ratio)}")
    return f"the venue says: {', '.join(told)}" if told else None


def age_line(assessment: MarginAssessment) -> str:
    """How old what stands above is."""
    return (
        f"data age: prices {age(assessment.price_age_s)}, account {age(assessment.account_age_s)}, "
        f"as of {utc(assessment.as_of_ns)}"
    )


def place_line(pool: PoolId, desk: str) -> str:
    """Where: desk, account, pool, venue."""
    parts = pool_parts(pool)
    desk_name = plain(desk, NAME_LIMIT)
    return f"desk {desk_name}, account {parts.account}, pool {parts.name}, venue {parts.venue}"
