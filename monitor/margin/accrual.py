"""How lending protocols let interest grow between two writes on chain: what is stored is an index of some
time ago, and a balance or a debt of now is the stored amount times the index of now (MARGIN 14 to 16).

All functions are pure: over Decimal in the book, over floats that remember in an explanation. `seconds` is
the time since the index was written, by the chain's clock; before that, nothing has grown. A rate is a plain
fraction (0.05 is 5 %) a year or a second as named, an index a plain number near 1: what the chain holds, over
its scale (1e27 in Aave and Maker, 1e15 in Compound).
The chain rounds each step to its scale, which is not done here: it moves the last digits of the index.
"""

from __future__ import annotations

from decimal import localcontext

from monitor.margin.rows import N

YEAR_S = 365 * 24 * 3600  # of Aave, leap years too
PRECISION = 50  # more than the 28 digits of Decimal: an index has 27 behind the point


def aave_liquidity_index(index: N, yearly_rate: N, seconds: int) -> N:
    """Aave's liquidity index of now; an aToken balance is the scaled balance times it. Simple interest since
    the last write: index x (1 + rate x seconds / year)."""
    with localcontext(prec=PRECISION):
        return index * (1 + yearly_rate * max(0, seconds) / YEAR_S)


def aave_debt_index(index: N, yearly_rate: N, seconds: int) -> N:
    """Aave's variable borrow index of now; a debt is the scaled debt times it.

    Interest compounds every second, by the first four terms of the binomial of (1 + rate / year)^seconds
    (MathUtils.calculateCompoundedInterest), which is never more than the power.
    """
    time = max(0, seconds)
    with localcontext(prec=PRECISION):
        rate = yearly_rate / YEAR_S
        second = rate * rate * time * (time - 1) / 2
        third = rate * rate * rate * time * (time - 1) * max(0, time - 2) / 6
        return index * (1 + rate * time + second + third)


def comet_index(index: N, rate_per_second: N, seconds: int) -> N:
    """Compound v3's base supply or base borrow index of now, at the market's supply or borrow rate of a
    second; the base balance is the principal times it. Simple interest since the last accrual
    (Comet.accruedInterestIndices)."""
    with localcontext(prec=PRECISION):
        return index * (1 + rate_per_second * max(0, seconds))


def maker_rate(rate: N, fee_per_second: N, seconds: int) -> N:
    """A vault type's `rate` of now, as `jug.drip` would write it: rate x fee^seconds. A debt is `art` times
    it. The fee is `base + duty`, a factor a second (1.0000000015 is some 5 % a year)."""
    with localcontext(prec=PRECISION):
        growth: N = fee_per_second ** max(0, seconds)
        return rate * growth
