"""REST answers about an account, as the venue documents them; amounts as text with 8 decimals."""

from __future__ import annotations

from typing import Any

from adapters.loopback.amounts import ZERO, fixed, plain
from adapters.loopback.binance_usdm.catalog import VENUE
from adapters.loopback.binance_usdm.figures import (
    AccountFigures,
    AssetFigures,
    LegFigures,
    leverage_of,
    max_notional_of,
)
from adapters.loopback.binance_usdm.position_answers import WIRE_SIDES
from adapters.loopback.holdings import Account, Contract
from adapters.loopback.world import World

Body = dict[str, Any]


def account_v3(figures: AccountFigures) -> Body:
    """GET /fapi/v3/account: positions that are held only"""
    return {
        **_totals(figures),
        "assets": [_asset(figures, asset) for asset in figures.assets],
        "positions": [_account_position_v3(leg) for leg in figures.legs],
    }


def account_v2(world: World, figures: AccountFigures) -> Body:
    """GET /fapi/v2/account: every symbol, held or not"""
    held = {leg.position.key: leg for leg in figures.legs}
    account = figures.account
    sides = ("", "long", "short") if account.hedge else ("",)
    positions = [
        _account_position_v2(world, account, contract, side, held.get((contract.symbol, side)))
        for contract in world.contracts_of(VENUE)
        for side in sides
    ]
    assets = [{**_asset(figures, asset), "marginAvailable": True} for asset in figures.assets]
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "updateTime": 0,
        "multiAssetsMargin": account.multi_assets,
        "tradeGroupId": -1,
        **_totals(figures),
        "assets": assets,
        "positions": positions,
    }


def account_config(account: Account) -> Body:
    """GET /fapi/v1/accountConfig; these flags are the account's, not the key's"""
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "dualSidePosition": account.hedge,
        "updateTime": 0,
        "multiAssetsMargin": account.multi_assets,
        "tradeGroupId": -1,
    }


def symbol_config(world: World, account: Account, contract: Contract) -> Body:
    """One entry of GET /fapi/v1/symbolConfig"""
    mode = account.margin_modes.get(contract.symbol, "cross")
    return {
        "symbol": contract.symbol,
        "marginType": "ISOLATED" if mode == "isolated" else "CROSSED",
        "isAutoAddMargin": False,
        "leverage": int(leverage_of(account, contract.symbol)),
        "maxNotionalValue": plain(max_notional_of(world, account, contract.symbol)),
    }


def balance(figures: AccountFigures, asset: AssetFigures) -> Body:
    """One entry of GET /fapi/v3/balance and v2"""
    row = _asset(figures, asset)
    return {
        "accountAlias": figures.account.key[-4:],
        "asset": asset.asset,
        "balance": row["walletBalance"],
        "crossWalletBalance": row["crossWalletBalance"],
        "crossUnPnl": row["crossUnPnl"],
        "availableBalance": row["availableBalance"],
        "maxWithdrawAmount": row["maxWithdrawAmount"],
        "marginAvailable": True,
        "updateTime": row["updateTime"],
    }


def _totals(figures: AccountFigures) -> Body:
    """In single-asset mode those of USDT, in multi-assets mode everything in USD."""
    usdt = figures.asset("USDT")
    if not figures.account.multi_assets:
        row = _asset(figures, usdt)
        initial, maintenance, balance_ = usdt.initial, usdt.maintenance, usdt.wallet + usdt.profit
        wallet, profit, cross, cross_profit = usdt.wallet, usdt.profit, usdt.cross_wallet, usdt.cross_profit
        available, out = row["availableBalance"], row["maxWithdrawAmount"]
    else:
        initial, maintenance, balance_ = figures.initial_usd, figures.maintenance_usd, figures.equity_usd
        index = {asset.asset: figures.prices[asset.asset].index for asset in figures.assets}
        wallet = sum((asset.wallet * index[asset.asset] for asset in figures.assets), ZERO)
        profit = sum((asset.profit * index[asset.asset] for asset in figures.assets), ZERO)
        cross, cross_profit = wallet, profit
        available = out = fixed(max(ZERO, balance_ - initial), 8)
    return {
        "totalInitialMargin": fixed(initial, 8),
        "totalMaintMargin": fixed(maintenance, 8),
        "totalWalletBalance": fixed(wallet, 8),
        "totalUnrealizedProfit": fixed(profit, 8),
        "totalMarginBalance": fixed(balance_, 8),
        "totalPositionInitialMargin": fixed(initial, 8),
        "totalOpenOrderInitialMargin": "0.00000000",
        "totalCrossWalletBalance": fixed(cross, 8),
        "totalCrossUnPnl": fixed(cross_profit, 8),
        "availableBalance": available,
        "maxWithdrawAmount": out,
    }


