"""Wallets and positions as REST and the private stream show them; numbers as text."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from adapters.loopback.amounts import ZERO, fixed, plain
from adapters.loopback.bybit.catalog import VENUE
from adapters.loopback.bybit.figures import AccountFigures, CoinFigures, LegFigures, leverage_of
from adapters.loopback.holdings import Account, Position
from adapters.loopback.world import World

Body = dict[str, Any]

LEG_NUMBERS = {"": 0, "long": 1, "short": 2}
UTA_2 = 5


def wallet(figures: AccountFigures, coins: tuple[CoinFigures, ...]) -> Body:
    """One account of wallet-balance, with these coins; totals that isolated margin has not are empty."""
    return {
        "accountType": "UNIFIED",
        "accountLTV": "0",
        "totalEquity": fixed(figures.equity_usd, 8),
        "totalWalletBalance": fixed(figures.wallet_usd, 8),
        "totalPerpUPL": fixed(figures.profit_usd, 8),
        **_totals(figures),
        "coin": [_coin(coin) for coin in coins],
    }


def _totals(figures: AccountFigures) -> Body:
    names = (
        "accountIMRate",
        "accountMMRate",
        "totalMarginBalance",
        "totalAvailableBalance",
        "totalInitialMargin",
        "totalMaintenanceMargin",
    )
    if figures.account.isolated_margin:
        return dict.fromkeys(names, "")
    balance, initial = figures.margin_balance_usd, figures.initial_usd
    values = (
        _rate(initial, balance),
        _rate(figures.maintenance_usd, balance),
        fixed(balance, 8),
        fixed(max(ZERO, balance - initial), 8),
        fixed(initial, 8),
        fixed(figures.maintenance_usd, 8),
    )
    return dict(zip(names, values, strict=True))


def _rate(margin: Decimal, balance: Decimal) -> str:
    """Four decimals, as the venue prints it; an account without anything left is past any rate."""
    if margin == 0:
        return "0"
    return fixed(margin / balance, 4) if balance > 0 else "9999"


def _coin(coin: CoinFigures) -> Body:
    return {
        "coin": coin.coin,
        "equity": fixed(coin.equity, 8),
        "usdValue": fixed(coin.equity * coin.price.index, 8),
        "walletBalance": fixed(coin.wallet, 8),
        "locked": "0",
        "spotHedgingQty": "0",
        "spotBorrow": fixed(coin.borrowed, 8),
        "borrowAmount": fixed(coin.borrowed, 8),
        "accruedInterest": "0",
        "availableToWithdraw": "",
        "availableToBorrow": "",
        "totalOrderIM": "0",
        "totalPositionIM": fixed(coin.initial, 8),
        "totalPositionMM": fixed(coin.maintenance, 8),
        "unrealisedPnl": fixed(coin.profit, 8),
        "cumRealisedPnl": "0",
        "bonus": "0",
        "marginCollateral": bool(coin.price.steps),
        "collateralSwitch": bool(coin.price.steps),
    }


def position(leg: LegFigures, *, streamed: bool) -> Body:
    """One open position; the stream calls the entry price differently and names the category."""
    held = leg.position
    row = {
        "positionIdx": LEG_NUMBERS[held.side],
        "riskId": leg.risk_id,
        "riskLimitValue": plain(leg.risk_limit),
        "symbol": held.symbol,
        "side": "Buy" if held.quantity > 0 else "Sell",
        "size": plain(abs(held.quantity)),
        "positionValue": plain(abs(held.quantity) * held.entry),
        "leverage": plain(leg.leverage),
        "positionBalance": fixed(leg.balance, 8),
        "markPrice": plain(leg.mark),
        "positionIM": fixed(leg.initial, 8),
        "positionMM": fixed(leg.maintenance, 8),
        "unrealisedPnl": fixed(leg.profit, 8),
        "liqPrice": "" if leg.liquidation_price is None else fixed(leg.liquidation_price, 8),
        "adlRankIndicator": 2,
    }
    return {**row, **_common(held, streamed)}


def lied_about(row: Body, times: Decimal) -> Body:
    """The same position, so many times as large."""
    return row if times == 1 else {**row, "size": plain(Decimal(row["size"]) * times)}


def empty_position(world: World, account: Account, held: Position, *, streamed: bool) -> Body:
    """A leg that is closed, or never was open."""
    row = {
        "positionIdx": LEG_NUMBERS[held.side],
        "riskId": world.contracts[VENUE, held.symbol].brackets[0].number,
        "riskLimitValue": plain(world.contracts[VENUE, held.symbol].brackets[0].cap),
        "symbol": held.symbol,
        "side": "",
        "size": "0",
        "positionValue": "0" if streamed else "",
        "leverage": plain(leverage_of(account, held.symbol)),
        "positionBalance": "0",
        "markPrice": plain(world.quote(VENUE, held.symbol).mark),
        "positionIM": "0",
        "positionMM": "0",
        "unrealisedPnl": "0",
        "liqPrice": "",
        "adlRankIndicator": 0,
    }
    return {**row, **_common(held, streamed)}


def _common(held: Position, streamed: bool) -> Body:
    entry = {"entryPrice": plain(held.entry), "category": "linear"} if streamed else {}
    return {
        "tradeMode": 0,
        **(entry or {"avgPrice": plain(held.entry)}),
        "sessionAvgPrice": "",
        "bustPrice": "",
        "takeProfit": "0",
        "stopLoss": "0",
        "trailingStop": "0",
        "tpslMode": "Full",
        "positionStatus": "Normal",
        "autoAddMargin": 0,
        "curRealisedPnl": "0",
        "cumRealisedPnl": "0",
        "createdTime": str(held.updated_ms),
        "updatedTime": str(held.updated_ms),
        "leverageSysUpdatedTime": "",
        "mmrSysUpdatedTime": "",
        "seq": held.updated_ms,
        "isReduceOnly": False,
    }


def account_info(account: Account) -> Body:
    """GET /v5/account/info"""
    return {
        "marginMode": "ISOLATED_MARGIN" if account.isolated_margin else "REGULAR_MARGIN",
        "updatedTime": str(account.updated_ms),
        "unifiedMarginStatus": UTA_2,
        "dcpStatus": "OFF",
        "timeWindow": 10,
        "smpGroup": 0,
        "isMasterTrader": False,
        "spotHedgingStatus": "OFF",
    }


def api_key(account: Account) -> Body:
    """GET /v5/user/query-api: what the key may do"""
    trades = ["Order", "Position"] if account.can_trade else []
    return {
        "id": account.key[:8],
        "note": account.name,
        "apiKey": account.key,
        "readOnly": 0 if account.can_trade or account.can_withdraw else 1,
        "secret": "",
        "permissions": {
            "ContractTrade": trades,
            "Spot": ["SpotTrade"] if account.can_trade else [],
            "Wallet": ["AccountTransfer", *(["Withdraw"] if account.can_withdraw else [])],
            "Options": [],
            "Derivatives": [],
            "CopyTrading": [],
            "BlockTrade": [],
            "Exchange": [],
            "NFT": [],
            "Affiliate": [],
        },
        "ips": ["127.0.0.1"],
        "type": 1,
        "deadlineDay": 90,
        "expiredAt": "2099-01-01T00:00:00Z",
        "createdAt": "2026-01-01T00:00:00Z",
        "unified": 0,
        "uta": 1,
        "userID": 1,
        "isMaster": True,
        "parentUid": "0",
    }
