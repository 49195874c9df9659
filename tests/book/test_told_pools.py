"""Pools on the venue's word: their bands, what is missing by name, and nothing that looks computed."""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.book.live_book import LiveBook
from monitor.book.settings import BookSettings, LevelRow
from monitor.domain.assessment import MarginAssessment, Reason, RiskBand, VenueReported
from monitor.domain.event import (
    AccountSnapshot,
    BalanceFact,
    Event,
    Instruments,
    MarkPrice,
    PoolFact,
    PositionFact,
    StreamAlive,
    StreamGap,
    ToldMargin,
)
from monitor.domain.identity import AccountId, PoolId, instrument_id, symbol_of, venue_of
from monitor.domain.instrument import CollateralAsset, Instrument, Kind, TierSchedule
from monitor.domain.turn import PoolState, Turn

VENUE = "ccxt:okx"
ACCOUNT = AccountId(f"{VENUE}/alpha")
POOL = PoolId(f"{ACCOUNT}/cross")
BITCOIN = instrument_id(VENUE, "BTC-USDT-SWAP")
LEVELS = LevelRow((0.4, 0.6, 0.8, 1.0), (0.38, 0.57, 0.76, 0.95))
SECOND = 1_000_000_000


class Desk:
    """A book that only knows the venue's word."""

    def __init__(self, levels: LevelRow = LEVELS) -> None:
        self.book = LiveBook(BookSettings(("venue_ratio",), lambda *_: levels))
        self.book.declare(ACCOUNT, "majors", 0)

    def tell(self, *events: Event) -> None:
        """Applies events."""
        for event in events:
            self.book.apply(event, event.received_ns)

    def turn(self, second: float) -> Turn:
        """One turn."""
        return self.book.turn(round(second * SECOND), round(second * SECOND), None)

    def state(self, second: float) -> PoolState | None:
        """What is said of the pool in a turn, if anything."""
        return next((state for state in self.turn(second).changed if state.pool == POOL), None)

    def picture(self, second: float) -> MarginAssessment:
        """Everything shown of the pool."""
        found = self.book.describe(POOL, round(second * SECOND), round(second * SECOND))
        assert found is not None
        return found


def snapshot(second: float, told: ToldMargin | None, untold: str = "", unit: str = "USDT") -> AccountSnapshot:
    """One position and the venue's word."""
    reported = VenueReported(
        equity=1.0,
        maintenance_margin=2.0,
        ratio=3.0,
        ratio_name="mgnRatio",
        liquidation_prices={BITCOIN: 60_000},
    )
    at_ns = round(second * SECOND)
    return AccountSnapshot(
        account=ACCOUNT,
        pools=(PoolFact("cross", "venue_ratio", unit, reported, told, untold),),
        balances=(BalanceFact("cross", unit, Decimal(1)),),
        positions=(PositionFact("cross", BITCOIN, "", Decimal("-0.5"), Decimal(90_000)),),
        marks={},
        venue_ns=at_ns,
        received_ns=at_ns,
    )


def told(equity: str | float, maintenance: str | float) -> ToldMargin:
    """The venue's word."""
    return ToldMargin(Decimal(str(equity)), Decimal(str(maintenance)))


def definition() -> Instruments:
    """The contract and the unit, as ccxt's markets tell them."""
    tiers = TierSchedule((), "not read")
    contract = Instrument(
        BITCOIN, Kind.LINEAR, "BTC", "USDT", Decimal("0.01"), Decimal(0), 1, 2, tiers, mark_cadence_s=5.0
    )
    return Instruments(VENUE, (contract,), (CollateralAsset(VENUE, "USDT", "", 2),), SECOND)


@pytest.mark.parametrize(
    ("maintenance", "band"),
    [
        (0, RiskBand.CLEAR),
        (39, RiskBand.CLEAR),
        (40, RiskBand.WARNING),
        (60, RiskBand.MARGIN_CALL),
        (80, RiskBand.CRITICAL),
        (100, RiskBand.LIQUIDATION),
        (500, RiskBand.LIQUIDATION),
    ],
)
def test_the_venues_word_decides_the_band(maintenance: int, band: RiskBand) -> None:
    """Each level at the told ratio, with no price and no definition anywhere."""
    desk = Desk()
    desk.tell(snapshot(1, told(100, maintenance)))
    state = desk.state(1)
    assert state is not None
    assert (state.band, state.reasons, state.detail) == (band, Reason(0), "")


def test_no_equity_under_a_requirement_is_liquidation_and_under_none_a_deficit() -> None:
    """Zero and negative equity lean towards danger, as for every model."""
    desk = Desk()
    desk.tell(snapshot(1, told(-5, 1)))
    state = desk.state(1)
    assert state is not None
    assert (state.band, state.deficit) == (RiskBand.LIQUIDATION, False)
    desk.tell(snapshot(2, told(-5, 0)))
    state = desk.state(2)
    assert state is not None
    assert (state.band, state.deficit) == (RiskBand.CLEAR, True)


