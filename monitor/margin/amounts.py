"""What a balance holds and owes now, from what its venue stated some time ago.

Interest since then, funding that the venue has not settled yet, the impact of closing that a check takes off:
each is a fact of the venue and one formula. The book asks for them over Decimal; an explanation runs the same
text over numbers that remember, and so shows what was stated and what became of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Generic, NamedTuple, TypeAlias

from monitor.domain.accrual import AaveReserve, CometBase, Loan
from monitor.domain.event import BalanceFact, PositionFact
from monitor.domain.instrument import Instrument
from monitor.margin.accrual import aave_debt_index, aave_liquidity_index, comet_index, maker_rate
from monitor.margin.dydx_terms import unsettled_funding
from monitor.margin.gmx import closing_impact
from monitor.margin.interest import hours_begun, hours_charged, owed_on_loan
from monitor.margin.rows import N

SECOND_NS = 1_000_000_000
Number: TypeAlias = Callable[[Decimal, str], N]  # a stated number and its name, as what is calculated with
Held: TypeAlias = tuple[PositionFact, Instrument]


class Amounts(NamedTuple, Generic[N]):
    """Of one balance, in its asset."""

    wallet: N
    borrowed: N


def is_stated_before(fact: BalanceFact, legs: Sequence[Held]) -> bool:
    """Whether anything has to be added to what is stated."""
    return fact.accrual is not None or any(_moves_wallet(*held) for held in legs)


def amounts_now(fact: BalanceFact, legs: Sequence[Held], wall_ns: int, number: Number[N]) -> Amounts[N]:
    """The balance at `wall_ns`, and what the positions that are paid in it have added and not been paid."""
    wallet, borrowed = accrued(fact, wall_ns, number)
    for leg, instrument in legs:
        name = instrument.id.partition(":")[2]
        if leg.funding_index is not None and instrument.funding_index is not None:
            now = number(instrument.funding_index, f"funding index of {name} now")
            then = number(leg.funding_index, f"funding index of {name} when last settled")
            unsettled = unsettled_funding(now, then, number(leg.quantity, f"quantity of {name}"))
            wallet = wallet + unsettled
        if leg.closing_impact:
            size = abs(leg.quantity) * instrument.multiplier * leg.entry_price
            stated = number(leg.closing_impact, f"impact of closing {name}")
            most = number(instrument.most_impact, f"most impact of {name}")
            counted = closing_impact(stated, number(size, f"size of {name}"), most)
            wallet = wallet + counted
    return Amounts(wallet, borrowed)


def accrued(fact: BalanceFact, wall_ns: int, number: Number[N]) -> Amounts[N]:
    """Wallet and debt with the interest since they were stated."""
    stated = fact.accrual
    if stated is None:
        return Amounts(number(fact.wallet, "wallet"), number(fact.borrowed, "borrowed"))
    if isinstance(stated, Loan):
        return Amounts(number(fact.wallet, "wallet"), loan(stated, wall_ns, number))
    seconds = max(0, wall_ns - stated.told_ns) // SECOND_NS
    if isinstance(stated, AaveReserve):
        return aave_reserve(stated, seconds, number)
    if isinstance(stated, CometBase):
        return comet_base(stated, seconds, number)
    rate = maker_rate(number(stated.rate, "rate"), number(stated.fee, "fee"), seconds)
    borrowed = number(stated.art, "art") * rate
    return Amounts(number(fact.wallet, "wallet"), borrowed)


def loan(stated: Loan, wall_ns: int, number: Number[N]) -> N:
    """What is owed on a margin loan."""
    if stated.interest_ns is None:
        hours = hours_charged(stated.borrowed_ns, wall_ns)
    else:
        hours = hours_begun(stated.interest_ns, wall_ns)
    terms = (number(stated.principal, "principal"), number(stated.hourly_rate, "hourly rate"))
    charged = number(stated.interest, "interest charged")
    return owed_on_loan(*terms, charged, number(Decimal(hours), "hours since"))


def aave_reserve(stated: AaveReserve, seconds: int, number: Number[N]) -> Amounts[N]:
    """Supply and debt at the indices of now."""
    wallet = number(stated.scaled_supply, "scaled supply")
    borrowed = number(stated.scaled_debt, "scaled debt")
    if stated.scaled_supply:
        index, rate = number(stated.supply_index, "supply index"), number(stated.supply_rate, "supply rate")
        supply_index_now = aave_liquidity_index(index, rate, seconds)
        wallet = wallet * supply_index_now
    if stated.scaled_debt:
        index, rate = number(stated.debt_index, "debt index"), number(stated.debt_rate, "debt rate")
        debt_index_now = aave_debt_index(index, rate, seconds)
        borrowed = borrowed * debt_index_now
    return Amounts(wallet, borrowed)


def comet_base(stated: CometBase, seconds: int, number: Number[N]) -> Amounts[N]:
    """The principal at the index of its side."""
    principal = number(stated.principal, "principal")
    if stated.principal < 0:
        index, rate = number(stated.debt_index, "debt index"), number(stated.debt_rate, "debt rate")
        debt_index_now = comet_index(index, rate, seconds)
        return Amounts(principal * 0, -principal * debt_index_now)
    index, rate = number(stated.supply_index, "supply index"), number(stated.supply_rate, "supply rate")
    supply_index_now = comet_index(index, rate, seconds)
    return Amounts(principal * supply_index_now, principal * 0)


def _moves_wallet(leg: PositionFact, instrument: Instrument) -> bool:
    return bool(leg.closing_impact) or (
        leg.funding_index is not None and instrument.funding_index is not None
    )
