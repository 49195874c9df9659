"""The world's setters keep the money straight."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapters.loopback import Account, Cause, World
from adapters.loopback.holdings import Change

D = Decimal
VENUE = "binance_usdm"


def state(account: Account) -> tuple[float, float, float]:
    """Size and entry of the only position, and the wallet."""
    (position,) = account.positions.values()
    return float(position.quantity), float(position.entry), float(account.wallets["USDT"])


def test_a_fill_averages_and_realises(world: World) -> None:
    """Adding averages the entry, reducing realises profit, crossing zero starts anew at the fill's price."""
    account = world.add_account(VENUE, "a")
    world.set_wallet(account, "USDT", 1000)
    world.trade(account, "BTCUSDT", 1, 100)
    world.trade(account, "BTCUSDT", 1, 110)
    assert state(account) == (2, 105, 1000)
    world.trade(account, "BTCUSDT", -1, 115)
    assert state(account) == (1, 105, 1010)
    world.trade(account, "BTCUSDT", -3, 95)
    assert state(account) == (-2, 95, 1000)
    world.trade(account, "BTCUSDT", 2, 90)
    assert not account.positions
    assert account.wallets["USDT"] == 1010


def test_isolating_moves_money_and_not_more(world: World) -> None:
    """What enters a position's wallet leaves the cross wallet, and the change says so."""
    changes: list[Change] = []
    account = world.add_account(VENUE, "a")
    world.set_wallet(account, "USDT", 1000)
    world.set_position(account, "BTCUSDT", 1)
    world.listen(changes.append)
    world.set_isolated(account, "BTCUSDT", 300)
    world.set_isolated(account, "BTCUSDT", 250)
    assert account.wallets["USDT"] == 750
    assert account.positions["BTCUSDT", ""].isolated_wallet == 250
    assert [change.cause for change in changes] == [Cause.MARGIN_MODE, Cause.MARGIN_TRANSFER]


def test_funding_is_paid_by_longs_to_shorts(world: World) -> None:
    """A positive rate costs a long size x mark x rate and brings a short as much, each in its own wallet."""
    account = world.add_account(VENUE, "a", hedge=True)
    world.set_wallet(account, "USDT", 1000)
    world.set_mark("BTCUSDT", 100)
    world.set_funding("BTCUSDT", "0.001")
    world.set_position(account, "BTCUSDT", 3, side="long")
    world.set_position(account, "BTCUSDT", -2, side="short", isolated_wallet=50)
    world.charge_funding("BTCUSDT", VENUE)
    assert account.wallets["USDT"] == D("999.7")
    assert account.positions["BTCUSDT", "short"].isolated_wallet == D("50.2")


def test_a_crash_moves_every_contract_of_the_underlying(world: World) -> None:
    """One price of an underlying is mark and index of all its contracts, and the price of the collateral."""
    world.set_underlying("BTC", 80_000)
    on_btc = [contract for contract in world.contracts.values() if contract.underlying == "BTC"]
    assert len(on_btc) >= 2
    for contract in on_btc:
        assert world.quote(contract.venue, contract.symbol).mark == 80_000
    assert world.assets_of(VENUE)["BTC"].index == 80_000


def test_a_leg_has_to_fit_the_mode(world: World) -> None:
    """A side in one-way mode, none in hedge mode, or a long leg below zero is a mistake of the test."""
    one_way = world.add_account(VENUE, "a")
    hedged = world.add_account(VENUE, "b", hedge=True)
    with pytest.raises(ValueError, match="does not fit"):
        world.set_position(one_way, "BTCUSDT", 1, side="long")
    with pytest.raises(ValueError, match="does not fit"):
        world.set_position(hedged, "BTCUSDT", 1)
    with pytest.raises(ValueError, match="can't hold"):
        world.set_position(hedged, "BTCUSDT", -1, side="long")


def test_an_unknown_symbol_is_a_mistake(world: World) -> None:
    """A price for what nobody lists is refused by name."""
    with pytest.raises(KeyError, match="NOPE"):
        world.set_mark("NOPE", 1)


def test_emptying_tells_every_leg(world: World) -> None:
    """A truly emptied account pushes each closed leg and each emptied wallet."""
    changes: list[Change] = []
    account = world.add_account(VENUE, "a")
    world.set_wallet(account, "USDT", 1000)
    world.set_position(account, "BTCUSDT", 1)
    world.listen(changes.append)
    world.empty_account("binance_usdm/a")
    (change,) = changes
    assert not account.positions
    assert account.wallets == {"USDT": D(0)}
    assert ([leg.symbol for leg in change.legs], change.assets) == (["BTCUSDT"], ("USDT",))
