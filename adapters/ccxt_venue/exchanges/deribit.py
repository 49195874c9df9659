"""Deribit. maintenance_margin / margin_balance, lower is safer, liquidation above 1.

Fields: private/get_account_summaries (docs.deribit.com; stored copies, a project's pinned answers of
segregated and of cross-collateral accounts, and the sample in ccxt 4.5.90, read 2026-11-23). Threshold:
support.deribit.com 25944738177565. There is no field with the ratio itself. With cross collateral every
currency repeats the same totals in USD.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from adapters.ccxt_venue.entry import Entry, Names, field
from adapters.ccxt_venue.told import Answers, Figure, Json, Told, number, quotient, shaped

CROSS = "cross-collateral"
RATIO = "maintenance_margin / margin_balance"


class Summary(msgspec.Struct):
    """One currency."""

    currency: str
    margin_balance: Figure = None
    maintenance_margin: Figure = None
    initial_margin: Figure = None
    equity: Figure = None
    balance: Figure = None
    cross_collateral_enabled: bool = False
    total_margin_balance_usd: Figure = None
    total_maintenance_margin_usd: Figure = None
    total_initial_margin_usd: Figure = None


class Summaries(msgspec.Struct):
    """`result`"""

    summaries: list[Summary]


class Position(msgspec.Struct):
    """One position: BTC-PERPETUAL, ETH-26JUN26-4000-C, SOL_USDC-PERPETUAL."""

    instrument_name: str


def read(answers: Answers) -> list[Told]:
    """One pool for all currencies with cross collateral, else one for each that holds anything."""
    summaries = shaped(answers.balances[0], Summaries, "get_account_summaries").summaries
    crossed = [summary for summary in summaries if summary.cross_collateral_enabled]
    alone = [_currency(row) for row in summaries if not row.cross_collateral_enabled and _is_in_use(row)]
    return ([_crossed(crossed[0])] if crossed else []) + alone


def pool_of(info: Json, names: Names) -> str:
    """The pool of the currency that the position settles in."""
    name = shaped(info, Position, "get_positions").instrument_name
    first = name.partition("-")[0]
    own = f"cross-{first.partition('_')[2] or first}"
    return own if own in names or CROSS not in names else CROSS


def _is_in_use(summary: Summary) -> bool:
    return bool(number(summary.equity) or number(summary.maintenance_margin))


def _crossed(summary: Summary) -> Told:
    return _told(
        CROSS,
        "USD",
        number(summary.total_margin_balance_usd),
        number(summary.total_maintenance_margin_usd),
        number(summary.total_initial_margin_usd),
    )


def _currency(summary: Summary) -> Told:
    figures = (number(summary.margin_balance), number(summary.maintenance_margin))
    told = _told(f"cross-{summary.currency}", summary.currency, *figures, number(summary.initial_margin))
    return msgspec.structs.replace(told, wallet=number(summary.balance))


def _told(
    pool: str, unit: str, equity: Decimal | None, maintenance: Decimal | None, initial: Decimal | None
) -> Told:
    ratio = quotient(maintenance, equity)
    return Told(pool, unit, equity, maintenance, initial, ratio, RATIO, ours=ratio)


ENTRY = Entry(
    read=read,
    pool_of=pool_of,
    liquidation_price=field("estimated_liquidation_price"),
    source="support.deribit.com 25944738177565, read 2026-11-22",
)