def _asset(figures: AccountFigures, asset: AssetFigures) -> Body:
    if figures.account.multi_assets:
        free = max(ZERO, figures.equity_usd - figures.initial_usd) / figures.ask(asset.asset)
        withdrawable = max(ZERO, min(free, asset.cross_wallet))
    else:
        free = asset.available
        withdrawable = max(ZERO, min(free, asset.cross_wallet - asset.cross_initial))
    return {
        "asset": asset.asset,
        "walletBalance": fixed(asset.wallet, 8),
        "unrealizedProfit": fixed(asset.profit, 8),
        "marginBalance": fixed(asset.wallet + asset.profit, 8),
        "maintMargin": fixed(asset.maintenance, 8),
        "initialMargin": fixed(asset.initial, 8),
        "positionInitialMargin": fixed(asset.initial, 8),
        "openOrderInitialMargin": "0.00000000",
        "crossWalletBalance": fixed(asset.cross_wallet, 8),
        "crossUnPnl": fixed(asset.cross_profit, 8),
        "availableBalance": fixed(free, 8),
        "maxWithdrawAmount": fixed(withdrawable, 8),
        "updateTime": figures.account.updated_ms,
    }


def _account_position_v3(leg: LegFigures) -> Body:
    return {
        "symbol": leg.position.symbol,
        "positionSide": WIRE_SIDES[leg.position.side],
        "positionAmt": plain(leg.position.quantity),
        "unrealizedProfit": fixed(leg.profit, 8),
        "isolatedMargin": fixed(leg.isolated_margin, 8),
        "notional": fixed(leg.notional, 8),
        "isolatedWallet": fixed(leg.isolated_wallet, 8),
        "initialMargin": fixed(leg.initial, 8),
        "maintMargin": fixed(leg.maintenance, 8),
        "updateTime": leg.position.updated_ms,
    }


def _account_position_v2(
    world: World, account: Account, contract: Contract, side: str, leg: LegFigures | None
) -> Body:
    mode = account.margin_modes.get(contract.symbol, "cross")
    initial = fixed(leg.initial, 8) if leg else "0"
    return {
        "symbol": contract.symbol,
        "initialMargin": initial,
        "maintMargin": fixed(leg.maintenance, 8) if leg else "0",
        "unrealizedProfit": fixed(leg.profit, 8) if leg else "0.00000000",
        "positionInitialMargin": initial,
        "openOrderInitialMargin": "0",
        "leverage": plain(leverage_of(account, contract.symbol)),
        "isolated": mode == "isolated",
        "entryPrice": plain(leg.position.entry) if leg else "0.0",
        "breakEvenPrice": plain(leg.position.entry) if leg else "0.0",
        "maxNotional": plain(max_notional_of(world, account, contract.symbol)),
        "positionSide": WIRE_SIDES[side],
        "positionAmt": plain(leg.position.quantity) if leg else "0",
        "notional": fixed(leg.notional, 8) if leg else "0",
        "isolatedWallet": fixed(leg.isolated_wallet, 8) if leg else "0",
        "bidNotional": "0",
        "askNotional": "0",
        "updateTime": leg.position.updated_ms if leg else 0,
    }


def empty_figures(figures: AccountFigures) -> AccountFigures:
    """The lie of an overloaded venue: the assets are there, with nothing in them, and no position."""
    assets = tuple(AssetFigures(asset.asset, *([ZERO] * 8)) for asset in figures.assets)
    return AccountFigures(figures.account, (), assets, figures.prices)