def test_what_the_venue_does_not_tell_is_unknown_by_name() -> None:
    """Without the two numbers the pool is UNSUPPORTED, with the reason in words, until they come."""
    desk = Desk()
    desk.tell(snapshot(1, None, "okx tells no mgnRatio of it, though something is held"))
    state = desk.state(1)
    assert state is not None
    assert (state.band, state.reasons) == (RiskBand.UNKNOWN, Reason.UNSUPPORTED)
    assert state.detail == "okx tells no mgnRatio of it, though something is held"
    desk.tell(snapshot(2, told(100, 10)))
    state = desk.state(2)
    assert state is not None
    assert state.band is RiskBand.CLEAR


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("place", ["equity", "maintenance_margin"])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_a_told_number_that_is_none_is_unknown(bad: str, place: str) -> None:
    """Not a number in either column is IMPLAUSIBLE, never clear."""
    desk = Desk()
    numbers = {"equity": "100", "maintenance_margin": "10", place: bad}
    desk.tell(snapshot(1, told(numbers["equity"], numbers["maintenance_margin"])))
    state = desk.state(1)
    assert state is not None
    assert (state.band, state.reasons) == (RiskBand.UNKNOWN, Reason.IMPLAUSIBLE)


def test_prices_neither_move_nor_age_it() -> None:
    """A mark that moves, falls silent or was never told changes nothing; the account's own silence does."""
    desk = Desk()
    desk.tell(definition(), snapshot(1, told(100, 50)))
    assert desk.state(1) is not None
    desk.tell(MarkPrice(BITCOIN, 95_000.0, None, None, None, 0, SECOND), StreamAlive(ACCOUNT, 5 * SECOND))
    assert desk.state(5) is None
    desk.tell(MarkPrice(BITCOIN, 9.0, None, None, None, 0, 9 * SECOND), StreamAlive(ACCOUNT, 40 * SECOND))
    assert desk.state(40) is None
    silent = desk.state(47)
    assert silent is not None
    assert (silent.band, silent.reasons) == (RiskBand.UNKNOWN, Reason.STALE)


def test_a_gap_and_a_broken_price_stream_are_two_things() -> None:
    """The account's gap makes it unknown; that of the exchange's marks does not concern it."""
    desk = Desk()
    desk.tell(definition(), snapshot(1, told(100, 50)))
    desk.turn(1)
    desk.tell(StreamGap(VENUE, None, "marks", 2 * SECOND))
    assert desk.state(2) is None
    desk.tell(StreamGap(VENUE, ACCOUNT, "stream closed", 3 * SECOND))
    state = desk.state(3)
    assert state is not None
    assert (state.band, state.detail) == (RiskBand.UNKNOWN, "stream closed")


def test_nothing_of_it_is_presented_as_computed() -> None:
    """No margin error, distance, move, weight or price of ours; the venue's figures stand beside."""
    desk = Desk()
    desk.tell(definition(), snapshot(1, told(100, 70)))
    desk.tell(MarkPrice(BITCOIN, 80_000.0, None, None, None, 0, SECOND))
    desk.turn(1)
    desk.book.refresh_distances(10)
    found = desk.picture(2)
    assert (found.model, found.margin_ratio, found.initial_margin) == ("venue_ratio", 0.7, None)
    assert (found.margin_error, found.distance_percent, found.venue_margin_ratio) == (None, None, None)
    assert found.moves == ()
    (held,) = found.contributors
    assert (held.quantity, held.mark_price, held.notional) == (-0.5, 80_000.0, 0.005 * 80_000)
    assert math.isnan(held.maintenance_margin)
    assert math.isnan(held.unrealised_profit)
    assert held.liquidation_price is None
    assert found.venue_reported is not None
    assert (found.venue_reported.equity, found.venue_reported.ratio_name) == (1.0, "mgnRatio")
    view = desk.turn(3).view
    (row,) = [place for place, label in enumerate(view.pools) if label.id == POOL]
    assert view.positions[row] == 1
    assert np.isnan([view.distance[row], view.initial_margin[row], view.margin_error[row]]).all()
    assert (view.equity[row], view.maintenance_margin[row]) == (100, 70)


@pytest.mark.slow
@settings(max_examples=20)
@given(
    equity=st.decimals(-1_000_000, 1_000_000, places=4),
    maintenance=st.decimals("0.0001", 1_000_000, places=4),
)
def test_what_is_to_be_added_is_enough_and_a_little_less_is_not(
    equity: Decimal, maintenance: Decimal
) -> None:
    """At the same requirement the sum in the unit's digits brings the ratio below the clear mark; two cents
    less do not."""
    desk = Desk()
    second = 2
    desk.tell(definition(), snapshot(second, ToldMargin(equity, maintenance)))
    desk.turn(second)
    found = desk.picture(second)
    clear = LEVELS.clear_at[0]
    if found.band is RiskBand.CLEAR:
        assert found.rescue == ()
        return
    (option,) = found.rescue
    assert (option.action, option.target, option.digits) == ("add", "USDT", 2)
    after = float(equity) + option.amount
    assert float(maintenance) < clear * after
    assert option.ratio_after == pytest.approx(float(maintenance) / after)
    assert not float(maintenance) < clear * (after - 0.02) * (1 - 1e-12)


def test_instruments_of_ccxt_are_never_those_of_a_native_venue() -> None:
    """Venue and symbol come apart again, whatever colons a symbol holds, and no two venues share an id."""
    native = instrument_id("bybit", "BTCUSDT")
    through = instrument_id("ccxt:bybit", "BTCUSDT")
    odd = instrument_id("ccxt:gate", "xyz:TSLA/USD:USD")
    assert native != through
    assert (venue_of(native), symbol_of(native)) == ("bybit", "BTCUSDT")
    assert (venue_of(through), symbol_of(through)) == ("ccxt:bybit", "BTCUSDT")
    assert (venue_of(odd), symbol_of(odd)) == ("ccxt:gate", "xyz:TSLA/USD:USD")
    assert symbol_of(instrument_id("hyperliquid", "xyz:TSLA")) == "xyz:TSLA"
