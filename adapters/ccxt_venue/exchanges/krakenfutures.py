"""Kraken Futures. Liquidated when equity is below maintenance margin; lower is safer, 1.

Fields: GET /derivatives/api/v3/accounts (docs.kraken.com; stored copies, another project's fixture and the
sample in ccxt 4.5.90, read 2026-11-23). Rule: support.kraken.com 360022632452 and 15579128794772. There is
no field with the ratio itself. A single-collateral account tells a maintenance margin `mm` and a
liquidation threshold `lt` of which the fixture has either greater: the greater one counts.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from adapters.ccxt_venue.entry import Entry, Names, field
from adapters.ccxt_venue.told import Answers, Figure, Json, Told, number, quotient, shaped

FLEX = "flex"
RATIO = "maintenanceMargin / marginEquity"
SINGLE_RATIO = "max(mm, lt) / pv"


class Auxiliary(msgspec.Struct, frozen=True):
    """`pv` is the portfolio value: balance with profit."""

    pv: Figure = None


class Requirements(msgspec.Struct, frozen=True):
    """Initial and maintenance margin, liquidation threshold."""

    im: Figure = None
    mm: Figure = None
    lt: Figure = None


class Account(msgspec.Struct):
    """A multi-collateral or a single-collateral account, or cash."""

    type: str
    currency: str = ""
    marginEquity: Figure = None
    balanceValue: Figure = None
    maintenanceMargin: Figure = None
    initialMargin: Figure = None
    auxiliary: Auxiliary = Auxiliary()
    marginRequirements: Requirements = Requirements()


class Accounts(msgspec.Struct):
    """The whole answer."""

    accounts: dict[str, Account]


class Position(msgspec.Struct):
    """pf_xbtusd in the multi-collateral account, pi_, fi_ and fv_ in one of their own."""

    symbol: str


def read(answers: Answers) -> list[Told]:
    """A pool for each account in use."""
    accounts = shaped(answers.balances[0], Accounts, "accounts").accounts
    pools = []
    for name, account in accounts.items():
        if account.type == "multiCollateralMarginAccount":
            pools.append(_flex(account))
        elif account.type == "marginAccount" and number(account.auxiliary.pv):
            pools.append(_single(name, account))
    return pools


def pool_of(info: Json, _: Names) -> str:
    """The account of a contract is named after its pair: fi_xbtusd of pi_xbtusd and of fi_xbtusd_261225."""
    kind, *rest = shaped(info, Position, "openpositions").symbol.lower().split("_")
    pair = rest[0] if rest else ""
    return FLEX if kind in ("pf", "ff") else f"{'fv' if kind == 'fv' else 'fi'}_{pair}"


def _flex(account: Account) -> Told:
    figures = (number(account.marginEquity), number(account.maintenanceMargin), number(account.initialMargin))
    told = _told(FLEX, "USD", *figures, RATIO)
    return msgspec.structs.replace(told, wallet=number(account.balanceValue))


def _single(name: str, account: Account) -> Told:
    asked = account.marginRequirements
    told = [value for value in (number(asked.mm), number(asked.lt)) if value is not None]
    equity = number(account.auxiliary.pv)
    return _told(
        name, account.currency.upper(), equity, max(told, default=None), number(asked.im), SINGLE_RATIO
    )


def _told(
    pool: str,
    unit: str,
    equity: Decimal | None,
    maintenance: Decimal | None,
    initial: Decimal | None,
    ratio_name: str,
) -> Told:
    ratio = quotient(maintenance, equity)
    return Told(pool, unit, equity, maintenance, initial, ratio, ratio_name, ours=ratio)


ENTRY = Entry(
    read=read,
    pool_of=pool_of,
    liquidation_price=field("liquidationPrice"),  # not among the told fields in 2026: then none is shown
    source="support.kraken.com 360022632452 and 15579128794772, read 2026-11-22",
)
