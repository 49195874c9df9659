"""Amounts that grow between two statements of a venue: what it stated, and when.

A venue tells a loan and its rate, or an index and how fast it grows; what is held and owed now follows from
that (`monitor.margin.amounts`). Adapters and book files only state these facts; their tags are in recordings.
Times are wall clock, in ns since 1970. An index and a rate are plain numbers: what the chain holds, over its
scale.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec


class Loan(msgspec.Struct, frozen=True, tag="loan"):
    """A margin loan: interest is charged by the clock hour, on the principal."""

    principal: Decimal
    hourly_rate: Decimal
    borrowed_ns: int
    interest: Decimal = Decimal(0)  # charged up to `interest_ns`, and not paid
    interest_ns: int | None = None  # None: none was told, so it is charged from the hour of borrowing on

    @property
    def told_ns(self) -> int:
        """As of when it is stated."""
        return self.borrowed_ns if self.interest_ns is None else self.interest_ns


class AaveReserve(msgspec.Struct, frozen=True, tag="aave"):
    """An account's scaled balances in one reserve of Aave; rates are of a year."""

    scaled_supply: Decimal
    scaled_debt: Decimal
    supply_index: Decimal
    debt_index: Decimal
    supply_rate: Decimal
    debt_rate: Decimal
    told_ns: int  # of the reserve's last update


class CometBase(msgspec.Struct, frozen=True, tag="comet"):
    """An account's principal in the base asset of a Compound market; rates are of a second."""

    principal: Decimal  # below 0 it is owed
    supply_index: Decimal
    debt_index: Decimal
    supply_rate: Decimal
    debt_rate: Decimal
    told_ns: int  # of the market's last accrual


class VaultDebt(msgspec.Struct, frozen=True, tag="maker"):
    """What a Maker vault owes; the fee is a factor of a second, `base + duty`."""

    art: Decimal
    rate: Decimal
    fee: Decimal
    told_ns: int  # of the last drip


Accrual = Loan | AaveReserve | CometBase | VaultDebt
