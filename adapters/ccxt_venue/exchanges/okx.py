"""OKX. `mgnRatio` is (adjusted) equity / (maintenance margin + liquidation fee): higher is safer,
liquidation at 1.

Fields: GET /api/v5/account/balance and /account/positions (okx.com/docs-v5/en, stored copies and the
samples in ccxt 4.5.90, read 2026-11-23). Direction, threshold and that 11.73 means 1173 %: okx.com/help,
maintenance margin ratio; three samples reproduced (MARGIN section 6). Account-wide in multi-currency and
portfolio mode, by currency in the futures mode, by position where isolated. Where nothing is held the
field is empty.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from adapters.ccxt_venue.entry import Entry, Names, Rights, field
from adapters.ccxt_venue.told import Answers, Figure, Json, Told, inverted, number, shaped, total
from adapters.venue import VenueUnavailable

CROSS = "cross"
RATIO = "mgnRatio"
NOTHING = Decimal(0)


class Detail(msgspec.Struct):
    """One currency of the account."""

    ccy: str
    eq: Figure = None
    mmr: Figure = None
    imr: Figure = None
    mgnRatio: Figure = None
    liab: Figure = None


class Account(msgspec.Struct):
    """The account, in USD."""

    adjEq: Figure = None
    totalEq: Figure = None
    mmr: Figure = None
    imr: Figure = None
    mgnRatio: Figure = None
    details: list[Detail] = []


class Balance(msgspec.Struct):
    """The whole answer."""

    data: list[Account]


class Position(msgspec.Struct):
    """One position; `margin` and `mmr` are in `ccy`."""

    instId: str
    mgnMode: str
    ccy: str = ""
    posSide: str = "net"
    margin: Figure = None
    upl: Figure = None
    mmr: Figure = None
    mgnRatio: Figure = None


def read(answers: Answers) -> list[Told]:
    """A pool for each isolated position, and cross as the account's mode has it."""
    accounts = shaped(answers.balances[0], Balance, "account/balance").data
    if not accounts:
        raise VenueUnavailable("account/balance: no account in the answer")
    positions = [shaped(info, Position, "account/positions") for info in answers.positions]
    isolated = [_isolated(position) for position in positions if position.mgnMode == "isolated"]
    cross = [position for position in positions if position.mgnMode != "isolated"]
    return isolated + _cross(accounts[0], cross)


def pool_of(info: Json, names: Names) -> str:
    """The isolated position's own pool, or cross; in the futures mode that of its currency."""
    position = shaped(info, Position, "account/positions")
    if position.mgnMode == "isolated":
        return _name(position)
    return CROSS if CROSS in names else f"cross-{position.ccy}"


def _cross(account: Account, held: list[Position]) -> list[Told]:
    ratio = number(account.mgnRatio)
    if ratio is not None:
        figures = (number(account.adjEq), number(account.mmr), number(account.imr))
        return [Told(CROSS, "USD", *figures, ratio, RATIO, ours=inverted(ratio))]
    by_currency = [_currency(detail) for detail in account.details if number(detail.mgnRatio) is not None]
    told = {pool.unit for pool in by_currency}
    left = sorted({position.ccy for position in held} - told)
    owed = any(number(detail.liab) for detail in account.details)
    if not by_currency and not left and not owed:
        equity = number(account.totalEq)
        return [Told(CROSS, "USD", equity, NOTHING, NOTHING, ratio_name=RATIO)]
    untold = "okx tells no mgnRatio of it, though something is held"
    return by_currency + [Told(f"cross-{currency}", currency or "USD", untold=untold) for currency in left]


def _currency(detail: Detail) -> Told:
    ratio = number(detail.mgnRatio)
    figures = (number(detail.eq), number(detail.mmr), number(detail.imr))
    return Told(f"cross-{detail.ccy}", detail.ccy, *figures, ratio, RATIO, ours=inverted(ratio))


def _name(position: Position) -> str:
    side = "" if position.posSide == "net" else f"-{position.posSide}"
    return f"isolated-{position.instId}{side}"


def _isolated(position: Position) -> Told:
    ratio = number(position.mgnRatio)
    equity = total([number(position.margin), number(position.upl)])
    return Told(
        _name(position), position.ccy, equity, number(position.mmr), None, ratio, RATIO, inverted(ratio)
    )


def too_many(answer: Json) -> list[str]:
    """`perm` lists read_only, trade, withdraw (GET /api/v5/account/config)."""
    rows = answer.get("data")
    row = rows[0] if isinstance(rows, list) and rows else {}
    rights = str(row.get("perm", "")).split(",") if isinstance(row, dict) else [""]
    return sorted(right.strip() or "perm is not told" for right in rights if right.strip() != "read_only")


ENTRY = Entry(
    read=read,
    pool_of=pool_of,
    liquidation_price=field("liqPx"),
    source="okx.com/help, maintenance margin ratio and isolated margin (6997123251341), read 2026-11-22",
    rights=Rights("privateGetAccountConfig", too_many),
)
