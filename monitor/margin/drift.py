"""Drift v2 (MARGIN 18): an account's cross pool, and each isolated position as a pool of its own, in USD.

What is held is a balance, and its asset's schedules are one step each: how much of a deposit counts, and what
a debt asks for beyond itself (the venue's liability weight less 1); the slope of both is the market's
imf_factor / 1,000,000. USDC has neither and counts in full. A perpetual stands under the balance of its
quote asset, with one step of margin ratios. Sizes and weights are rounded as on chain: a size is whole
billionths, its root whole, a weight or ratio whole ten-thousandths. Amounts of money, which the chain also
rounds, to a millionth of a dollar a term, are not. In floats weights are exact up to 450,000 coins; beyond, a
size within a few billionths of where a weight changes may be weighed a ten-thousandth off.

A token with open orders has under its balance a row whose instrument has no schedule: its bids and asks, the
worse of all of them filled. Each order, spot or perpetual, asks for 0.01 USDC: that is the `order_loss` of
the USDC balance, and here it is required, not taken from equity. `leverage` is the greatest that the user
allows himself, for the account or the position, 0 for none; it raises initial margin only (the row of a token
tells it as well). An entry price is what ends at nothing: -(quote amount + unsettled funding) / base amount.

Equity is the total collateral at maintenance weights, maintenance margin the margin requirement. Initial
margin is the requirement at initial weights and strict prices, and, where that is anything, what the
collateral is worth less at them: equity is below it when the venue's collateral is below its requirement.

Not covered: shares of the AMM's liquidity, profit of a closed position that is not settled, markets in
settlement, high leverage mode, the scaling of gains by a market's imbalance (it belongs into `gain_initial`),
and the buffer that a liquidation restores once it has begun.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from typing import Generic, NamedTuple

import msgspec

from monitor.domain.instrument import TierSchedule
from monitor.margin.arithmetic import floor_to, isqrt
from monitor.margin.common import unrealised
from monitor.margin.formula import formula
from monitor.margin.rows import Asset, Balance, Book, Instrument, N, Position, Requirement

MOST_GAIN = 100  # USDC that one position's gain adds at most to initial collateral


class Filled(NamedTuple, Generic[N]):
    """What a token is with its orders filled: `left` is collateral less what is required."""

    collateral: N
    required: N
    left: N


class Reading(NamedTuple, Generic[N]):
    """How it is read: the prices of what is owned and of what is owed, and whether at initial weights."""

    low: N
    high: N
    is_initial: bool


class Leg(NamedTuple, Generic[N]):
    """What a perpetual adds."""

    collateral: N
    required: N


def scaled_initial_weight(weight: Decimal, scale_start: Decimal, deposits: Decimal) -> Decimal:
    """The initial weight of an asset of which all users have deposited so much (both in USD): it falls from
    `scale_start` on, where that is not 0. It is the initial rate of the asset's collateral schedule."""
    if not scale_start or deposits < scale_start:
        return weight
    scaled = weight * scale_start / deposits
    return scaled.quantize(Decimal("0.0001"), ROUND_FLOOR)


def scaled_by_deposits(schedule: TierSchedule, scale_start: Decimal, deposits: Decimal) -> TierSchedule:
    """An asset's collateral schedule with its initial weight at these deposits of all users, in USD."""
    steps = tuple(
        msgspec.structs.replace(
            step, initial_rate=scaled_initial_weight(step.initial_rate, scale_start, deposits)
        )
        for step in schedule.tiers
    )
    source = f"{schedule.source}, deposits {deposits:,f} of all, scaled from {scale_start:,f}"
    return msgspec.structs.replace(schedule, tiers=steps, source=source)


@formula
def whole(x: N) -> N:
    """The nearest whole number, for what is whole on chain."""
    return floor_to((x * 2 + 1) / 2, 1)


@formula
def root_of(size: N) -> N:
    """The root of a size in hundred-thousandths, as the chain finds it."""
    return isqrt(whole(size * 1000000000) * 10 + 1)


@formula
def size_premium(weight: N, slope: N, size: N) -> N:
    """A liability weight or a margin ratio, in ten-thousandths, of a position of this size."""
    growth = floor_to(root_of(size) * whole(slope * 1000000) / 10000000, 1)
    return max(weight, weight - floor_to(weight / 5, 1) + growth)


@formula
def size_discount(weight: N, slope: N, size: N) -> N:
    """An asset weight, in ten-thousandths, of a deposit (or a gain) of this size."""
    growth = floor_to(root_of(size) * whole(slope * 1000000) / 100000, 1)
    return min(weight, floor_to(11000000000 / (growth + 1000000), 1))


@formula
def asset_weight(size: N, ratio: N, reading: Reading[N], asset: Asset[N], book: Book[N]) -> N:
    """How much of a deposit counts; less under the user's own margin `ratio`, in ten-thousandths."""
    one = size * 0 + 10000
    if asset.tier_first == asset.tier_last:
        return one / 10000
    step = book.tiers[asset.tier_first]
    rate = step.initial_rate if reading.is_initial else step.maintenance_rate
    return min(size_discount(whole(rate * 10000), step.slope, size), max(one - ratio, one * 0)) / 10000


@formula
def liability_weight(size: N, ratio: N, reading: Reading[N], asset: Asset[N], book: Book[N]) -> N:
    """What a debt asks for, itself included; more under the user's own margin `ratio`."""
    one = size * 0 + 10000
    if asset.liability_first == asset.liability_last:
        return one / 10000
    step = book.tiers[asset.liability_first]
    rate = step.initial_rate if reading.is_initial else step.maintenance_rate
    return max(size_premium(one + whole(rate * 10000), step.slope, size), one + ratio) / 10000


