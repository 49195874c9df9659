"""What instruments and assets are, as rows of the tables: written when a venue defines them, and again when
it changes its mind.

An instrument may read more than its mark: an index, the rate of the next funding, and of an option the
forward, the volatility and the time left. Each is a row of quotes of its own, filled by the event that
brings the mark.
"""

from __future__ import annotations

from typing import NamedTuple

from monitor.book.columns import Columns
from monitor.book.quotes import Quotes, price_name
from monitor.domain.event import AssetPrice, MarkPrice
from monitor.domain.identity import InstrumentId, venue_of
from monitor.domain.instrument import CollateralAsset, Instrument, Kind, OptionTerms, TierSchedule
from monitor.margin import rows
from monitor.margin.portfolio_terms import UnitTerms, deribit_terms, okx_terms, unit_rows

ASSET_CADENCE_S = 3.0
DERIBIT = "deribit"
YEAR_NS = 365 * 86_400 * 1_000_000_000  # of 365 days, as the venues count
AssetKey = tuple[str, str, str]  # venue, asset, the unit that it is counted in


class Beside(NamedTuple):
    """Rows of quotes that an instrument's events fill beside its mark; None where it has none."""

    index_price: int | None = None
    funding: int | None = None
    forward: int | None = None
    volatility: int | None = None


class Funding(NamedTuple):
    """The rate of the next funding, and when it is (wall clock) where the venue says so."""

    rate: float
    next_ns: int | None


