"""Gate. Unified: `total_maintenance_margin_rate` is margin balance / maintenance margin, higher is safer,
liquidation at 1. Classic futures: an isolated position is liquidated when margin + unrealised profit falls
to maintenance margin.

Fields: GET /unified/accounts and /futures/{settle}/positions (gate.com/docs/developers/apiv4, stored
copies and the samples in ccxt 4.5.90, read 2026-11-23). Unified threshold: help centre, unified account
(MARGIN section 13); that the rate is the quotient was checked on the sample. Of the classic account's
cross margin no ratio is told.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from adapters.ccxt_venue.entry import Entry, Names, field
from adapters.ccxt_venue.told import Answers, Figure, Json, Told, inverted, number, quotient, shaped, total
from adapters.venue import VenueUnavailable

UNIFIED, UNIFIED_MODE = "unified", 2
RATE = "total_maintenance_margin_rate"
QUOTIENT = "maintenance_margin / (margin + unrealised_pnl)"


class Account(msgspec.Struct):
    """One futures account, or the unified one."""

    currency: str = ""
    total: Figure = None
    total_margin_balance: Figure = None
    total_maintenance_margin: Figure = None
    total_initial_margin: Figure = None
    total_maintenance_margin_rate: Figure = None


class Key(msgspec.Struct):
    """`mode` 2 is a unified account."""

    mode: int


class Owner(msgspec.Struct):
    """GET /account/detail."""

    key: Key


class Position(msgspec.Struct):
    """One position; leverage 0 is cross."""

    contract: str
    mode: str = "single"
    leverage: Figure = None
    margin: Figure = None
    unrealised_pnl: Figure = None
    maintenance_margin: Figure = None


def read(answers: Answers) -> list[Told]:
    """The unified account, or each isolated position and the cross rest of each settle currency."""
    accounts = [shaped(_one(answer), Account, "accounts") for answer in answers.balances]
    positions = [shaped(info, Position, "positions") for info in answers.positions]
    isolated = [_isolated(position) for position in positions if not _is_cross(position)]
    unified = next((found for found in accounts if found.total_maintenance_margin is not None), None)
    if unified is not None:
        return [_unified(unified), *isolated]
    if shaped(answers.extras[0], Owner, "account/detail").key.mode == UNIFIED_MODE:
        # ccxt takes an account for a classic one when it can't ask, and stays with it.
        raise VenueUnavailable("gate: a unified account was read as a classic one")
    return isolated + _classic(accounts, [position for position in positions if _is_cross(position)])


def pool_of(info: Json, names: Names) -> str:
    """The isolated position's own pool, or cross of its settle currency."""
    position = shaped(info, Position, "positions")
    if not _is_cross(position):
        return _name(position)
    return UNIFIED if UNIFIED in names else f"cross-{_settle(position)}"


def _one(answer: object) -> object:
    return answer[0] if isinstance(answer, list) and answer else answer


def _is_cross(position: Position) -> bool:
    return number(position.leverage) == 0


def _settle(position: Position) -> str:
    base, _, quote = position.contract.partition("_")
    return "BTC" if quote == "USD" and base == "BTC" else quote


def _unified(account: Account) -> Told:
    rate = number(account.total_maintenance_margin_rate)
    figures = (number(account.total_margin_balance), number(account.total_maintenance_margin))
    return Told(UNIFIED, "USD", *figures, number(account.total_initial_margin), rate, RATE, inverted(rate))


def _classic(accounts: list[Account], held: list[Position]) -> list[Told]:
    in_use = {_settle(position) for position in held}
    untold = "gate tells no ratio of cross margin in the classic futures account"
    pools = [Told(f"cross-{currency}", currency, untold=untold) for currency in sorted(in_use)]
    for account in accounts:
        currency, equity = account.currency.upper(), number(account.total)
        if currency not in in_use and equity:
            pools.append(Told(f"cross-{currency}", currency, equity, Decimal(0), ratio_name=QUOTIENT))
    return pools


def _name(position: Position) -> str:
    side = position.mode.removeprefix("dual_") if position.mode.startswith("dual") else ""
    return f"isolated-{position.contract}{side and '-' + side}"


def _isolated(position: Position) -> Told:
    equity = total([number(position.margin), number(position.unrealised_pnl)])
    maintenance = number(position.maintenance_margin)
    ratio = quotient(maintenance, equity)
    return Told(_name(position), _settle(position), equity, maintenance, None, ratio, QUOTIENT, ratio)


ENTRY = Entry(
    read=read,
    pool_of=pool_of,
    liquidation_price=field("liq_price"),
    source="gate.com help centre, unified account; ccxt 4.5.90 gate.py, parse_position; read 2026-11-23",
    balances=({"type": "swap", "settle": "usdt"}, {"type": "swap", "settle": "btc"}),
    extras=("privateAccountGetDetail",),
    positions=({"type": "swap", "settle": "usdt"}, {"type": "swap", "settle": "btc"}),
    not_read="delivery contracts and options",
)
