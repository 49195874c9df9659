"""Which positions of a pool to cut, how much and in which order, so that its ratio comes down to a target and
liquidation is far enough away, for the least notional: at each step the position that frees most for what it
costs, as the model assesses it.

Every ratio that is told was got by assessing the rounded amount. Where the caps end, the plan ends. Options,
and contracts that can't be counted in US dollars, are left alone.
"""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal
from typing import Literal, NamedTuple

from monitor.book.cutting import CuttableLeg, Cutting, Goal
from monitor.config_deleverage import Deleverage, is_allowed
from monitor.deleverage.request import MOST_STEPS, Step
from monitor.domain.identity import symbol_of
from monitor.domain.instrument import Kind
from monitor.margin.rows import Requirement

DOLLARS = frozenset({"USD", "USDT", "USDC", "USDE", "FDUSD", "BUSD", "TUSD", "DAI", "USDB"})
SHARES = (1.0, 0.5, 0.25, 0.1)  # of a position that are tried; all of a hedge may be worse than some of it
HALVINGS = 50
LEAST_GAIN = 1e-9  # of what is missing: less is rounding


class Plan(NamedTuple):
    """The steps; where there are none, `why`. `reaches`: the target is met after the last one."""

    steps: tuple[Step, ...]
    ratio_before: float | None
    reaches: bool
    why: str = ""


class _Cut(NamedTuple):
    leg: CuttableLeg
    held: Decimal  # before, above zero
    quantity: Decimal
    ratio_after: float | None


def planned(cutting: Cutting, config: Deleverage, room_usd: float) -> Plan:
    """The cheapest way down to the target that fits into `room_usd` of notional."""
    return _Planner(cutting, config, room_usd).plan()


class _Planner:
    def __init__(self, cutting: Cutting, config: Deleverage, room_usd: float) -> None:
        self._cutting = cutting
        self._config = config
        self._room = room_usd
        self._goal = Goal(config.target_ratio, config.target_distance)
        self._left = {leg.place: abs(leg.fact.quantity) for leg in cutting.legs if _is_cuttable(leg, config)}
        self._legs = {leg.place: leg for leg in cutting.legs}

    def plan(self) -> Plan:
        before = _ratio(self._cutting.now())
        if not self._left:
            return Plan((), before, False, "no position of it may be cut: see symbols")
        cuts: list[_Cut] = []
        why = "no cut brings the ratio down"
        while self._cutting.excess(self._goal) > 0 and len(cuts) < MOST_STEPS:
            found = self._best()
            if found is None:
                break
            place, share = found
            quantity = self._within_room(place, share)
            if quantity <= 0:
                why = "the caps leave no room for a cut"
                break
            cuts.append(self._take(place, quantity))
        reaches = self._cutting.excess(self._goal) <= 0
        steps = tuple(self._step(number, cut) for number, cut in enumerate(_joined(cuts), 1))
        return Plan(steps, before, reaches, "" if steps else "it is at the target" if reaches else why)

    def _best(self) -> tuple[int, float] | None:
        """The position to cut next, and the share of what is left of it."""
        excess = self._cutting.excess(self._goal)
        least = LEAST_GAIN * abs(excess)
        best: tuple[float, int, float] | None = None
        for place, left in self._left.items():
            for share in (1.0,) if self._cutting.is_isolated else SHARES:
                gain = excess - self._cutting.excess(self._goal, place, share)
                worth = gain / (share * self._notional(place, left)) if left else 0.0
                if gain > least and (best is None or worth > best[0] * (1 + 1e-9)):
                    best = (worth, place, share)
        if best is None:
            return None
        _, place, share = best
        if self._cutting.excess(self._goal, place, share) <= 0 and not self._cutting.is_isolated:
            return place, self._just_enough(place, share)
        return place, share

    def _just_enough(self, place: int, share: float) -> float:
        """The smallest share up to this one that meets the target."""
        low, high = 0.0, share
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            if self._cutting.excess(self._goal, place, middle) <= 0:
                high = middle
            else:
                low = middle
        return high

    def _within_room(self, place: int, share: float) -> Decimal:
        """As the venue takes it: rounded up, or down where the caps end."""
        left, quantum = self._left[place], _quantum(self._legs[place])
        wanted = min((left * Decimal(repr(share))).quantize(quantum, ROUND_CEILING), left)
        if self._notional(place, wanted) <= self._room:
            return wanted
        if self._cutting.is_isolated or not math.isfinite(self._room):
            return Decimal(0)
        of_one = self._notional(place, Decimal(1))
        return (Decimal(repr(max(self._room, 0.0))) / Decimal(repr(of_one))).quantize(quantum, ROUND_DOWN)

    def _take(self, place: int, quantity: Decimal) -> _Cut:
        held = self._left[place]
        self._cutting.cut(place, float(quantity / held))
        self._room -= self._notional(place, quantity)
        self._left[place] = held - quantity
        if not self._left[place]:
            del self._left[place]
        return _Cut(self._legs[place], held, quantity, _ratio(self._cutting.now()))

    def _notional(self, place: int, quantity: Decimal) -> float:
        return dollars(self._legs[place], quantity)

    def _step(self, number: int, cut: _Cut) -> Step:
        leg = cut.leg
        is_long = leg.fact.quantity > 0
        return Step(
            number=number,
            instrument=leg.instrument.id,
            symbol=symbol_of(leg.instrument.id),
            side="sell" if is_long else "buy",
            position_side=_side(leg.fact.side),
            quantity=f"{cut.quantity:f}",
            expected_position=f"{cut.held if is_long else -cut.held:f}",
            mark_price=f"{Decimal(repr(leg.mark)):f}",
            limit_price=_limit(leg, self._config.max_slippage, sells=is_long),
            max_slippage=self._config.max_slippage,
            notional=dollars(leg, cut.quantity),
            ratio_after=cut.ratio_after,
        )


