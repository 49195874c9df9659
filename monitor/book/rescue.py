"""What brings a pool back, each way by itself and the cheapest first: collateral from another account of the
desk or from outside, a smaller position, a hedge.

Every ratio is the model's own after the rounded change. What a trade costs is its taker fee, for no order
book is read: spread and depth come on top of it, and are told as not known. Collateral costs what its way
does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from monitor.book.assessor import Assessor
from monitor.book.giving import ratio_of_giver
from monitor.book.hedging import Hedge, Hedger
from monitor.book.placing import PlacedPool, Placing
from monitor.book.ratio import ratio_of
from monitor.book.rounding import rounded_up
from monitor.book.solve import CUT, TOP_UP, Change, Survey
from monitor.book.what_if import Limits, ratio_within, reduced
from monitor.book.worth import price_of_line, trade_worth
from monitor.domain.assessment import RescueOption, TimeLeft, TransferRoute
from monitor.domain.instrument import Instrument
from monitor.margin.rows import Book, Requirement

ASSET_DIGITS = 2  # of an amount to add where nothing better is known
MOST_CUTS = 3
EVERY = "every position"


class Wanted(NamedTuple):
    """What a rescue is to reach, and what there is for it."""

    limits: Limits
    left: TimeLeft | None  # at the present speed
    routes: tuple[TransferRoute, ...]  # into the pool's account


class _Offer(NamedTuple):
    change: Change
    option: RescueOption  # what the model says of it is not known yet


class Rescuer:
    """The ways back of pools as they are now."""

    def __init__(self, placing: Placing, assessor: Assessor) -> None:
        self._placing = placing
        self._assessor = assessor
        self._hedger = Hedger(placing, assessor)

    def ways(
        self, pool: PlacedPool, survey: Survey, book: Book[float], wanted: Wanted
    ) -> tuple[RescueOption, ...]:
        """The cheapest first; what may arrive too late, and what nobody knows the cost of, last."""
        adds = self._adds(pool, survey, book, wanted)
        if not adds and all(math.isnan(cut) for cut in survey.legs.cut):
            return ()  # nothing is wanted, or nothing is enough
        offers = [*self._moves(pool, adds, wanted, book), *adds, *self._cuts(pool, survey, book)]
        solver = self._assessor.solver
        before = solver.assess(pool.row, book)
        after = solver.after([offer.change for offer in offers], pool.row, book)
        told = [_assessed(offer.option, before, now) for offer, now in zip(offers, after, strict=True)]
        if not any(offer.change.kind == CUT for offer in offers):
            told += self._reduce(pool, book, wanted.limits, before)
        hedge = self._hedger.hedge_of(pool, book, wanted.limits)
        if hedge is not None:
            told.append(_assessed(_hedged(hedge), before, hedge.after))
        return ranked(option for option in told if option is not None)

    def _adds(self, pool: PlacedPool, survey: Survey, book: Book[float], wanted: Wanted) -> list[_Offer]:
        """From outside. How long that takes nobody told: where each way that is known is too long, so is
        this."""
        offers = []
        for line, asset in enumerate(pool.assets):
            if not math.isnan(survey.adds[line]):
                digits = self._asset_digits(pool.venue, asset)
                amount = rounded_up(float(survey.adds[line]), digits)
                worth = amount * price_of_line(pool.row, line, book)
                known = [_is_late(route, wanted.left) for route in wanted.routes if route.asset == asset]
                late = bool(known) and all(known)
                option = RescueOption(
                    "add", asset, amount, None, math.nan, digits, cost=0.0, worth=worth, is_late=late
                )
                offers.append(_Offer(Change(TOP_UP, line, amount), option))
        return offers

    def _moves(
        self, pool: PlacedPool, adds: Iterable[_Offer], wanted: Wanted, book: Book[float]
    ) -> list[_Offer]:
        """What other accounts of the desk can spare and stay below their own warning."""
        offers = []
        for add in adds:
            for route in wanted.routes:
                giver = None
                if route.asset == add.option.target:
                    amount = add.option.amount + (route.cost or 0.0)  # what is sent pays for its way
                    giver = ratio_of_giver(route, pool.desk, amount, self._placing, self._assessor)
                if giver is not None:
                    price = price_of_line(pool.row, add.change.target, book)
                    offers.append(_Offer(add.change, _moved(add.option, route, giver, price, wanted.left)))
        return offers

    def _cuts(self, pool: PlacedPool, survey: Survey, book: Book[float]) -> list[_Offer]:
        """The smallest ones. Of an isolated position only all of it: a venue gives margin back in proportion
        to what is closed, so that a part leaves the ratio where it was."""
        if pool.fact.is_isolated:
            return [self._cut(pool, place, 1.0, book) for place in range(len(pool.legs))]
        cuts = [float(found) for found in survey.legs.cut[: len(pool.legs)]]
        offers = [self._cut(pool, place, cut, book) for place, cut in enumerate(cuts) if not math.isnan(cut)]
        return sorted(offers, key=lambda offer: offer.option.worth or 0.0)[:MOST_CUTS]

    def _cut(self, pool: PlacedPool, place: int, fraction: float, book: Book[float]) -> _Offer:
        leg = pool.legs[place]
        instrument = self._placing.definitions.instruments[leg.instrument]
        held = abs(float(leg.quantity))
        amount = min(rounded_up(held * fraction, instrument.quantity_digits), held)
        target = f"{leg.instrument}/{leg.side}" if leg.side else leg.instrument
        worth = trade_worth(pool, instrument, amount, self._placing, book)
        option = RescueOption(
            "cut", target, amount, amount / held, math.nan, instrument.quantity_digits, worth=worth
        )
        return _Offer(Change(CUT, place, amount / held), _traded(option, instrument))

    def _reduce(
        self, pool: PlacedPool, book: Book[float], limits: Limits, before: Requirement[float]
    ) -> list[RescueOption | None]:
        """Every position by the same share, where no single one is enough: in whole per cent."""
        solver = self._assessor.solver
        if len(pool.legs) < 2 or pool.fact.is_isolated:
            return []
        least, enough = 0, 100
        if ratio_within(solver, reduced(pool.row, 1.0, book), limits) is None:
            return []
        while enough - least > 1:
            middle = (least + enough) // 2
            if ratio_within(solver, reduced(pool.row, middle / 100, book), limits) is None:
                least = middle
            else:
                enough = middle
        after = solver.assess(0, reduced(pool.row, enough / 100, book))
        return [_assessed(self._reduction(pool, enough / 100, book), before, after)]

    def _reduction(self, pool: PlacedPool, fraction: float, book: Book[float]) -> RescueOption:
        worth = cost = 0.0
        for leg in pool.legs:
            instrument = self._placing.definitions.instruments[leg.instrument]
            size = fraction * abs(float(leg.quantity))
            traded = trade_worth(pool, instrument, size, self._placing, book)
            worth += traded
            cost += traded * float(instrument.taker_fee)
        return RescueOption("reduce", EVERY, worth, fraction, math.nan, 2, cost or None, worth)

    def _asset_digits(self, venue: str, asset: str) -> int:
        definition = self._placing.definitions.collateral.get((venue, asset))
        return ASSET_DIGITS if definition is None else definition.digits


def _hedged(hedge: Hedge) -> RescueOption:
    instrument = hedge.instrument
    digits = instrument.quantity_digits
    option = RescueOption("hedge", instrument.id, hedge.quantity, None, math.nan, digits, worth=hedge.worth)
    return _traded(option, instrument)


def _traded(option: RescueOption, instrument: Instrument) -> RescueOption:
    """With the taker fee of its trade; what nobody told of the fee is not known."""
    worth, fee = option.worth or 0.0, float(instrument.taker_fee)
    return msgspec.structs.replace(option, cost=worth * fee if fee > 0 else None)


def _moved(
    add: RescueOption, route: TransferRoute, giver: float, price: float, left: TimeLeft | None
) -> RescueOption:
    return msgspec.structs.replace(
        add,
        action="move",
        cost=None if route.cost is None else route.cost * price,
        from_account=route.from_account,
        takes_s=route.takes_s,
        is_late=_is_late(route, left),
        giver_ratio_after=giver,
    )


def _is_late(route: TransferRoute, left: TimeLeft | None) -> bool:
    return left is not None and not route.takes_s < 60 * left.minutes


def _assessed(
    option: RescueOption, before: Requirement[float], after: Requirement[float]
) -> RescueOption | None:
    """With what the model says after it; None where it leaves no ratio."""
    ratio = ratio_of(after.maintenance_margin, after.equity)
    if ratio is None:
        return None
    return msgspec.structs.replace(
        option,
        ratio_after=ratio,
        freed=float(before.maintenance_margin - after.maintenance_margin),
        equity_gained=float(after.equity - before.equity),
    )


def ranked(options: Iterable[RescueOption]) -> tuple[RescueOption, ...]:
    """What arrives in time over what may not, a known cost over an unknown, then the cheaper, then what moves
    less; what is there already over what must come from outside."""
    return tuple(sorted(options, key=_rank))


def _rank(option: RescueOption) -> tuple[bool, bool, float, bool, float, str, str]:
    is_unknown = option.cost is None
    cost, worth = option.cost or 0.0, option.worth or 0.0
    return option.is_late, is_unknown, cost, option.action != "move", worth, option.action, option.target
