"""Whether a pool of a book file holds all that its model reads. Asked before anything is computed."""

from __future__ import annotations

from monitor.bookfile import format as parts
from monitor.bookfile.problem import BookFileError
from monitor.margin.models import MODELS, Needs

OF_INSTRUMENTS = (
    (Needs.TIERS, "tiers"),
    (Needs.INDEX, "index_price"),
    (Needs.INDEX_OF_OPTIONS, "index_price"),
    (Needs.FUNDING, "funding_rate"),
    (Needs.UNIT, "unit"),
)
OF_POSITIONS = ((Needs.ENTRY, "entry_price"), (Needs.LEVERAGE, "leverage"))
OF_OPTIONS = ("option", "forward", "volatility")


def check_pool(source: str, where: str, pool: parts.Pool, venue: parts.Venue, at_venue: str) -> None:
    """Raises BookFileError with the path of the first thing that is missing or that nobody supports."""
    model = MODELS.get(pool.model)
    if model is None:
        raise BookFileError(
            source, f"{where}.model", f"{pool.model} is not supported; there are {', '.join(MODELS)}"
        )
    if model.is_told and pool.told is None:
        raise BookFileError(source, f"{where}.told", f"{pool.model} goes by what the venue tells: missing")
    instruments = {instrument.symbol: (n, instrument) for n, instrument in enumerate(venue.instruments)}
    for number, held in enumerate(pool.positions):
        at = f"{where}.positions[{number}]"
        if held.symbol not in instruments:
            raise BookFileError(
                source, f"{at}.symbol", f"{held.symbol} is not among the instruments of {venue.venue}"
            )
        place, instrument = instruments[held.symbol]
        if instrument.kind == "option" and not model.is_told and Needs.OPTION not in model.needs:
            raise BookFileError(
                source, f"{at}.symbol", f"{held.symbol} is an option; {pool.model} knows none"
            )
        _check_position(source, at, held, instrument, model.needs)
        _check_instrument(source, f"{at_venue}.instruments[{place}]", instrument, model.needs)
        _check_pairs(source, at, held, f"{at_venue}.instruments[{place}]", instrument)
    for number, balance in enumerate(pool.balances):
        _check_price(source, f"{where}.balances[{number}]", balance.asset, pool, venue)
    for held in pool.positions:
        settle = instruments[held.symbol][1].settle_asset
        _check_price(source, f"{where}.positions: settle asset", settle, pool, venue)


def _check_position(
    source: str, at: str, held: parts.Position, instrument: parts.Instrument, needs: Needs
) -> None:
    if instrument.kind == "option":
        return  # what was paid is in the wallet
    orders_only = _holds_orders(instrument, needs)
    if orders_only and held.quantity:
        raise BookFileError(
            source, f"{at}.quantity", f"the orders of {held.symbol}: what is held is a balance"
        )
    for need, field in OF_POSITIONS:
        if need is Needs.ENTRY and orders_only:
            continue
        if need in needs and getattr(held, field) is None:
            raise BookFileError(source, f"{at}.{field}", "missing; the model reads it")


def _check_instrument(source: str, at: str, instrument: parts.Instrument, needs: Needs) -> None:
    if instrument.mark is None:
        raise BookFileError(source, f"{at}.mark", f"{instrument.symbol} has no mark")
    spared = _spared(instrument, needs)
    for need, field in OF_INSTRUMENTS:
        if need in needs and need not in spared and getattr(instrument, field) in (None, ""):
            raise BookFileError(source, f"{at}.{field}", f"{instrument.symbol} has none; the model reads it")
    if instrument.kind == "option":
        for field in OF_OPTIONS:
            if getattr(instrument, field) is None:
                raise BookFileError(source, f"{at}.{field}", f"{instrument.symbol} is an option without it")


def _spared(instrument: parts.Instrument, needs: Needs) -> Needs:
    """What a model reads of other instruments, and not of this one."""
    if instrument.kind == "option":
        return Needs.TIERS if Needs.UNIT in needs else Needs.TIERS | Needs.INDEX
    if Needs.INDEX_OF_OPTIONS in needs:
        return Needs.INDEX_OF_OPTIONS
    if _holds_orders(instrument, needs) or instrument.liquidity_tier is not None:
        return Needs.TIERS
    return Needs.NOTHING


def _check_pairs(
    source: str, at: str, held: parts.Position, at_instrument: str, instrument: parts.Instrument
) -> None:
    """What says something only beside what its market tells."""
    if instrument.funding_index is not None and held.funding_index is None:
        raise BookFileError(source, f"{at}.funding_index", "missing; its market tells the one of now")
    if held.funding_index is not None and instrument.funding_index is None:
        what = "missing; a position tells the one that it was settled at"
        raise BookFileError(source, f"{at_instrument}.funding_index", what)
    if held.closing_impact is not None and instrument.most_impact is None:
        what = "missing; a position tells what closing it would cost"
        raise BookFileError(source, f"{at_instrument}.most_impact", what)


def _holds_orders(instrument: parts.Instrument, needs: Needs) -> bool:
    return instrument.kind == "spot" and Needs.ORDERS in needs


def _check_price(source: str, at: str, asset: str, pool: parts.Pool, venue: parts.Venue) -> None:
    if asset == pool.unit:
        return
    known = {held.asset: held for held in venue.assets}
    if asset not in known or known[asset].price is None:
        raise BookFileError(
            source, at, f"{asset} has no price in {pool.unit} among the assets of {venue.venue}"
        )
