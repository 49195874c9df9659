"""From a book file to the events that a daemon would have seen; what is wrong is told with its path.

Nothing is guessed and nothing is half-read: a field that nobody knows, a mark that is missing, tiers that no
venue can mean, or a model that is not there end in one `BookFileError`, and nothing is computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import msgspec

from monitor.book.definitions import unit_terms
from monitor.bookfile import format as parts
from monitor.bookfile.needs import check_pool
from monitor.bookfile.problem import BookFileError
from monitor.domain.assessment import VenueReported
from monitor.domain.event import (
    AccountSnapshot,
    AssetPrice,
    BalanceFact,
    Instruments,
    MarkPrice,
    PoolFact,
    PositionFact,
    ToldMargin,
)
from monitor.domain.identity import AccountId, account_id, instrument_id
from monitor.domain.instrument import (
    BadSchedule,
    CollateralAsset,
    Instrument,
    Kind,
    MarginTier,
    OptionTerms,
    TierSchedule,
    checked_schedule,
)
from monitor.margin.portfolio_terms import Unsupported

SECOND_NS = 1_000_000_000
RECEIVED_NS = 3_600 * SECOND_NS  # any moment of our own clock; nothing in a file grows old
NO_TIERS = TierSchedule((), "the file gives none")


class Facts(NamedTuple):
    """A book as events; `wall_ns` is its moment."""

    wall_ns: int
    definitions: tuple[Instruments, ...]
    marks: tuple[MarkPrice, ...]
    prices: tuple[AssetPrice, ...]
    snapshots: tuple[AccountSnapshot, ...]
    desks: dict[AccountId, str]


def read_book(path: Path) -> parts.BookFile:
    """The file's text, decoded; BookFileError names what does not fit."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise BookFileError(str(path), "", error.strerror or "can't be read") from None
    try:
        return msgspec.json.decode(text, type=parts.BookFile)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `")
        raise BookFileError(str(path), where.rstrip("`").removeprefix("$").lstrip("."), what) from None
    except msgspec.DecodeError as error:
        raise BookFileError(str(path), "", f"not JSON: {error}") from None


def facts_of(book: parts.BookFile, source: str) -> Facts:
    """The events, after every check; BookFileError otherwise."""
    if book.as_of.tzinfo is None:
        raise BookFileError(source, "as_of", 'a time needs its zone, e.g. "2026-11-23T06:00:00Z"')
    wall_ns = round(book.as_of.timestamp()) * SECOND_NS
    reader = _Reader(source, wall_ns)
    definitions = tuple(reader.venue(place, venue) for place, venue in enumerate(book.venues))
    by_name = {venue.venue: (venue, f"venues[{place}]") for place, venue in enumerate(book.venues)}
    if len(by_name) < len(book.venues):
        raise BookFileError(source, "venues", "a venue stands there twice")
    for place, account in enumerate(book.accounts):
        if account.venue not in by_name:
            raise BookFileError(
                source, f"accounts[{place}].venue", f"{account.venue} is not among the venues"
            )
        _check_legs(source, f"accounts[{place}]", account)
        for number, pool in enumerate(account.pools):
            check_pool(source, f"accounts[{place}].pools[{number}]", pool, *by_name[account.venue])
    snapshots = tuple(_snapshot(account, wall_ns) for account in book.accounts)
    if len({snapshot.account for snapshot in snapshots}) < len(snapshots):
        raise BookFileError(source, "accounts", "an account stands there twice")
    desks = {account_id(account.venue, account.account): account.desk for account in book.accounts}
    return Facts(wall_ns, definitions, tuple(reader.marks), tuple(reader.prices), snapshots, desks)


