"""What another account of the desk can spare: it stays below its own warning, by ratio and by distance."""

from __future__ import annotations

from monitor.book.assessor import Assessor
from monitor.book.placing import PlacedPool, Placing
from monitor.book.what_if import Limits, given_away, ratio_within
from monitor.domain.assessment import RiskBand, TransferRoute


def ratio_of_giver(
    route: TransferRoute, desk: str, amount: float, placing: Placing, assessor: Assessor
) -> float | None:
    """The ratio of the pool that gives so much, after it; None where no pool at the other end can."""
    for pool in placing.pools.values():
        if pool.account == route.from_account and pool.desk == desk and route.asset in pool.assets:
            found = _after_giving(pool, pool.assets.index(route.asset), amount, placing, assessor)
            if found is not None:
                return found
    return None


def _after_giving(
    pool: PlacedPool, line: int, amount: float, placing: Placing, assessor: Assessor
) -> float | None:
    """Of a pool on the venue's word nobody knows what it would require; an isolated margin is no wallet."""
    book = assessor.book()
    account = book.pools[pool.row]
    band = RiskBand(int(assessor.figures[pool.row].band))
    wallet = float(book.balances[account.balance_first + line].wallet)
    if band is not RiskBand.CLEAR or pool.is_told or pool.fact.is_isolated or not wallet >= amount:
        return None
    levels = placing.levels[int(account.levels)]
    limits = Limits(levels.clear_at[0], levels.distance_clear[0], keeps_initial=True)
    return ratio_within(assessor.solver, given_away(pool.row, line, amount, book), limits)
