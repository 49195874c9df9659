"""The venue's own arithmetic against figures that others published."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapters.loopback.binance_usdm.catalog import list_all, read_catalog
from adapters.loopback.binance_usdm.figures import figures_of
from adapters.loopback.binance_usdm.margin import Leg, Surroundings, collateral_value, liquidation_price
from adapters.loopback.holdings import Bracket
from adapters.loopback.world import World

D = Decimal

# Liquidation prices of freqtrade's tests/exchange at c9ae5e1 (they reproduce the venue's calculator):
# wallet, signed size, entry, rate, deduction, price, tolerance.
ISOLATED = [
    ("1535443.01", "3683.979", "1456.84", "0.1", "135365", "1114.78", "0.005"),
    ("1535443.01", "109.488", "32481.98", "0.025", "16300", "18778.73", "0.005"),
    ("2", "-1", "10", "0.01", "0.01", "11.89108910891089", "0.00001"),
    ("1.6", "-1", "8", "0.01", "0.01", "9.514851485148514", "0.00001"),
    ("1.2", "-0.6", "10", "0.01", "0.01", "11.897689768976898", "0.00001"),
    ("1.6", "1", "8", "0.01", "0.01", "6.454545454545454", "0.00001"),
    ("1.2", "0.6", "10", "0.01", "0.01", "8.063973063973064", "0.00001"),
]


def only_bracket(rate: str, deduction: str) -> tuple[Bracket, ...]:
    """A schedule of the one bracket that the source used."""
    return (Bracket(D(0), D("1e12"), D(rate), D(deduction), D(1)),)


@pytest.mark.parametrize(("wallet", "size", "entry", "rate", "deduction", "price", "tolerance"), ISOLATED)
def test_isolated_price_is_the_published_one(
    wallet: str, size: str, entry: str, rate: str, deduction: str, price: str, tolerance: str
) -> None:
    """The price of a single position is that of the venue's calculator, long and short."""
    leg = Leg(D(size), D(entry), D(entry), only_bracket(rate, deduction))
    found = liquidation_price([leg], Surroundings(D(wallet)))
    assert found is not None
    assert abs(found - D(price)) < D(tolerance)


def test_cross_prices_hold_the_other_contract_at_its_mark() -> None:
    """With two longs in one wallet each price is the published one, 1153.26 and 26316.89."""
    wallet = D("1535443.01")
    eth = Leg(D("3683.979"), D("1456.84"), D("1335.18"), only_bracket("0.1", "135365"))
    btc = Leg(D("109.488"), D("32481.98"), D("31967.27"), only_bracket("0.025", "16300"))
    for leg, other, published in ((eth, btc, "1153.26"), (btc, eth, "26316.89")):
        found = liquidation_price([leg], Surroundings(wallet + other.profit, other.maintenance))
        assert found is not None
        assert abs(found - D(published)) < D("0.005")


def test_two_legs_have_the_price_of_the_hedge_formula() -> None:
    """Hedge mode: numerator and denominator of the venue's page, spelled out for numbers of our own."""
    long, short = D(3), D(1)
    legs = [
        Leg(long, D(100), D(90), only_bracket("0.01", "0.5")),
        Leg(-short, D(95), D(90), only_bracket("0.02", "0.25")),
    ]
    top = D(50) - D(4) + D(2) + D("0.75") - long * 100 + short * 95
    bottom = long * D("0.01") + short * D("0.02") - long + short
    found = liquidation_price(legs, Surroundings(D(52), D(4)))
    assert found is not None
    assert abs(found - top / bottom) < D("1e-20")


def test_a_price_lies_in_the_bracket_that_it_was_computed_with() -> None:
    """Whatever floors the notional crosses on the way, equity equals maintenance at the price."""
    brackets = read_catalog().contracts["BTCUSDT"].brackets
    schedule = tuple(Bracket(*row, number=number) for number, row in enumerate(brackets, 1))
    for size in ("-40", "40", "9", "-9"):
        leg = Leg(D(size), D(95000), D(95000), schedule)
        wallet = abs(leg.notional) / 5
        found = liquidation_price([leg], Surroundings(wallet))
        assert found is not None
        there = Leg(leg.quantity, leg.entry, found, schedule)
        assert abs(wallet + there.profit - there.maintenance) < D("1e-15")


def test_a_position_covered_by_its_wallet_has_no_price() -> None:
    """A long with more money than it cost can't be liquidated by any price."""
    leg = Leg(D(1), D(10), D(10), only_bracket("0.01", "0"))
    assert liquidation_price([leg], Surroundings(D(11))) is None


def test_haircuts_are_those_of_the_multi_assets_page() -> None:
    """1,000 of BNB count 950, of ADA 900; a debt takes the surcharge; 416.02 USD are 418.13 USDT to use."""
    assert collateral_value(D(1000), D("0.95"), D("1.05")) == 950
    assert collateral_value(D(1000), D("0.90"), D("1.10")) == 900
    assert collateral_value(D(-1000), D("0.95"), D("1.05")) == -1050
    assert round(D("416.02") / (D("0.99") * (1 + D("0.005"))), 2) == D("418.13")


def test_catalog_brackets_continue_each_other() -> None:
    """Every deduction is the one before + floor x (rate - rate before), and no floor leaves a gap."""
    for row in read_catalog().contracts.values():
        for below, above in zip(row.brackets, row.brackets[1:], strict=False):
            assert above[0] == below[1]
            assert above[3] == below[3] + above[0] * (above[2] - below[2])


def test_multi_assets_price_is_where_equity_meets_maintenance() -> None:
    """In multi-assets mode a contract's price is where the converted totals meet, other assets held."""
    world = World()
    list_all(world)
    account = world.add_account("binance_usdm", "multi", multi_assets=True)
    world.set_wallet(account, "USDT", 2000)
    world.set_wallet(account, "BTC", "0.1")
    world.set_position(account, "ETHUSDT", 10, 3200)
    world.set_position(account, "BTCUSDC", "-0.05", 95000)
    price = next(leg for leg in figures_of(world, account).legs if leg.position.symbol == "ETHUSDT")
    assert price.liquidation_price is not None
    world.set_mark("ETHUSDT", price.liquidation_price)
    there = figures_of(world, account)
    assert abs(there.equity_usd - there.maintenance_usd) < D("1e-5")  # a mark has 8 decimals