@formula
def filled(amount: N, orders: N, ratio: N, reading: Reading[N], asset: Asset[N], book: Book[N]) -> Filled[N]:
    """A token amount after `orders` (below 0: to sell) were filled at the higher price."""
    price = reading.low if amount > 0 else reading.high
    paid = orders * reading.high
    worth = amount * price + paid
    collateral, required = max(-paid, paid * 0), max(paid, paid * 0)
    size = abs(amount + orders)
    if worth >= 0:
        weight = asset_weight(size, ratio, reading, asset, book)
        collateral += worth * weight
    else:
        weight = liability_weight(size, ratio, reading, asset, book)
        required -= worth * weight
    return Filled(collateral, required, amount * price * weight + paid * (weight - 1))


@formula
def worse_orders(amount: N, bids: N, asks: N, reading: Reading[N], asset: Asset[N], book: Book[N]) -> N:
    """All bids, or (below 0) all asks, whichever leaves less. The venue judges that before it looks at the
    user's own ratio."""
    nothing = amount * 0
    sold = filled(amount, -asks, nothing, reading, asset, book)
    bought = filled(amount, bids, nothing, reading, asset, book)
    return -asks if sold.left <= bought.left else bids


@formula
def liability_value(quantity: N, price: N, instrument: Instrument[N]) -> N:
    """What may be lost with a position: its worth, or of a short under a ceiling the way up to it."""
    if quantity < 0 and instrument.ceiling > 0:
        return -quantity * instrument.multiplier * max(instrument.ceiling - price, price * 0)
    return abs(quantity) * instrument.multiplier * price


@formula
def worst_quantity(position: Position[N], price: N, instrument: Instrument[N]) -> N:
    """The position with all bids or all asks filled, whichever may lose more."""
    bought, sold = position.quantity + position.bids, position.quantity - position.asks
    is_sold = liability_value(sold, price, instrument) >= liability_value(bought, price, instrument)
    return sold if is_sold else bought


@formula
def own_ratio(position: Position[N], reading: Reading[N]) -> N:
    """The user's own margin ratio in ten-thousandths; of initial margin only."""
    if reading.is_initial and position.leverage > 0:
        return whole(10000 / position.leverage)
    return position.leverage * 0


@formula
def counted_gain(gain: N, instrument: Instrument[N], reading: Reading[N]) -> N:
    """How much a profit adds to collateral: a loss in full at the high price of its quote asset."""
    if gain <= 0:
        return gain * reading.high
    if not reading.is_initial:
        return gain * instrument.gain_rate * reading.low
    size = floor_to(gain, 1000000)
    weight = size_discount(whole(instrument.gain_initial * 10000), instrument.gain_slope, size) / 10000
    return min(gain * weight * reading.low, gain * 0 + MOST_GAIN)


@formula
def perpetual(position: Position[N], instrument: Instrument[N], reading: Reading[N], book: Book[N]) -> Leg[N]:
    """Profit at the oracle's price, and a ratio that grows with the root of the worst case."""
    price = book.quotes[instrument.mark]
    step = book.tiers[instrument.tier_first]
    worst = worst_quantity(position, price, instrument)
    rate = step.initial_rate if reading.is_initial else step.maintenance_rate
    ratio = size_premium(whole(rate * 10000), step.slope, abs(worst) * instrument.multiplier)
    ratio = max(ratio, own_ratio(position, reading)) / 10000
    gain = unrealised(position.quantity, position.entry_price, price, instrument)
    required = liability_value(worst, price, instrument) * reading.high * ratio
    return Leg(counted_gain(gain, instrument, reading), required)


@formula
def balance_of(balance: Balance[N], reading: Reading[N], book: Book[N]) -> Leg[N]:
    """A balance and all that stands under it."""
    nothing = balance.wallet * 0
    collateral, required = nothing, balance.order_loss
    bids, asks, ratio = nothing, nothing, nothing
    for row in range(balance.position_first, balance.position_last):
        position = book.positions[row]
        instrument = book.instruments[position.instrument]
        if instrument.tier_first == instrument.tier_last:
            bids += position.bids
            asks += position.asks
            ratio = max(ratio, own_ratio(position, reading))
        else:
            leg = perpetual(position, instrument, reading, book)
            collateral += leg.collateral
            required += leg.required
    asset, amount = book.assets[balance.asset], balance.wallet - balance.borrowed
    orders = nothing
    if bids + asks > 0:
        orders = worse_orders(amount, bids, asks, reading, asset, book)
    held = filled(amount, orders, ratio, reading, asset, book)
    return Leg(collateral + held.collateral, required + held.required)


@formula
def drift(pool: int, book: Book[N]) -> Requirement[N]:
    """Collateral and requirement at maintenance weights and oracle prices, and again at initial weights and
    the worse of oracle and five-minute average. In USD."""
    account = book.pools[pool]
    equity = book.balances[account.balance_first].wallet * 0
    maintenance, initial, lost = equity * 0, equity * 0, equity * 0
    for line in range(account.balance_first, account.balance_last):
        balance = book.balances[line]
        asset = book.assets[balance.asset]
        price, average = book.quotes[asset.price], book.quotes[asset.average]
        now = balance_of(balance, Reading(price, price, False), book)
        strict = balance_of(balance, Reading(min(price, average), max(price, average), True), book)
        equity += now.collateral
        maintenance += now.required
        initial += strict.required
        lost += now.collateral - strict.collateral
    if initial > 0:
        initial += lost
    return Requirement(equity, initial, maintenance)
