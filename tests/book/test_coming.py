"""What happens to a pool at a known instant, and what it looks like after: funding, settlement, expiry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from monitor.book.describe import USUAL
from monitor.bookfile.assess import assess_files
from monitor.domain.assessment import Coming, MarginAssessment

AS_OF = "2026-11-23T06:00:00Z"
HOUR_NS = 3_600 * 10**9
AS_OF_NS = 1_795_413_600 * 10**9
MARK, WALLET = 86_000.0, 2.0
CONTRACT: dict[str, Any] = {
    "symbol": "BTC-PERPETUAL",
    "kind": "inverse",
    "underlying": "BTC",
    "settle_asset": "BTC",
    "mark": MARK,
    "tiers": {"steps": [{"floor": 0, "maintenance_rate": 0.01, "initial_rate": 0.02}]},
}
LEG: dict[str, Any] = {
    "symbol": "BTC-PERPETUAL",
    "quantity": 200_000,
    "entry_price": 80_000,
    "leverage": 10,
}
PROFIT = 200_000 * (1 / 80_000 - 1 / MARK)  # in coins
OPTION: dict[str, Any] = {
    "symbol": "BTC-CALL",
    "kind": "option",
    "underlying": "BTC",
    "settle_asset": "BTC",
    "mark": 0.06,
    "forward": 86_500,
    "volatility": 0.44,
    "option": {"strike": 82_000, "type": "call", "expiry": "2026-11-24T08:00:00Z", "maintenance_rate": 0.075},
}


def assessed(
    folder: Path, contract: dict[str, Any], *legs: dict[str, Any], strike: int = 82_000, **pool: Any
) -> MarginAssessment:
    """A pool of two coins and these legs."""
    option = OPTION | {"option": OPTION["option"] | {"strike": strike}}
    held = {
        "pool": "BTC",
        "model": "deribit_inverse",
        "unit": "BTC",
        "balances": [{"asset": "BTC", "wallet": WALLET}],
        "positions": [*(legs or (LEG,))],
    }
    book = {
        "schema": 1,
        "as_of": AS_OF,
        "venues": [{"venue": "deribit", "instruments": [contract, option]}],
        "accounts": [{"venue": "deribit", "account": "a", "pools": [held | pool]}],
    }
    path = folder / "book.json"
    path.write_text(json.dumps(book), encoding="utf-8")
    ((found,),) = (each.pools for each in assess_files([path], USUAL))
    return found


def coming(found: MarginAssessment) -> dict[str, Coming]:
    """By kind, each of which comes once."""
    events = {event.kind: event for event in found.coming}
    assert len(events) == len(found.coming)
    return events


def test_nothing_is_known_of_a_plain_contract(tmp_path: Path) -> None:
    """Without funding, settlement hour or expiry there is nothing to tell."""
    assert assessed(tmp_path, CONTRACT).coming == ()


@pytest.mark.parametrize("side", [1, -1])
def test_a_settlement_pays_the_profit_and_moves_no_ratio(tmp_path: Path, side: int) -> None:
    """At 08:00 the profit goes into the wallet, and the position counts from its mark: what was profit is
    wallet, of a long as of a short that has lost."""
    leg = LEG | {"quantity": side * 200_000}
    found = assessed(tmp_path, CONTRACT | {"settlement_hour": 8}, leg)
    event = coming(found)["settlement"]
    assert event.at_ns == AS_OF_NS + 2 * HOUR_NS
    assert event.received == pytest.approx(side * PROFIT)
    assert event.ratio_before == found.margin_ratio
    assert event.ratio_after == pytest.approx(found.margin_ratio, rel=1e-12)


def test_a_settlement_moves_the_ratio_where_entry_matters(tmp_path: Path) -> None:
    """Bybit charges an isolated position at its entry: from a mark above it, more is required after."""
    contract = CONTRACT | {"kind": "linear", "settle_asset": "USDT", "settlement_hour": 8}
    leg = LEG | {"quantity": 2}
    balances = [{"asset": "USDT", "wallet": 20_000}]
    found = assessed(tmp_path, contract, leg, model="bybit_isolated", unit="USDT", balances=balances)
    event = coming(found)["settlement"]
    assert found.maintenance_margin == pytest.approx(2 * 80_000 * 0.01)
    assert event.received == pytest.approx(2 * 6_000)
    assert found.equity is not None
    assert event.ratio_after == pytest.approx(2 * MARK * 0.01 / found.equity)


def test_continuous_funding_is_told_up_to_the_settlement(tmp_path: Path) -> None:
    """Two hours of a rate of eight: a quarter of it, paid by the long on its worth in coins at mark."""
    terms = {"funding_rate": 0.0008, "funding_hours": 0, "settlement_hour": 8}
    found = assessed(tmp_path, CONTRACT | terms)
    events = coming(found)
    paid = 200_000 / MARK * 0.0002
    assert events["funding"].at_ns == events["settlement"].at_ns == AS_OF_NS + 2 * HOUR_NS
    assert events["funding"].received == pytest.approx(-paid)
    assert events["funding"].accrued_share is None
    assert found.equity is not None
    assert found.maintenance_margin is not None
    after = found.maintenance_margin / (found.equity - paid)
    assert events["funding"].ratio_after == pytest.approx(after)


def test_continuous_funding_without_a_settlement_is_told_of_the_hours_of_its_rate(tmp_path: Path) -> None:
    """Up to the next eighth hour of the day."""
    event = coming(assessed(tmp_path, CONTRACT | {"funding_rate": 0.0008, "funding_hours": 0}))["funding"]
    assert event.at_ns == AS_OF_NS + 2 * HOUR_NS
    assert event.received == pytest.approx(-200_000 / MARK * 0.0002)


def test_a_future_that_expires_is_paid_out(tmp_path: Path) -> None:
    """Its profit at mark is wallet, and nothing is required any more."""
    contract = CONTRACT | {"expiry": "2026-11-27T08:00:00Z"}
    event = coming(assessed(tmp_path, contract))["expiry"]
    assert event.received == pytest.approx(PROFIT)
    assert event.ratio_after == 0


def test_what_expires_at_a_settlement_is_not_settled_as_well(tmp_path: Path) -> None:
    """Its profit is paid once: of a future whose last day it is there is an expiry alone."""
    contract = CONTRACT | {"expiry": "2026-11-23T08:00:00Z", "settlement_hour": 8}
    assert set(coming(assessed(tmp_path, contract))) == {"expiry"}
    later = CONTRACT | {"expiry": "2026-11-27T08:00:00Z", "settlement_hour": 8}
    assert set(coming(assessed(tmp_path, later))) == {"expiry", "settlement"}


@pytest.mark.parametrize("quantity", [10, -10])
def test_an_option_that_expires_pays_what_it_is_worth_then(tmp_path: Path, quantity: int) -> None:
    """4,500 in the money at the forward, in coins; the short one pays, and its requirement is gone."""
    leg = {"symbol": "BTC-CALL", "quantity": quantity}
    found = assessed(tmp_path, CONTRACT | {"settlement_hour": 8}, leg)
    event = coming(found)["expiry"]
    assert event.received == pytest.approx(quantity * 4_500 / 86_500)
    assert event.ratio_after == 0


def test_an_option_out_of_the_money_ends_worthless(tmp_path: Path) -> None:
    """Nothing is paid, and the rest of the pool stays as it was."""
    found = assessed(tmp_path, CONTRACT, LEG, {"symbol": "BTC-CALL", "quantity": 10}, strike=90_000)
    event = coming(found)["expiry"]
    assert event.received == 0
    assert event.ratio_after == pytest.approx(found.margin_ratio)