def dollars(leg: CuttableLeg, quantity: Decimal) -> float:
    """What so much of a position is worth in US dollars; an inverse contract is written in them."""
    size = float(quantity * leg.instrument.multiplier)
    return size if leg.instrument.kind is Kind.INVERSE else size * leg.mark


def _is_cuttable(leg: CuttableLeg, config: Deleverage) -> bool:
    kind, asset = leg.instrument.kind, leg.instrument.settle_asset
    is_counted = kind is Kind.INVERSE or (kind is Kind.LINEAR and asset in DOLLARS)
    return is_counted and leg.fact.quantity != 0 and is_allowed(config, leg.instrument.id)


def _joined(cuts: list[_Cut]) -> list[_Cut]:
    """Cuts of the same position that follow each other are one order."""
    joined: list[_Cut] = []
    for cut in cuts:
        if joined and joined[-1].leg.place == cut.leg.place:
            before = joined.pop()
            cut = cut._replace(held=before.held, quantity=before.quantity + cut.quantity)
        joined.append(cut)
    return joined


def _limit(leg: CuttableLeg, slippage: float, *, sells: bool) -> str:
    """Towards the mark where it is rounded, so that the cap holds."""
    price = Decimal(repr(leg.mark)) * (1 + Decimal(repr(slippage)) * (-1 if sells else 1))
    quantum = Decimal(1).scaleb(-leg.instrument.price_digits)
    return f"{price.quantize(quantum, ROUND_CEILING if sells else ROUND_FLOOR):f}"


def _quantum(leg: CuttableLeg) -> Decimal:
    return Decimal(1).scaleb(-leg.instrument.quantity_digits)


def _ratio(found: Requirement[float]) -> float | None:
    if found.equity > 0:
        return float(found.maintenance_margin / found.equity)
    return 0.0 if found.maintenance_margin <= 0 else None


def _side(text: str) -> Literal["", "long", "short"]:
    assert text in ("", "long", "short"), text
    return text  # type: ignore[return-value]
