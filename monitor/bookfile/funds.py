"""Funds behind the leveraged tokens of a book file, checked."""

from __future__ import annotations

import msgspec

from monitor.bookfile import format as parts
from monitor.bookfile.problem import BookFileError
from monitor.domain.identity import instrument_id, symbol_of
from monitor.domain.instrument import Fund

ABOVE_NOTHING = ("price", "issued", "net_asset_value", "lowest")


def fund_of(source: str, where: str, given: parts.Instrument, venue: parts.Venue) -> Fund | None:
    """The fund of an instrument; BookFileError where none can be so."""
    fund, at = given.fund, f"{where}.fund"
    if fund is None:
        return None
    if given.kind != "leveraged_token":
        raise BookFileError(source, at, f"{given.symbol} is {given.kind}: no share of a fund")
    for name in ABOVE_NOTHING:
        if getattr(fund, name) <= 0:
            raise BookFileError(source, f"{at}.{name}", f"{getattr(fund, name)} is not above 0")
    if not fund.basket:
        raise BookFileError(source, f"{at}.basket", "a fund without contracts has no leverage")
    if fund.highest <= fund.lowest:
        raise BookFileError(source, f"{at}.highest", f"{fund.highest} is not above {fund.lowest}")
    if fund.variance is not None and fund.variance < 0:
        raise BookFileError(source, f"{at}.variance", f"{fund.variance} is below 0")
    marks = {instrument.symbol: instrument.mark for instrument in venue.instruments}
    if fund.holds is not None and marks.get(fund.holds) is None:
        what = f"{fund.holds} has no mark among the instruments of {venue.venue}"
        raise BookFileError(source, f"{at}.holds", what)
    holds = None if fund.holds is None else instrument_id(venue.venue, fund.holds)
    return msgspec.structs.replace(msgspec.convert(fund, Fund, from_attributes=True), holds=holds)


def published(fund: Fund | None) -> parts.Fund | None:
    """The fund as a book file states it."""
    if fund is None:
        return None
    holds = None if fund.holds is None else symbol_of(fund.holds)
    return msgspec.structs.replace(msgspec.convert(fund, parts.Fund, from_attributes=True), holds=holds)
