"""How balances of a book file grow: checked, and as the facts that an adapter would state."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NoReturn

from monitor.bookfile import accrual_format as given
from monitor.bookfile import format as parts
from monitor.bookfile.moment import moment_ns, moment_of
from monitor.bookfile.problem import BookFileError
from monitor.domain.accrual import AaveReserve, Accrual, CometBase, Loan, VaultDebt

NOTHING = Decimal(0)
ONE = Decimal(1)
LENDS = (given.AaveReserve, given.CometBase)  # of these what is there follows from the accrual as well


def accrual_of(source: str, where: str, held: parts.Balance, wall_ns: int) -> Accrual:
    """The facts of a balance that has an accrual; BookFileError with the path of what can't be meant."""
    assert held.accrual is not None
    check = _Check(source, where, wall_ns)
    check.left_out("borrowed", held.borrowed)
    if isinstance(held.accrual, LENDS):
        check.left_out("wallet", held.wallet)
    check = _Check(source, f"{where}.accrual", wall_ns)
    if isinstance(held.accrual, given.Loan):
        return _loan(held.accrual, check)
    if isinstance(held.accrual, given.AaveReserve):
        return _reserve(held.accrual, check)
    if isinstance(held.accrual, given.CometBase):
        return _base(held.accrual, check)
    return _vault(held.accrual, check)


class _Check:
    """Numbers and times of one accrual."""

    def __init__(self, source: str, where: str, wall_ns: int) -> None:
        self._source = source
        self._where = where
        self._wall_ns = wall_ns

    def left_out(self, name: str, value: Decimal) -> None:
        """It would be counted twice, or not at all."""
        if value:
            self.refuse(name, "stands beside the accrual that it follows from: leave it out")

    def passed(self, name: str, moment: datetime, since_ns: int = 0) -> int:
        """A time that is not after the file's own, nor before another."""
        if moment.tzinfo is None:
            self.refuse(name, 'a time needs its zone, e.g. "2026-11-23T06:00:00Z"')
        at_ns = moment_ns(moment) or 0
        if at_ns > self._wall_ns:
            self.refuse(name, "lies after as_of")
        if at_ns < since_ns:
            self.refuse(name, "lies before borrowed_at")
        return at_ns

    def least(self, name: str, value: Decimal, least: Decimal = NOTHING) -> Decimal:
        """A number that is at least so much."""
        if value < least:
            self.refuse(name, f"{value} is below {least}")
        return value

    def side(
        self, name: str, is_held: bool, index: Decimal | None, rate: Decimal | None
    ) -> tuple[Decimal, Decimal]:
        """Index and rate of one side; of what is not held they say nothing."""
        for what, value in (("index", index), ("rate", rate)):
            if is_held and value is None:
                self.refuse(f"{name}_{what}", f"missing; the {name} grows by it")
        grown = self.least(f"{name}_index", ONE if index is None else index, ONE)  # each began at 1
        return grown, self.least(f"{name}_rate", NOTHING if rate is None else rate)

    def refuse(self, name: str, what: str) -> NoReturn:
        """Raises the error."""
        raise BookFileError(self._source, f"{self._where}.{name}", what)


def _loan(stated: given.Loan, check: _Check) -> Loan:
    borrowed_ns = check.passed("borrowed_at", stated.borrowed_at)
    if stated.interest and stated.interest_at is None:
        check.refuse("interest_at", "missing; interest was charged up to some time")
    at = stated.interest_at
    return Loan(
        principal=check.least("principal", stated.principal),
        hourly_rate=check.least("hourly_rate", stated.hourly_rate),
        borrowed_ns=borrowed_ns,
        interest=check.least("interest", stated.interest),
        interest_ns=None if at is None else check.passed("interest_at", at, borrowed_ns),
    )


def _reserve(stated: given.AaveReserve, check: _Check) -> AaveReserve:
    supply, debt = stated.scaled_supply, stated.scaled_debt
    supply_side = check.side("supply", bool(supply), stated.supply_index, stated.supply_rate)
    debt_side = check.side("debt", bool(debt), stated.debt_index, stated.debt_rate)
    return AaveReserve(
        scaled_supply=check.least("scaled_supply", supply),
        scaled_debt=check.least("scaled_debt", debt),
        supply_index=supply_side[0],
        debt_index=debt_side[0],
        supply_rate=supply_side[1],
        debt_rate=debt_side[1],
        told_ns=check.passed("updated_at", stated.updated_at),
    )


def _base(stated: given.CometBase, check: _Check) -> CometBase:
    principal = stated.principal
    supply_side = check.side("supply", principal > 0, stated.supply_index, stated.supply_rate)
    debt_side = check.side("debt", principal < 0, stated.debt_index, stated.debt_rate)
    return CometBase(
        principal=principal,
        supply_index=supply_side[0],
        debt_index=debt_side[0],
        supply_rate=supply_side[1],
        debt_rate=debt_side[1],
        told_ns=check.passed("updated_at", stated.updated_at),
    )


def _vault(stated: given.VaultDebt, check: _Check) -> VaultDebt:
    return VaultDebt(
        art=check.least("art", stated.art),
        rate=check.least("rate", stated.rate, ONE),
        fee=check.least("fee", stated.fee, ONE),
        told_ns=check.passed("updated_at", stated.updated_at),
    )


def stated(accrual: Accrual) -> given.Accrual:
    """The facts as a book file states them."""
    if isinstance(accrual, Loan):
        borrowed_at, interest_at = moment_of(accrual.borrowed_ns), moment_of(accrual.interest_ns)
        assert borrowed_at is not None
        terms = (accrual.principal, accrual.hourly_rate)
        return given.Loan(*terms, borrowed_at, accrual.interest, interest_at)
    told_at = moment_of(accrual.told_ns)
    assert told_at is not None
    if isinstance(accrual, VaultDebt):
        return given.VaultDebt(told_at, accrual.art, accrual.rate, accrual.fee)
    supply, debt = (accrual.supply_index, accrual.supply_rate), (accrual.debt_index, accrual.debt_rate)
    if isinstance(accrual, CometBase):
        return given.CometBase(told_at, accrual.principal, *supply, *debt)
    return given.AaveReserve(told_at, accrual.scaled_supply, *supply, accrual.scaled_debt, *debt)
