"""From one reading of a Bybit account to a snapshot, and whether a second endpoint agrees with it."""

from __future__ import annotations

import msgspec

from adapters.bybit.codec import MILLISECOND_NS
from adapters.bybit.frames import AccountInfo, CoinAmounts, Position, Wallet
from adapters.bybit.state import (
    SETTLE_COINS,
    ZERO,
    Terms,
    isolated_balance,
    isolated_pool,
    marks_of,
    position_fact,
)
from adapters.bybit.wallet import nothing, unified_pool, wallet_balances, wallet_pool, wallet_prices
from adapters.numbers import fact
from adapters.venue import UnsupportedMode
from monitor.domain.event import AccountSnapshot
from monitor.domain.identity import AccountId

CROSS, ISOLATED = "REGULAR_MARGIN", "ISOLATED_MARGIN"
CLASSIC = 1
UNIFIED_FROM = 3  # 3 and 4 are UTA 1.0, 5 and 6 UTA 2.0


class Reading(msgspec.Struct, frozen=True):
    """What the endpoints told: the wallet, the open linear positions, and the time of the first answer."""

    wallet: Wallet
    positions: tuple[Position, ...]
    time_ms: int


def check_mode(info: AccountInfo) -> bool:
    """Whether margin is isolated; raises UnsupportedMode for what no model covers."""
    if info.unifiedMarginStatus < UNIFIED_FROM:
        raise UnsupportedMode(
            f"Bybit account with unifiedMarginStatus {info.unifiedMarginStatus} is not supported: only "
            "unified trading accounts are (docs v5, acct-mode)"
        )
    if info.marginMode not in (CROSS, ISOLATED):
        raise UnsupportedMode(
            f"Bybit margin mode {info.marginMode!r} is not supported (docs v5, account/account-info)"
        )
    return info.marginMode == ISOLATED


def account_snapshot(
    account: AccountId, reading: Reading, terms: Terms, received_ns: int, confirmed: bool
) -> AccountSnapshot:
    """The account as one reading tells it; raises BadNumber or BadName."""
    wallet, positions = reading.wallet, reading.positions
    venue_ns = reading.time_ms * MILLISECOND_NS
    terms.coins.clear()
    balances = wallet_balances(wallet, terms)
    if terms.is_isolated:
        shown = {balance.asset for balance in balances} | {SETTLE_COINS[0]}
        pools = [wallet_pool(coin) for coin in sorted(shown)]
        pools += [isolated_pool(position, terms) for position in positions]
        balances += [isolated_balance(position, terms) for position in positions]
    else:
        pools = [unified_pool(wallet, positions)]
        balances = balances or [nothing()]
    return AccountSnapshot(
        account=account,
        pools=tuple(pools),
        balances=tuple(balances),
        positions=tuple(position_fact(position, terms) for position in positions),
        marks=marks_of(positions),
        venue_ns=venue_ns,
        received_ns=received_ns,
        confirmed=confirmed,
        prices=() if terms.is_isolated else tuple(wallet_prices(wallet, venue_ns, received_ns)),
    )


def is_confirmed(reading: Reading, amounts: CoinAmounts) -> bool:
    """Whether the asset endpoint knows the same coins, and the wallet's margins agree on positions."""
    coins = {coin.coin for coin in reading.wallet.coin if fact(coin.walletBalance)}
    others = {amount.coin for amount in amounts.balance if fact(amount.walletBalance, empty=ZERO)}
    margins = [coin.totalPositionIM for coin in reading.wallet.coin if coin.totalPositionIM]
    has_margin = any(fact(margin) for margin in margins)
    return coins == others and has_margin == bool(reading.positions)
