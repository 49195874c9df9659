"""What dYdX's chain tells, made into what our tables hold: the liquidity tier of a market, and the funding
that is earned or owed but not yet in the stored balance (MARGIN 9, RISK 9).

Fractions here are plain numbers, 0.05 for 50,000 ppm; amounts are in one unit throughout, USDC or quantums.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal

from monitor.domain.instrument import BadSchedule, MarginTier, TierSchedule, checked_schedule
from monitor.margin.rows import N

ONE_PPM = Decimal("0.000001")
NOTHING = Decimal(0)
CAP_HOURS = 8  # the rate that the chain caps is one of so many


def maintenance_fraction(initial: Decimal, share: Decimal) -> Decimal:
    """The maintenance margin fraction that the chain tells of a tier whose maintenance fraction is this
    `share` of its initial margin fraction: whole ppm, cut off."""
    return (initial * share).quantize(ONE_PPM, ROUND_FLOOR)


def effective_initial_fraction(
    initial: Decimal, open_interest: Decimal, lower_cap: Decimal, upper_cap: Decimal
) -> Decimal:
    """The initial margin fraction at an open interest: the tier's own up to the lower cap, 1 from the upper
    one, a straight line between; an upper cap of 0 switches that off."""
    if upper_cap == 0 or open_interest <= lower_cap:
        return initial
    if open_interest >= upper_cap:
        return Decimal(1)
    return initial + (1 - initial) * (open_interest - lower_cap) / (upper_cap - lower_cap)


def tier_step(
    initial: Decimal, share: Decimal, open_interest: Decimal, lower_cap: Decimal, upper_cap: Decimal
) -> MarginTier:
    """What a market in this tier charges at its open interest now, whatever the size. Maintenance margin is
    charged on the whole product, of which `maintenance_fraction` cuts something off, and open interest does
    not touch it."""
    effective = effective_initial_fraction(initial, open_interest, lower_cap, upper_cap)
    return MarginTier(NOTHING, initial * share, effective, NOTHING)


def liquidity_tier(
    initial: Decimal, share: Decimal, open_interest: Decimal, lower_cap: Decimal, upper_cap: Decimal
) -> TierSchedule:
    """The schedule of that one step; raises BadSchedule for what no tier can be."""
    step = tier_step(initial, share, open_interest, lower_cap, upper_cap)
    told = f"liquidity tier {initial}, {share} of it to maintain, open interest {open_interest:,f}"
    if upper_cap:
        told += f", caps {lower_cap:,f} and {upper_cap:,f}"
    if open_interest < 0 or (upper_cap and not 0 <= lower_cap <= upper_cap):
        what = f"open interest {open_interest}, caps {lower_cap} and {upper_cap} do not rise from 0"
        raise BadSchedule(f"{told}: tier 1: {what}")
    return checked_schedule(TierSchedule((step,), told))


def funding_cap(factor: Decimal, initial: Decimal, share: Decimal) -> Decimal:
    """The most that the rate of CAP_HOURS can be, up or down: `factor` (6 on the main chain) times what the
    initial fraction is above the maintenance fraction."""
    return factor * (initial - maintenance_fraction(initial, share))


def unsettled_funding(index_now: N, index_then: N, quantity: N) -> N:
    """What a signed position has to receive since the subaccount was last touched, when the funding index of
    its market stood at `index_then`; negative where it pays. In quote per unit of the index and the quantity:
    the chain tells millionths of quantums per base quantum."""
    return (index_then - index_now) * quantity
