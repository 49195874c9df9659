"""Bybit v5 unified account. `accountMMRate`, lower is safer, liquidation at 1.

Fields: GET /v5/account/wallet-balance (bybit-exchange.github.io/docs/v5/account/wallet-balance, stored
copy and the sample in ccxt 4.5.90, read 2026-11-23). Threshold: help centre,
Glossary-Unified-Trading-Account. In isolated margin mode the account's rates are empty, and a position
tells no ratio of its own.
"""

from __future__ import annotations

import msgspec

from adapters.ccxt_venue.entry import Entry, Rights, field
from adapters.ccxt_venue.told import Answers, Figure, Json, Told, number, shaped
from adapters.venue import VenueUnavailable

POOL = "unified"
RATIO = "accountMMRate"


class Wallet(msgspec.Struct):
    """The account, in USD."""

    accountMMRate: Figure = None
    totalMarginBalance: Figure = None
    totalWalletBalance: Figure = None
    totalMaintenanceMargin: Figure = None
    totalInitialMargin: Figure = None


class Wallets(msgspec.Struct):
    """`result`"""

    accounts: list[Wallet] = msgspec.field(name="list")


class Answer(msgspec.Struct):
    """The whole answer."""

    result: Wallets


def read(answers: Answers) -> list[Told]:
    """One pool, the account."""
    wallets = shaped(answers.balances[0], Answer, "wallet-balance").result.accounts
    if not wallets:
        raise VenueUnavailable("wallet-balance: no account in the answer")
    wallet = wallets[0]
    rate = number(wallet.accountMMRate)
    if rate is None:  # also without a position: one of a category that is not listed here may be there
        return [Told(POOL, "USD", untold="bybit tells no account ratio in isolated margin mode")]
    equity, maintenance = number(wallet.totalMarginBalance), number(wallet.totalMaintenanceMargin)
    initial = number(wallet.totalInitialMargin)
    told = Told(POOL, "USD", equity, maintenance, initial, rate, RATIO, ours=rate)
    return [msgspec.structs.replace(told, wallet=number(wallet.totalWalletBalance))]


def too_many(answer: Json) -> list[str]:
    """A key is read only, or it is not (GET /v5/user/query-api)."""
    result = answer.get("result")
    read_only = result.get("readOnly") if isinstance(result, dict) else None
    return [] if str(read_only) == "1" else ["readOnly is not 1"]


ENTRY = Entry(
    read=read,
    pool_of=lambda _, __: POOL,
    liquidation_price=field("liqPrice"),
    source="bybit.com help centre, Glossary-Unified-Trading-Account, read 2026-11-22",
    positions=(
        {"settleCoin": "USDT", "type": "swap", "subType": "linear"},
        {"settleCoin": "USDC", "type": "swap", "subType": "linear"},
    ),
    rights=Rights("privateGetV5UserQueryApi", too_many),
    not_read="positions in inverse contracts and options, though the account's ratio counts them",
)