def _check_legs(source: str, where: str, account: parts.Account) -> None:
    """A leg is known by its symbol and side in an account: one that stands twice would be read once."""
    seen = set()
    for number, pool in enumerate(account.pools):
        for place, held in enumerate(pool.positions):
            if (held.symbol, held.side) in seen:
                at = f"{where}.pools[{number}].positions[{place}]"
                what = "twice on one side in this account: give the other an account of its own"
                raise BookFileError(source, at, f"{held.symbol} stands there {what}")
            seen.add((held.symbol, held.side))


class _Reader:
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
            self._instrument(f"{where}.instruments[{number}]", venue.venue, instrument)
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

    def _instrument(self, where: str, venue: str, given: parts.Instrument) -> Instrument:
        name = instrument_id(venue, given.symbol)
        next_ns = _moment_ns(given.next_funding)
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
            tiers=NO_TIERS if given.tiers is None else self._tiers(f"{where}.tiers", given.tiers),
            index=given.index or (given.symbol if given.index_price is not None else ""),
            reads_funding=given.funding_rate is not None,
            option=None if given.option is None else _option(given.option),
            funding_hours=given.funding_hours,
            expiry_ns=_moment_ns(given.expiry),
            unit=given.unit,
            gain_rate=given.gain_rate,
            gain_initial=given.gain_initial,
            gain_slope=given.gain_slope,
            ceiling=given.ceiling,
        )
        self._check_unit(f"{where}.unit", made)
        return made

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
        collateral, liability = given.collateral, given.liability
        return CollateralAsset(
            venue=venue,
            asset=given.asset,
            underlying=given.underlying,
            digits=given.digits,
            tiers=None if collateral is None else _schedule(collateral, f"{where}.collateral"),
            liability=None if liability is None else self._tiers(f"{where}.liability", liability),
            category=given.category,
            category_rate=given.category_rate,
            category_initial=given.category_initial,
            has_average=given.average is not None,
        )

    def _tiers(self, where: str, given: parts.Schedule) -> TierSchedule:
        try:
            checked = checked_schedule(_schedule(given, where))
            return msgspec.structs.replace(checked, source=given.source or where)
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


def _moment_ns(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp()) * SECOND_NS


def _option(given: parts.Option) -> OptionTerms:
    return OptionTerms(
        strike=given.strike,
        is_call=given.type == "call",
        expiry_ns=round(given.expiry.timestamp()) * SECOND_NS,
        initial_rate=given.initial_rate,
        initial_floor=given.initial_floor,
        maintenance_rate=given.maintenance_rate,
    )


def _snapshot(account: parts.Account, wall_ns: int) -> AccountSnapshot:
    return AccountSnapshot(
        account=account_id(account.venue, account.account),
        pools=tuple(_pool(pool) for pool in account.pools),
        balances=tuple(
            BalanceFact(pool.pool, b.asset, b.wallet, b.borrowed, b.order_loss, b.collateral)
            for pool in account.pools
            for b in pool.balances
        ),
        positions=tuple(
            _position(account.venue, pool.pool, held) for pool in account.pools for held in pool.positions
        ),
        marks={},
        venue_ns=wall_ns,
        received_ns=RECEIVED_NS,
        confirmed=True,
    )


def _pool(pool: parts.Pool) -> PoolFact:
    told = None if pool.told is None else ToldMargin(pool.told.equity, pool.told.maintenance_margin)
    reported = None
    if pool.reported is not None:
        reported = msgspec.convert(pool.reported, VenueReported, from_attributes=True)
    return PoolFact(
        pool=pool.pool,
        model=pool.model,
        unit=pool.unit,
        reported=reported,
        told=told,
        is_isolated=pool.is_isolated,
        category=pool.category,
        threshold=pool.threshold,
    )


def _position(venue: str, pool: str, held: parts.Position) -> PositionFact:
    return PositionFact(
        pool=pool,
        instrument=instrument_id(venue, held.symbol),
        side=held.side,
        quantity=held.quantity,
        entry_price=Decimal(0) if held.entry_price is None else held.entry_price,
        leverage=held.leverage,
        bids=held.bids,
        asks=held.asks,
    )
