"""From exchangeInfo, leverageBracket and assetIndex to instruments and collateral. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import TypeVar

import msgspec

from adapters.binance_usdm.answers import AssetIndex, Bracket, Symbol, SymbolBrackets, SymbolName
from adapters.binance_usdm.layout import VENUE
from adapters.numbers import is_sane
from monitor.domain.identity import instrument_id
from monitor.domain.instrument import (
    BadSchedule,
    CollateralAsset,
    Instrument,
    Kind,
    MarginTier,
    TierSchedule,
    checked_schedule,
)

T = TypeVar("T")
TAKER_FEE = Decimal("0.0005")  # regular user; for the cost of a cut, not for margin
COLLATERAL_DIGITS = 8
ASSET_INDEX_CADENCE_S = 1.0  # !assetIndex@arr
# Collateral that follows a currency and no coin: a uniform move of a coin leaves it where it is.
STABLE = {"USDT", "USDC", "FDUSD", "BUSD", "BFUSD", "RWUSD", "LDUSDT", "BNFCR", "USD1", "EURI"}


class Contracts(msgspec.Struct, frozen=True):
    """What could be used, and what not with the reason, by name."""

    instruments: tuple[Instrument, ...]
    refused: dict[str, str]
    own: tuple[str, ...]  # symbols whose brackets are this account's own


def contracts(symbols: Iterable[msgspec.Raw], brackets: Iterable[msgspec.Raw]) -> Contracts:
    """Instruments of every symbol whose entries can be read and believed; the others are refused by name."""
    refused: dict[str, str] = {}
    by_symbol = {found.symbol: found for found in _read(brackets, SymbolBrackets, refused)}
    instruments: list[Instrument] = []
    for symbol in _read(symbols, Symbol, refused):
        found = by_symbol.get(symbol.symbol)
        if found is None:
            refused.setdefault(symbol.symbol, f"no brackets ({symbol.status})")
            continue
        try:
            instruments.append(_instrument(symbol, found))
        except BadSchedule as bad:
            refused[symbol.symbol] = str(bad)
    own = tuple(sorted(name for name, found in by_symbol.items() if found.notionalCoef not in {None, 1}))
    return Contracts(tuple(instruments), refused, own)


def collateral_assets(index: Iterable[AssetIndex]) -> tuple[CollateralAsset, ...]:
    """The assets that count in multi-assets mode."""
    names = (entry.symbol.removesuffix("USD") for entry in index if entry.symbol.endswith("USD"))
    return tuple(
        CollateralAsset(
            venue=VENUE,
            asset=name,
            underlying="" if name in STABLE else name,
            digits=COLLATERAL_DIGITS,
            price_cadence_s=ASSET_INDEX_CADENCE_S,
        )
        for name in names
        if name
    )


def _read(entries: Iterable[msgspec.Raw], shape: type[T], refused: dict[str, str]) -> Iterator[T]:
    """The entries that have the shape; the others are refused under their name."""
    decoder = msgspec.json.Decoder(shape)
    for entry in entries:
        try:
            yield decoder.decode(entry)
        except (msgspec.ValidationError, UnicodeError) as bad:
            refused[_name(entry)] = f"{shape.__name__} not understood: {bad}"


def _name(entry: msgspec.Raw) -> str:
    try:
        return msgspec.json.decode(entry, type=SymbolName).symbol
    except (msgspec.DecodeError, UnicodeError):
        return ""


def _instrument(symbol: Symbol, brackets: SymbolBrackets) -> Instrument:
    ticks = {found.filterType: found for found in symbol.filters}
    price_filter, lot_size = ticks.get("PRICE_FILTER"), ticks.get("LOT_SIZE")
    tick = price_filter.tickSize if price_filter is not None else None
    step = lot_size.stepSize if lot_size is not None else None
    return Instrument(
        id=instrument_id(VENUE, symbol.symbol),
        kind=Kind.LINEAR,
        underlying=symbol.baseAsset,
        settle_asset=symbol.marginAsset,
        multiplier=Decimal(1),
        taker_fee=TAKER_FEE,
        price_digits=symbol.pricePrecision if tick is None else _digits(tick),
        quantity_digits=symbol.quantityPrecision if step is None else _digits(step),
        tiers=_schedule(brackets),
    )


def _schedule(brackets: SymbolBrackets) -> TierSchedule:
    source = f"{VENUE} leverageBracket {brackets.symbol}"
    rows = sorted(brackets.brackets, key=lambda row: row.notionalFloor)
    if not all(_is_sane(row) for row in rows):
        raise BadSchedule(f"{source}: a number that no bracket can have")
    tiers = tuple(
        MarginTier(row.notionalFloor, row.maintMarginRatio, 1 / row.initialLeverage, row.cum) for row in rows
    )
    return checked_schedule(TierSchedule(tiers, source))


def _is_sane(row: Bracket) -> bool:
    numbers = (row.notionalFloor, row.maintMarginRatio, row.initialLeverage, row.cum)
    return all(is_sane(number) for number in numbers) and row.initialLeverage > 0


def _digits(step: Decimal) -> int:
    """Decimals of a tick or step: 0.10 and 0.1 have one."""
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) and is_sane(step) else 0
