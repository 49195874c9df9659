"""HTX, USDT-margined. The margin ratio is maintenance margin / equity, lower is safer, liquidation at 1.

Fields: GET /v5/account/balance and /v5/trade/position/opens (the samples in ccxt 4.5.90, read 2026-11-23).
Direction and threshold: htx.com/support/104919792315746 (liquidation indicators), stored copy read
2026-11-23. Equity there leaves the margin of isolated positions out, and of one of those the balance tells
no equity: not known.
"""

from __future__ import annotations

import msgspec

from adapters.ccxt_venue.entry import Entry, Names, field
from adapters.ccxt_venue.told import Answers, Figure, Json, Told, number, shaped, total

CROSS = "cross"
RATIO = "maintenance_margin_rate"


class Detail(msgspec.Struct):
    """One currency."""

    isolated_equity: Figure = "0"


class Account(msgspec.Struct):
    """The account, in USDT."""

    equity: Figure = None
    maintenance_margin: Figure = None
    initial_margin: Figure = None
    maintenance_margin_rate: Figure = None
    details: list[Detail] = []


class Balance(msgspec.Struct):
    """The whole answer."""

    data: Account


class Position(msgspec.Struct):
    """One position."""

    contract_code: str
    margin_mode: str
    position_side: str = "both"
    margin_currency: str = "USDT"


def read(answers: Answers) -> list[Told]:
    """The cross pool; an isolated position is a pool of which too little is told."""
    account = shaped(answers.balances[0], Balance, "account/balance").data
    rate = number(account.maintenance_margin_rate)
    apart = total([number(detail.isolated_equity) for detail in account.details])
    whole = number(account.equity)
    equity = whole - apart if whole is not None and apart is not None else whole
    maintenance, initial = number(account.maintenance_margin), number(account.initial_margin)
    cross = Told(CROSS, "USDT", equity, maintenance, initial, rate, RATIO, ours=rate)
    untold = "htx tells no equity of an isolated position here"
    positions = [shaped(info, Position, "position/opens") for info in answers.positions]
    names = {_name(found): found.margin_currency for found in positions if found.margin_mode == "isolated"}
    return [cross, *(Told(name, unit, untold=untold) for name, unit in sorted(names.items()))]


def pool_of(info: Json, _: Names) -> str:
    """Cross, or the isolated position's own pool."""
    position = shaped(info, Position, "position/opens")
    return _name(position) if position.margin_mode == "isolated" else CROSS


def _name(position: Position) -> str:
    side = "" if position.position_side == "both" else f"-{position.position_side}"
    return f"isolated-{position.contract_code}{side}"


ENTRY = Entry(
    read=read,
    pool_of=pool_of,
    liquidation_price=field("liquidation_price"),
    source="htx.com/support/104919792315746, read 2026-11-23",
    balances=({"type": "swap", "subType": "linear"},),
    positions=({"type": "swap", "subType": "linear"},),
    options={"defaultType": "swap", "defaultSubType": "linear"},
    not_read="coin-margined contracts",
)
