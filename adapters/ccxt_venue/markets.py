"""What ccxt found to be traded, as instruments: only for showing, for the model reads no price or tier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from monitor.domain.event import Instruments
from monitor.domain.identity import InstrumentId, instrument_id
from monitor.domain.instrument import CollateralAsset, Instrument, Kind, TierSchedule

TICK_SIZE = 4  # ccxt's precision mode in which a precision is a step, not a count of digits
DIGITS = 8  # where the exchange tells no step
DOLLAR_DIGITS = 2
CADENCE_S = 5.0
NO_TIERS = TierSchedule((), "not read: the exchange's own ratio is taken")


def instruments(venue: str, markets: Mapping[str, Any], precision_mode: int, received_ns: int) -> Instruments:
    """Contracts that are not options, and the currencies that they settle in."""
    found = [market for market in markets.values() if market.get("contract") and not market.get("option")]
    settles = sorted({str(market["settle"]) for market in found if market.get("settle")})
    return Instruments(
        venue,
        tuple(_instrument(venue, market, precision_mode) for market in found if market.get("settle")),
        tuple(CollateralAsset(venue, settle, "", _digits_of(settle)) for settle in [*settles, "USD"]),
        received_ns,
    )


def instrument_of(venue: str, market: Mapping[str, Any]) -> InstrumentId:
    """By the venue's own symbol; where that is only a number (Hyperliquid) by the name that people know."""
    own = str(market["id"])
    name = str(market.get("baseName") or market["symbol"]) if own.isdigit() else own
    return instrument_id(venue, name)


def symbols_of(venue: str, markets: Mapping[str, Any], wanted: Iterable[InstrumentId]) -> list[str]:
    """ccxt's symbols of these instruments, as far as they are traded."""
    mine = frozenset(wanted)
    return sorted(
        symbol
        for symbol, market in markets.items()
        if market.get("contract") and instrument_of(venue, market) in mine
    )


def price(value: object) -> float | None:
    """A price of ccxt's: finite and above zero, else None."""
    return float(value) if isinstance(value, int | float) and 0 < value < 1e18 else None


def _instrument(venue: str, market: Mapping[str, Any], precision_mode: int) -> Instrument:
    steps = market.get("precision") or {}
    is_step = precision_mode == TICK_SIZE
    return Instrument(
        id=instrument_of(venue, market),
        kind=Kind.INVERSE if market.get("inverse") else Kind.LINEAR,
        underlying=str(market["base"]),
        settle_asset=str(market["settle"]),
        multiplier=_decimal(market.get("contractSize"), Decimal(1)),
        taker_fee=_decimal(market.get("taker"), Decimal(0)),
        price_digits=_digits(steps.get("price")) if is_step else DIGITS,
        quantity_digits=_digits(steps.get("amount")) if is_step else DIGITS,
        tiers=NO_TIERS,
        mark_cadence_s=CADENCE_S,
    )


def _decimal(value: object, otherwise: Decimal) -> Decimal:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return otherwise
    return found if found.is_finite() else otherwise


def _digits(step: object) -> int:
    found = _decimal(step, Decimal(0))
    if found <= 0:
        return DIGITS
    exponent = found.normalize().as_tuple().exponent
    return max(0, -int(exponent))


def _digits_of(currency: str) -> int:
    return DOLLAR_DIGITS if "USD" in currency else DIGITS
