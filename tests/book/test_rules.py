"""A venue that changes the rules under a pool is noticed, and told for an hour."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from monitor.book.rules import TOLD_NS
from monitor.domain.event import AssetPrice, Instruments, PoolFact
from monitor.domain.instrument import CollateralAsset, collateral_schedule
from tests.support.books import Desk
from tests.support.facts import CROSS, SECOND, instrument, instruments, leg, mark, snapshot, wallet

STEEPER = [("0", "0.02", "0.05")]
HOUR = TOLD_NS // SECOND


def desk_of() -> Desk:
    """A pool with one position."""
    desk = Desk()
    desk.tell(instruments("BTCUSDT", "ETHUSDT"))
    desk.tell(snapshot(SECOND, [wallet("5000")], [leg("BTCUSDT", "1", "10000")]))
    desk.tell(mark("BTCUSDT", 10_000.0, SECOND))
    desk.turn(1)
    return desk


def redefined(symbol: str, second: int) -> Instruments:
    """The venue asks for twice the margin."""
    return Instruments("binance_usdm", (instrument(symbol, STEEPER),), (), second * SECOND)


def test_other_tiers_of_what_is_held_are_told_for_an_hour() -> None:
    """The first tier that changed is named with what it was and is; after an hour it is no news."""
    desk = desk_of()
    desk.tell(redefined("BTCUSDT", 2))
    told = desk.states(2)[CROSS].rule_change
    assert told == "BTCUSDT tier 1: from 0 rate 0.01, now from 0 rate 0.02"
    assert desk.states(HOUR + 3)[CROSS].rule_change == ""


@pytest.mark.parametrize(
    "event", [redefined("ETHUSDT", 2), instruments("BTCUSDT", received_ns=2 * SECOND)], ids=["other", "same"]
)
def test_what_is_not_held_or_not_changed_is_no_news(event: Instruments) -> None:
    """Only a change of what the pool holds is told."""
    desk = desk_of()
    desk.tell(event)
    assert desk.states(2) == {}


def test_a_first_definition_is_no_change() -> None:
    """What was not known before did not change."""
    desk = Desk()
    desk.tell(redefined("BTCUSDT", 1))
    desk.tell(snapshot(SECOND, [wallet("5000")], [leg("BTCUSDT", "1", "10000")]))
    assert desk.states(1)[CROSS].rule_change == ""


def test_another_haircut_is_told() -> None:
    """Collateral that counts for less is a change of the rules too."""
    full, half = (
        CollateralAsset("binance_usdm", "USDC", "", 2, collateral_schedule([(Decimal(0), rate, rate)], "t"))
        for rate in (Decimal(1), Decimal("0.5"))
    )
    desk = Desk()
    desk.tell(Instruments("binance_usdm", (), (full,), 0))
    held = snapshot(SECOND, [wallet("500", asset="USDC")], [])
    desk.tell(msgspec.structs.replace(held, pools=(PoolFact(CROSS, "multi_assets", "USD"),)))
    desk.tell(AssetPrice("binance_usdm", "USDC", 1.0, 0.0, 0.0, SECOND, SECOND))
    desk.turn(1)
    desk.tell(Instruments("binance_usdm", (), (half,), 2 * SECOND))
    assert desk.states(2)[CROSS].rule_change == "USDC tier 1: from 0 rate 1, now from 0 rate 0.5"