class Definitions:
    """Rows of instruments and assets, by what they are called."""

    def __init__(self, quotes: Quotes, columns: Columns) -> None:
        self._quotes = quotes
        self._columns = columns
        self.instruments: dict[InstrumentId, Instrument] = {}
        self.collateral: dict[tuple[str, str], CollateralAsset] = {}
        self.underlyings: dict[str, int] = {}
        self._instrument_rows: dict[InstrumentId, int] = {}
        self._option_rows: dict[InstrumentId, int] = {}
        self._unit_rows: dict[tuple[str, str, str], int] = {}
        self._asset_rows: dict[AssetKey, int] = {}
        self._asset_facts: dict[tuple[str, str], tuple[float, float]] = {}
        self._beside: dict[int, Beside] = {}  # by the row of the mark
        self.funding: dict[InstrumentId, Funding] = {}  # as last told
        self._expiries: dict[int, int] = {}  # by the row of the years: when it expires

    def define(self, instrument: Instrument) -> None:
        """Takes an instrument in; replaces the one of its id."""
        if self.instruments.get(instrument.id) != instrument:
            self.instruments[instrument.id] = instrument
            self._write_instrument(instrument)

    def define_asset(self, asset: CollateralAsset) -> list[int]:
        """Takes an asset in; answers the rows of quotes whose readers see it differently now."""
        if self.collateral.get((asset.venue, asset.asset)) == asset:
            return []
        self.collateral[asset.venue, asset.asset] = asset
        return self._rewrite_asset(asset.venue, asset.asset)

    def apply_buffers(self, event: AssetPrice) -> list[int]:
        """Writes changed haircuts through to the assets; answers as `define_asset`."""
        buffers = (event.bid_buffer, event.ask_buffer)
        if self._asset_facts.get((event.venue, event.asset)) == buffers:
            return []
        self._asset_facts[event.venue, event.asset] = buffers
        return self._rewrite_asset(event.venue, event.asset)

    def buffers(self, venue: str, asset: str) -> tuple[float, float]:
        """Haircut and surcharge of an asset as last told; none where nobody told."""
        return self._asset_facts.get((venue, asset), (0.0, 0.0))

    def instrument_row(self, instrument: InstrumentId) -> int | None:
        """Its row; None while it is not defined."""
        return self._instrument_rows.get(instrument)

    def asset_row(self, venue: str, asset: str, unit: str) -> int:
        """Its row as it counts in a pool of this unit, made on first use."""
        key = (venue, asset, unit)
        row = self._asset_rows.get(key)
        if row is None:
            row = self._asset_rows[key] = len(self._asset_rows)
            self._write_asset(row, key)
        return row

    def asset_quote(self, venue: str, asset: str) -> int:
        """The row of quotes of an asset's price."""
        definition = self.collateral.get((venue, asset))
        cadence_s = ASSET_CADENCE_S if definition is None else definition.price_cadence_s
        return self._quotes.row(venue, price_name(venue, asset), cadence_s, is_mark=False)

    def average_quote(self, venue: str, asset: str) -> int | None:
        """The row of quotes of its slow average, where its venue tells one."""
        definition = self.collateral.get((venue, asset))
        if definition is None or not definition.has_average:
            return None
        return self._quotes.row(venue, f"{venue}:{asset} average", definition.price_cadence_s, is_mark=False)

    def reads(self, row: int) -> frozenset[int]:
        """All rows of quotes that a position in this instrument row is assessed by."""
        instrument = self._columns.instruments[row]
        read = {
            int(instrument.mark),
            int(instrument.index),
            int(instrument.funding),
            int(instrument.years),
        }
        if instrument.unit >= 0:
            read.add(int(self._columns.units[instrument.unit].index))
        if instrument.option >= 0:
            option = self._columns.options[instrument.option]
            read |= {int(option.forward), int(option.volatility), int(option.years)}
        return frozenset(read)

    def apply_beside(self, row: int, event: MarkPrice, wall_received_ns: int) -> list[int]:
        """Writes what came beside a mark; answers the rows written."""
        if event.funding_rate is not None:
            rate = self._capped(event.instrument, event.funding_rate)
            self.funding[event.instrument] = Funding(rate, event.next_funding_ns)
        beside = self._beside.get(row)
        if beside is None:
            return []
        values = (event.index, event.funding_rate, event.forward, event.volatility)
        written = [
            (quote, value)
            for quote, value in zip(beside, values, strict=True)
            if quote is not None and value is not None
        ]
        for quote, value in written:
            self._quotes.apply_value(quote, value, event.venue_ns, event.received_ns, wall_received_ns)
        return [quote for quote, _ in written]

    def _capped(self, name: InstrumentId, rate: float) -> float:
        """A venue may forecast more than it will charge."""
        definition = self.instruments.get(name)
        if definition is None or definition.funding_cap is None:
            return rate
        cap = float(definition.funding_cap)
        return min(max(rate, -cap), cap)

    def age_options(self, wall_ns: int) -> None:
        """Writes the time that is left to each expiry; an expired option has none left."""
        for row, expiry_ns in self._expiries.items():
            self._quotes.fix(row, max(0, expiry_ns - wall_ns) / YEAR_NS)

    def _write_instrument(self, instrument: Instrument) -> None:
        row = self._instrument_rows.setdefault(instrument.id, len(self._instrument_rows))
        venue = venue_of(instrument.id)
        mark = self._quotes.row(venue, instrument.id, instrument.mark_cadence_s)
        beside = self._quotes_beside(venue, instrument)
        if any(quote is not None for quote in beside):
            self._beside[mark] = beside
        written = rows.Instrument(
            mark=mark,
            underlying=self._underlying(instrument.underlying),
            multiplier=float(instrument.multiplier),
            taker_fee=float(instrument.taker_fee),
            tier_first=0,
            tier_last=0,
            inverse=int(is_inverse(instrument)),
            option=-1 if instrument.option is None else self._write_option(instrument, instrument.option),
            unit=-1 if not instrument.unit else self._write_unit(instrument, beside.index_price or mark),
            index=mark if beside.index_price is None else beside.index_price,
            funding=self._quotes.fixed_row("zero", 0.0) if beside.funding is None else beside.funding,
            years=self._years(instrument),
            gain_rate=float(instrument.gain_rate),
            gain_initial=float(instrument.gain_initial),
            gain_slope=float(instrument.gain_slope),
            ceiling=float(instrument.ceiling),
        )
        self._columns.write_instrument(row, written, tier_rows(instrument.tiers))

    def _quotes_beside(self, venue: str, instrument: Instrument) -> Beside:
        def quote(name: str) -> int:
            return self._quotes.row(venue, name, instrument.mark_cadence_s, is_mark=False)

        is_option = instrument.option is not None
        return Beside(
            quote(f"{venue}:{instrument.index} index") if instrument.index else None,
            quote(f"{instrument.id} funding") if instrument.reads_funding else None,
            quote(f"{instrument.id} forward") if is_option else None,
            quote(f"{instrument.id} volatility") if is_option else None,
        )

    def _years(self, instrument: Instrument) -> int:
        """The row of the time to its expiry, which `age_options` keeps; of what never expires a row that
        is 0."""
        expiry_ns = instrument.expiry_ns if instrument.option is None else instrument.option.expiry_ns
        if expiry_ns is None:
            return self._quotes.fixed_row("zero", 0.0)
        row = self._quotes.fixed_row(f"{instrument.id} years", 0.0)
        self._expiries[row] = expiry_ns
        return row

    def _write_option(self, instrument: Instrument, terms: OptionTerms) -> int:
        row = self._option_rows.setdefault(instrument.id, len(self._option_rows))
        beside = self._quotes_beside(venue_of(instrument.id), instrument)
        assert beside.forward is not None
        assert beside.volatility is not None
        years = self._years(instrument)
        self._quotes.set_apart(
            self._quotes.row(venue_of(instrument.id), instrument.id, instrument.mark_cadence_s)
        )
        written = rows.Option(
            strike=float(terms.strike),
            side=1 if terms.is_call else -1,
            forward=beside.forward,
            volatility=beside.volatility,
            years=years,
            initial_rate=float(terms.initial_rate),
            initial_floor=float(terms.initial_floor),
            maintenance_rate=float(terms.maintenance_rate),
            liquidation_rate=float(terms.liquidation_rate),
        )
        self._columns.write_option(row, written)
        return row

    def _write_unit(self, instrument: Instrument, index: int) -> int:
        """The risk unit that the instrument is netted in; raises Unsupported where the venue publishes no
        parameters of it."""
        key = (venue_of(instrument.id), instrument.underlying, instrument.settle_asset)
        row = self._unit_rows.setdefault(key, len(self._unit_rows))
        written = unit_rows(unit_terms(instrument), index)
        self._columns.write_unit(row, written.unit, written.scenarios, written.tiers)
        return row

    def _rewrite_asset(self, venue: str, asset: str) -> list[int]:
        again = [(row, key) for key, row in self._asset_rows.items() if key[:2] == (venue, asset)]
        for row, key in again:
            self._write_asset(row, key)
        return [int(self._columns.assets[row].price) for row, _ in again]

    def _write_asset(self, row: int, key: AssetKey) -> None:
        venue, asset, unit = key
        definition = self.collateral.get((venue, asset))
        # Counted in itself: worth 1, whatever a dollar does.
        price = self._quotes.fixed_row("one", 1.0) if asset == unit else self.asset_quote(venue, asset)
        written = rows.Asset(price, -1, 0.0, 0.0, 0, 0, 0, 0, -1, 0.0, 0.0, price)
        tiers = liability = None
        if asset != unit:
            written.bid_buffer, written.ask_buffer = self.buffers(venue, asset)
        if definition is not None:
            if definition.underlying and asset != unit:
                written.underlying = self._underlying(definition.underlying)
            written.category = definition.category
            written.category_rate = float(definition.category_rate)
            written.category_initial = float(definition.category_initial)
            average = self.average_quote(venue, asset)
            written.average = price if average is None or asset == unit else average
            tiers = definition.tiers if asset != unit else None
            liability = definition.liability
        self._columns.write_asset(row, written, tier_rows(tiers), tier_rows(liability))

    def _underlying(self, name: str) -> int:
        return self.underlyings.setdefault(name, len(self.underlyings))


def is_inverse(instrument: Instrument) -> bool:
    """Whether it is priced and paid in its own underlying: an inverse future, an option in its coin."""
    if instrument.option is None:
        return instrument.kind is Kind.INVERSE
    return instrument.settle_asset == instrument.underlying


def unit_terms(instrument: Instrument) -> UnitTerms:
    """What its venue publishes of the unit that it is netted in; raises Unsupported where it does not."""
    if instrument.unit == DERIBIT:
        return deribit_terms(instrument.underlying, instrument.settle_asset)
    inverse = instrument.settle_asset == instrument.underlying
    return okx_terms(instrument.underlying, is_option=instrument.option is not None, inverse=inverse)


def tier_rows(schedule: TierSchedule | None) -> tuple[rows.Tier[float], ...]:
    """The steps of a schedule as rows; none where there is no schedule."""
    if schedule is None:
        return ()
    return tuple(
        rows.Tier(
            float(step.floor),
            float(step.maintenance_rate),
            float(step.initial_rate),
            float(step.deduction),
            float(step.slope),
        )
        for step in schedule.tiers
    )
