"""Venues of a book file: what they define, and what is measured there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec

from monitor.book.definitions import unit_terms
from monitor.bookfile import format as parts
from monitor.bookfile.funds import fund_of
from monitor.bookfile.moment import RECEIVED_NS, SECOND_NS, moment_ns
from monitor.bookfile.problem import BookFileError
from monitor.domain.event import AssetPrice, Instruments, MarkPrice
from monitor.domain.identity import instrument_id
from monitor.domain.instrument import (
    BadSchedule,
    CollateralAsset,
    Instrument,
    Kind,
    MarginTier,
    OptionTerms,
    TierSchedule,
    checked_collateral,
    checked_schedule,
)
from monitor.margin.drift import scaled_by_deposits
from monitor.margin.dydx_terms import CAP_HOURS, funding_cap, liquidity_tier
from monitor.margin.portfolio_terms import Unsupported

Check = Callable[[TierSchedule], TierSchedule]
NO_TIERS = TierSchedule((), "the file gives none")


class VenueReader:
    """Venues into definitions and prices."""

    def __init__(self, source: str, wall_ns: int) -> None:
        self._source = source
        self._wall_ns = wall_ns
        self.marks: list[MarkPrice] = []
        self.prices: list[AssetPrice] = []

    def venue(self, place: int, venue: parts.Venue) -> Instruments:
        """What it defines; its prices are put aside."""
        where = f"venues[{place}]"
        instruments = tuple(
            self._instrument(f"{where}.instruments[{number}]", venue, instrument)
            for number, instrument in enumerate(venue.instruments)
        )
        assets = tuple(
            self._asset(f"{where}.assets[{number}]", venue.venue, asset)
            for number, asset in enumerate(venue.assets)
        )
        self._refuse_twice(f"{where}.instruments", [instrument.id for instrument in instruments])
        self._refuse_twice(f"{where}.assets", [asset.asset for asset in assets])
        return Instruments(venue.venue, instruments, assets, RECEIVED_NS)

    def _refuse_twice(self, where: str, names: Sequence[str]) -> None:
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise BookFileError(self._source, where, f"{twice[0]} stands there twice")

    def _instrument(self, where: str, venue: parts.Venue, given: parts.Instrument) -> Instrument:
        name = instrument_id(venue.venue, given.symbol)
        next_ns = moment_ns(given.next_funding)
        if given.mark is not None:
            measured = (given.mark, given.index_price, given.funding_rate, next_ns, self._wall_ns)
            beside = (given.forward, given.volatility)
            self.marks.append(MarkPrice(name, *measured, RECEIVED_NS, *beside))
        made = Instrument(
            id=name,
            kind=Kind(given.kind),
            underlying=given.underlying,
            settle_asset=given.settle_asset,
            multiplier=given.multiplier,
            taker_fee=given.taker_fee,
            price_digits=given.price_digits,
            quantity_digits=given.quantity_digits,
            tiers=self._instrument_tiers(where, given),
            index=given.index or (given.symbol if given.index_price is not None else ""),
            reads_funding=given.funding_rate is not None,
            option=None if given.option is None else _option(given.option),
            funding_hours=given.funding_hours,
            expiry_ns=moment_ns(given.expiry),
            settlement_hour=given.settlement_hour,
            unit=given.unit,
            gain_rate=given.gain_rate,
            gain_initial=given.gain_initial,
            gain_slope=given.gain_slope,
            ceiling=given.ceiling,
            funding_cap=self._funding_cap(where, given),
            funding_index=given.funding_index,
            most_impact=Decimal(0) if given.most_impact is None else given.most_impact,
            fund=fund_of(self._source, where, given, venue),
        )
        self._check_unit(f"{where}.unit", made)
        return made

    def _instrument_tiers(self, where: str, given: parts.Instrument) -> TierSchedule:
        tier = given.liquidity_tier
        if tier is None:
            return NO_TIERS if given.tiers is None else self._tiers(f"{where}.tiers", given.tiers)
        if given.tiers is not None:
            raise BookFileError(self._source, f"{where}.tiers", "stands beside liquidity_tier: leave one out")
        caps = (tier.lower_cap, tier.upper_cap)
        try:
            return liquidity_tier(tier.initial_fraction, tier.maintenance_share, tier.open_interest, *caps)
        except BadSchedule as error:
            what = str(error).rpartition(": tier 1: ")[2]
            raise BookFileError(self._source, f"{where}.liquidity_tier", what) from None

    def _funding_cap(self, where: str, given: parts.Instrument) -> Decimal | None:
        """Of one interval; a chain tells what caps the rate of eight hours."""
        tier = given.liquidity_tier
        if tier is None or tier.funding_factor is None:
            return given.funding_cap
        if given.funding_cap is not None:
            what = "stands beside liquidity_tier.funding_factor: leave one out"
            raise BookFileError(self._source, f"{where}.funding_cap", what)
        if not given.funding_hours:
            raise BookFileError(
                self._source, f"{where}.funding_hours", "missing; the cap is of that interval"
            )
        cap = funding_cap(tier.funding_factor, tier.initial_fraction, tier.maintenance_share)
        return cap * Decimal(given.funding_hours) / CAP_HOURS

    def _check_unit(self, where: str, instrument: Instrument) -> None:
        try:
            if instrument.unit:
                unit_terms(instrument)
        except Unsupported as error:
            raise BookFileError(self._source, where, str(error)) from None

    def _asset(self, where: str, venue: str, given: parts.Asset) -> CollateralAsset:
        if given.price is not None:
            buffers = (given.bid_buffer, given.ask_buffer)
            told = (given.price, *buffers, self._wall_ns, RECEIVED_NS, given.average)
            self.prices.append(AssetPrice(venue, given.asset, *told))
        liability = given.liability
        return CollateralAsset(
            venue=venue,
            asset=given.asset,
            underlying=given.underlying,
            digits=given.digits,
            tiers=self._collateral(where, given),
            liability=None if liability is None else self._tiers(f"{where}.liability", liability),
            category=given.category,
            category_rate=given.category_rate,
            category_initial=given.category_initial,
            has_average=given.average is not None,
        )

    def _collateral(self, where: str, given: parts.Asset) -> TierSchedule | None:
        if (given.scale_start is None) != (given.deposits is None):
            missing = "deposits" if given.deposits is None else "scale_start"
            raise BookFileError(self._source, f"{where}.{missing}", "missing; the other one stands there")
        if given.collateral is None:
            if given.deposits is not None:
                raise BookFileError(self._source, f"{where}.collateral", "missing; deposits lower its weight")
            return None
        schedule = self._tiers(f"{where}.collateral", given.collateral, checked_collateral)
        if given.scale_start is None or given.deposits is None:
            return schedule
        return scaled_by_deposits(schedule, given.scale_start, given.deposits)

    def _tiers(self, where: str, given: parts.Schedule, check: Check = checked_schedule) -> TierSchedule:
        try:
            return msgspec.structs.replace(check(_schedule(given, where)), source=given.source or where)
        except BadSchedule as error:
            raise BookFileError(self._source, where, str(error).removeprefix(f"{where}: ")) from None


def _schedule(given: parts.Schedule, source: str) -> TierSchedule:
    """The steps; a deduction that is absent is the one that makes them continuous."""
    steps: list[MarginTier] = []
    for step in given.steps:
        deduction = Decimal(0) if given.whole else step.deduction
        if deduction is None:
            before = steps[-1] if steps else None
            rise = (
                Decimal(0)
                if before is None
                else step.floor * (step.maintenance_rate - before.maintenance_rate)
            )
            deduction = rise + (Decimal(0) if before is None else before.deduction)
        initial = step.maintenance_rate if step.initial_rate is None else step.initial_rate
        steps.append(MarginTier(step.floor, step.maintenance_rate, initial, deduction, step.slope))
    return TierSchedule(tuple(steps), source, given.whole)


def _option(given: parts.Option) -> OptionTerms:
    return OptionTerms(
        strike=given.strike,
        is_call=given.type == "call",
        expiry_ns=round(given.expiry.timestamp()) * SECOND_NS,
        initial_rate=given.initial_rate,
        initial_floor=given.initial_floor,
        maintenance_rate=given.maintenance_rate,
        liquidation_rate=given.liquidation_rate,
    )
