"""OKX, portfolio margin (MARGIN 6): futures and perpetuals netted by risk unit, every figure in USD.

A unit requires max(max(MR1, MR2, MR6) + MR3 + MR4 + MR5, MR7). MR2, MR3 and MR5 are of options alone. The
example of POST /api/v5/account/position-builder (okx.com/docs-v5, 15 January 2025) proves for two units:
- MR1 moves the index by each step of the grid, MR6 by the extreme move and counts half of that loss: both are
  scenarios, the loss is size x index x move whatever the mark;
- MR4 of the net delta of each expiry, at mark: a rate a year and a floor, all added up;
- MR7 of each position at mark: the cost of closing it, scaled incrementally by its size (the unit's tiers);
- initial margin is 1.3 x maintenance margin;
- MR8, the borrowing margin, of each currency that is owed, from its liability schedule;
- the margin ratio: equity by maintenance margin and liquidation fee, which is that of buying back the debt
  with its margin, debt x (1 + rate) x fee (the asset's surcharge here), and nothing of derivatives: MR7 is.

Equity is adjusted as in multi-currency mode (`okx_multi`, of one account engine and one table): what is owned
counts by its discount tiers, each slice of the amount at its own rate, in units of the currency as
GET /api/v5/public/discount-rate-interest-free-quota tells them (`details`, docs-v5, "the unit is the currency
like BTC", read 2026-11-23); a debt counts in full. Announcements, and the `discountInfo` of that answer until
2024, tell the floors as USD values: those are divided by the price before they are entered.

Not covered: options, whose volatility moves, MR2, MR3, MR5 and part of MR7 no page at hand tells: they have
no risk unit, and a pool that holds one is not assessed; spot that a unit counts as a hedge; MR9, which lets
legs in USDT, USDC and USD of one underlying net: they are in units of their own, which asks for more; open
orders.
"""

from __future__ import annotations

from monitor.margin.common import charged, collateral_value, notional, step_at, unrealised
from monitor.margin.formula import formula
from monitor.margin.rows import Asset, Book, N, Requirement
from monitor.margin.scenarios import is_first_of_expiry, is_first_of_unit, roll_share


@formula
def okx_portfolio(pool: int, book: Book[N]) -> Requirement[N]:
    """Units by the currency that settles them; its price turns all into USD."""
    account = book.pools[pool]
    equity = book.balances[account.balance_first].wallet * 0
    initial = equity * 0
    maintenance = equity * 0
    for line in range(account.balance_first, account.balance_last):
        balance = book.balances[line]
        asset = book.assets[balance.asset]
        price = book.quotes[asset.price]
        owned = balance.wallet - balance.borrowed
        for row in range(balance.position_first, balance.position_last):
            position = book.positions[row]
            instrument = book.instruments[position.instrument]
            mark = book.quotes[instrument.mark]
            owned += unrealised(position.quantity, position.entry_price, mark, instrument)
            if is_first_of_unit(row, balance.position_first, book):
                unit = book.units[instrument.unit]
                risk = unit_risk(instrument.unit, row, balance.position_last, price, book)
                initial += risk * unit.initial_factor
                maintenance += risk * unit.maintenance_factor
        borrowed = borrowing(owned, asset, book)  # an open order owes nothing yet
        initial += borrowed.initial_margin * price
        maintenance += borrowed.maintenance_margin * price
        equity += collateral_value(owned - balance.order_loss, asset, book.tiers) * price
    return Requirement(equity, initial, maintenance)


@formula
def unit_risk(place: int, first: int, last: int, price: N, book: Book[N]) -> N:
    """What one unit requires before its factors, in USD; `price` is that of its settle asset."""
    unit = book.units[place]
    shifted = price * 0  # gained in the settle asset as the index doubles
    basis = price * 0
    closing = price * 0
    for leader in range(first, last):
        position = book.positions[leader]
        instrument = book.instruments[position.instrument]
        if instrument.unit == place:
            mark = book.quotes[instrument.mark]
            value = notional(position.quantity, mark, instrument)
            coins = position.quantity * instrument.multiplier
            shifted += value if instrument.inverse else coins * book.quotes[instrument.index]
            closing += abs(value) * unit.reduction_rate
            if is_first_of_expiry(leader, first, book):
                years = book.quotes[instrument.years]
                basis += abs(expiry_value(place, leader, last, book)) * roll_share(unit, years)
    worst = price * 0
    for point in range(unit.scenario_first, unit.scenario_last):
        scenario = book.scenarios[point]
        worst = max(worst, -shifted * scenario.price_move * scenario.weight)
    charge = closing * price
    if unit.tier_first < unit.tier_last:
        charge = charged(book.tiers, unit.tier_first, unit.tier_last, charge)
    return max((worst + basis) * price, charge)


@formula
def expiry_value(place: int, leader: int, last: int, book: Book[N]) -> N:
    """The net value at mark of what is in a unit and expires when its first one does, in the settle asset."""
    years = book.quotes[book.instruments[book.positions[leader].instrument].years]
    net = years * 0
    for row in range(leader, last):
        position = book.positions[row]
        instrument = book.instruments[position.instrument]
        if instrument.unit == place and book.quotes[instrument.years] == years:
            net += notional(position.quantity, book.quotes[instrument.mark], instrument)
    return net


@formula
def borrowing(owned: N, asset: Asset[N], book: Book[N]) -> Requirement[N]:
    """Margins of what is owed of a currency, in that currency (MR8): the rates of its step on the whole, and
    in maintenance the fee of buying back both."""
    nothing = owned * 0
    if asset.liability_first == asset.liability_last or not owned < 0:
        return Requirement(nothing, nothing, nothing)
    step = book.tiers[step_at(book.tiers, asset.liability_first, asset.liability_last, -owned)]
    charged_with_fee = step.maintenance_rate + (1 + step.maintenance_rate) * asset.ask_buffer
    return Requirement(nothing, -owned * step.initial_rate, -owned * charged_with_fee)
