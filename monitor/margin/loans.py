"""What a borrowed coin requires beside itself: brackets on the worth of each liability coin (MARGIN 3 and
4)."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.margin.common import charged
from monitor.margin.formula import formula
from monitor.margin.rows import Asset, N, Tier


@formula
def loan_maintenance(worth: N, asset: Asset[N], tiers: Sequence[Tier[N]]) -> N:
    """Maintenance margin of a debt of this worth, each slice at its own rate; nothing where the asset has no
    liability schedule."""
    if asset.liability_first == asset.liability_last:
        return worth * 0
    return charged(tiers, asset.liability_first, asset.liability_last, worth)


@formula
def loan_initial(worth: N, asset: Asset[N], tiers: Sequence[Tier[N]]) -> N:
    """The same at the initial rates. By slices: a venue publishes the deduction of its maintenance rates
    only."""
    total = worth * 0
    for row in range(asset.liability_first, asset.liability_last):
        tier = tiers[row]
        top = worth
        if row + 1 < asset.liability_last:
            top = min(worth, tiers[row + 1].floor)
        if top > tier.floor:
            total += (top - tier.floor) * tier.initial_rate
    return total
