"""What brings a pool back to the clear level, as a desk reads it: each way by itself, the cheapest first."""

from __future__ import annotations

from alerts.phrases import is_told, symbol
from alerts.wording import NAME_LIMIT, amount, duration, money, number, plain, ratio
from monitor.domain.assessment import MarginAssessment, RescueOption
from monitor.domain.identity import InstrumentId

RESCUES_SHOWN = 5
SIDES = ("long", "short")
TRADES = ("cut", "reduce", "hedge")
SAME_WORTH = 0.001  # a haircut below this share is not told
NO_BOOK = "costs: taker fees and what a way costs; spread and depth come on top, for no order book is read"


def rescue_lines(assessment: MarginAssessment) -> list[str]:
    """The cheapest first, and what the costs do not hold."""
    shown = assessment.rescue[:RESCUES_SHOWN]
    lines = [f"back to clear: {rescue_text(option, assessment)}" for option in shown]
    rest = len(assessment.rescue) - len(shown)
    lines += [f"back to clear: or {rest:,} other ways"] if rest > 0 else []
    return [*lines, NO_BOOK] if any(option.action in TRADES for option in shown) else lines


def rescue_text(option: RescueOption, assessment: MarginAssessment) -> str:
    """`add 1,234.50 USDT -> ratio 0.47` or `cut 0.293 of 1.000 BTCUSDT (29 %) -> ratio 0.47, costs ...`."""
    said = _TEXTS.get(option.action, _add_text)(option, assessment)
    return f"{said} -> ratio {ratio(option.ratio_after)}{_terms(option, assessment)}"


def _add_text(option: RescueOption, assessment: MarginAssessment) -> str:
    return plain(f"{option.action} {amount(option.amount, option.digits)} {option.target}")


def _move_text(option: RescueOption, assessment: MarginAssessment) -> str:
    return f"{_add_text(option, assessment)} from {plain(option.from_account or 'not known', NAME_LIMIT)}"


def _cut_text(option: RescueOption, assessment: MarginAssessment) -> str:
    instrument, _, side = option.target.rpartition("/")
    if side not in SIDES:
        instrument, side = option.target, ""
    size = number(option.amount, option.digits)
    held = _held(InstrumentId(instrument), side, option, assessment)
    part = "" if option.fraction is None else f" ({number(100 * option.fraction, 0)} %)"
    return f"cut {size}{held} {symbol(instrument, side)}{part}"


def _hedge_text(option: RescueOption, assessment: MarginAssessment) -> str:
    word = "sell" if option.amount < 0 else "buy"
    return f"hedge: {word} {number(abs(option.amount), option.digits)} {symbol(option.target, '')}"


def _reduce_text(option: RescueOption, assessment: MarginAssessment) -> str:
    worth = money(option.amount, assessment.unit)
    part = "" if option.fraction is None else f" by {number(100 * option.fraction, 0)} %"
    return f"reduce {plain(option.target, NAME_LIMIT)}{part}, {worth} in all"


_TEXTS = {"move": _move_text, "cut": _cut_text, "reduce": _reduce_text, "hedge": _hedge_text}


def _held(instrument: InstrumentId, side: str, option: RescueOption, assessment: MarginAssessment) -> str:
    for position in assessment.contributors:
        if (position.instrument, position.side) == (instrument, side):
            return f" of {number(abs(position.quantity), position.quantity_digits)}"
    return f" of {number(option.amount / option.fraction, option.digits)}" if option.fraction else ""


def _terms(option: RescueOption, assessment: MarginAssessment) -> str:
    """What comes with it: haircut, cost, margin freed, where it leaves the giver, and time."""
    unit = assessment.unit
    told = [", if its maintenance margin stays"] if is_told(assessment.pool, assessment) else []
    worth, gained = option.worth, option.equity_gained
    if option.action in ("add", "move") and worth is not None and gained is not None:
        if gained < worth * (1 - SAME_WORTH):
            told.append(f", worth {money(worth, unit)}, counts for {money(gained, unit)} after its haircut")
    elif option.action in TRADES:
        cost = "cost not known" if option.cost is None else f"costs {money(option.cost, unit)}"
        told.append(f", {cost}{_freed(option, unit)}")
    if option.action == "move":
        cost = "cost not known" if option.cost is None else f"costs {money(option.cost, unit)}"
        giver = f", which stays at ratio {ratio(option.giver_ratio_after)}"
        told.append(f"{giver}, takes {duration(option.takes_s)}, {cost}")
    if option.is_late:
        told.append(", TOO LATE at the present speed")
    return "".join(told)


def _freed(option: RescueOption, unit: str) -> str:
    if option.freed is None:
        return ""
    if option.freed < 0:
        return f", needs {money(-option.freed, unit)} more maintenance margin"
    return f", frees {money(option.freed, unit)} of maintenance margin"
