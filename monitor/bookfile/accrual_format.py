"""How a balance of a book file grows: what its venue stated, and when. See `domain.accrual`."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from monitor.bookfile.part import Part, Rate


class Loan(Part, frozen=True, tag_field="kind", tag="loan"):
    """A margin loan: interest by the clock hour (UTC), on the principal. The balance's `borrowed` is left
    out."""

    principal: Decimal
    hourly_rate: Rate
    borrowed_at: datetime
    interest: Decimal = Decimal(0)  # charged up to `interest_at`, and not paid
    interest_at: datetime | None = None  # absent: none was told, and it is counted from `borrowed_at` on


class AaveReserve(Part, frozen=True, tag_field="kind", tag="aave"):
    """Scaled balances in a reserve, its indices (1.08, not in ray) and its rates of a year. The balance's
    `wallet` and `borrowed` are left out."""

    updated_at: datetime
    scaled_supply: Decimal = Decimal(0)
    supply_index: Decimal | None = None  # of what is not nothing, index and rate are needed
    supply_rate: Rate | None = None
    scaled_debt: Decimal = Decimal(0)
    debt_index: Decimal | None = None
    debt_rate: Rate | None = None


class CometBase(Part, frozen=True, tag_field="kind", tag="comet"):
    """The principal in the base asset, below 0 where it is owed, the market's indices and its rates of a
    second. The balance's `wallet` and `borrowed` are left out."""

    updated_at: datetime
    principal: Decimal
    supply_index: Decimal | None = None  # of the principal's own side, index and rate are needed
    supply_rate: Rate | None = None
    debt_index: Decimal | None = None
    debt_rate: Rate | None = None


class VaultDebt(Part, frozen=True, tag_field="kind", tag="maker"):
    """The vault's `art`, and its type's `rate` with the fee of a second as a factor (1.0000000015). The
    balance's `borrowed` is left out."""

    updated_at: datetime
    art: Decimal
    rate: Decimal
    fee: Decimal


Accrual = Loan | AaveReserve | CometBase | VaultDebt
