"""Margin arithmetic that the models share. One formula, one place."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.margin.formula import formula
from monitor.margin.rows import Asset, Instrument, N, Tier


@formula
def step_at(tiers: Sequence[Tier[N]], first: int, last: int, value: N) -> int:
    """Row of the last step whose floor is at or below `value`; a floor that is no number is walked onto, to
    the higher rate."""
    row = first
    while row + 1 < last and not tiers[row + 1].floor > value:
        row += 1
    return row


@formula
def charged(tiers: Sequence[Tier[N]], first: int, last: int, value: N) -> N:
    """Each slice of `value` at its own rate: rate of its step less the deduction (MARGIN 1)."""
    tier = tiers[step_at(tiers, first, last, value)]
    return value * tier.maintenance_rate - tier.deduction


@formula
def notional(size: N, price: N, instrument: Instrument[N]) -> N:
    """Value of an unsigned size at a price, in the settle asset."""
    if instrument.inverse:
        return size * instrument.multiplier / price
    return size * instrument.multiplier * price


@formula
def unrealised(quantity: N, entry_price: N, mark: N, instrument: Instrument[N]) -> N:
    """Profit of a signed quantity at the mark, in the settle asset."""
    if instrument.inverse:
        return quantity * instrument.multiplier * (mark - entry_price) / (mark * entry_price)
    return quantity * instrument.multiplier * (mark - entry_price)


@formula
def collateral_value(worth: N, asset: Asset[N], tiers: Sequence[Tier[N]]) -> N:
    """A positive worth counts by the asset's schedule, a debt counts in full."""
    if asset.tier_first == asset.tier_last or worth <= 0:
        return worth
    return charged(tiers, asset.tier_first, asset.tier_last, worth)
