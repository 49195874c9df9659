"""What an exchange itself says of a margin pool, before it is put on our scale.

Each exchange's file in `exchanges/` answers a list of these from raw answers. ccxt's unified
`maintenanceMargin`, `marginRatio` and `collateral` are never read: for Binance the first drops the bracket's
deduction, and the last is derived backwards from the liquidation price.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from adapters.numbers import BadNumber, fact
from adapters.venue import VenueUnavailable
from monitor.domain.assessment import VenueReported
from monitor.domain.event import PoolFact, ToldMargin

MODEL = "venue_ratio"
Json = Mapping[str, Any]  # as ccxt hands `info` on; decoded by `shaped` before anything is read from it
Figure = str | int | float | None  # a number as venues write it: text, number, empty or missing
T = TypeVar("T")


class Told(msgspec.Struct, frozen=True):
    """One pool in the exchange's own words and scale. `ours` is its ratio on our scale: 1 is liquidation."""

    pool: str
    unit: str
    equity: Decimal | None = None
    maintenance: Decimal | None = None
    initial: Decimal | None = None
    ratio: Decimal | None = None  # as published
    ratio_name: str = ""
    ours: Decimal | None = None
    untold: str = ""  # what the exchange does not tell, when that is so
    wallet: Decimal | None = (
        None  # money without profit, where it is told: by it a book sees that all is gone
    )


class Answers(msgspec.Struct, frozen=True):
    """The raw answers of one reading: balances and extra calls in the order of the entry, all positions."""

    balances: tuple[Any, ...]
    positions: tuple[Json, ...]
    extras: tuple[Any, ...] = ()


def shaped(raw: object, shape: type[T], where: str) -> T:
    """The raw answer as `shape`; raises VenueUnavailable, for what is not understood is not known."""
    try:
        return msgspec.convert(raw, shape, strict=False)
    except msgspec.ValidationError as error:
        words = str(error)
    raise VenueUnavailable(f"{where}: answer not understood: {words[:120]}")


def number(value: Figure) -> Decimal | None:
    """A figure; None where it is empty or missing. Raises VenueUnavailable for what no venue can mean."""
    if value is None or value == "":
        return None
    try:
        return fact(str(value))
    except BadNumber as bad:
        words = str(bad)
    raise VenueUnavailable(f"a figure of the exchange is {words}")


def total(values: list[Decimal | None]) -> Decimal | None:
    """The sum; None when one of them was not told."""
    told = [value for value in values if value is not None]
    return sum(told, Decimal(0)) if len(told) == len(values) else None


def quotient(maintenance: Decimal | None, equity: Decimal | None) -> Decimal | None:
    """The ratio of two told figures where the exchange writes none; None where there is none to write."""
    if maintenance is None or equity is None or equity <= 0:
        return None
    return maintenance / equity


def inverted(ratio: Decimal | None) -> Decimal | None:
    """A ratio of which higher is safer, on our scale; None where it can't be turned."""
    return None if ratio is None or ratio <= 0 else 1 / ratio


def pool_fact(told: Told, prices: dict[str, float]) -> PoolFact:
    """The pool as the book takes it; `prices` are the exchange's own liquidation prices by position."""
    margin = scaled(told)
    untold = "" if margin is not None else told.untold or missing(told)
    return PoolFact(told.pool, MODEL, told.unit, _reported(told, prices), margin, untold)


def scaled(told: Told) -> ToldMargin | None:
    """Equity and requirement so that liquidation is equality, the worse of both where ratio and requirement
    are told; None where they are not."""
    if told.untold or told.equity is None:
        return None
    required = [] if told.maintenance is None else [told.maintenance]
    if told.ours is not None and told.equity > 0:
        required.append(told.ours * told.equity)
    return ToldMargin(told.equity, max(required)) if required else None


def missing(told: Told) -> str:
    """Which figure there is not."""
    if told.equity is None:
        return "the exchange does not tell its equity"
    if told.ratio is not None:
        return "the exchange tells no maintenance margin, and a ratio says nothing at an equity of 0 or less"
    return f"the exchange does not tell its {told.ratio_name or 'margin ratio'}"


def _reported(told: Told, prices: dict[str, float]) -> VenueReported:
    return VenueReported(
        equity=_float(told.equity),
        initial_margin=_float(told.initial),
        maintenance_margin=_float(told.maintenance),
        ratio=_float(told.ratio),
        ratio_name=told.ratio_name,
        liquidation_prices=prices,
    )


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
