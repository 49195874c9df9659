"""Positions as REST and user events show them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from adapters.loopback.amounts import fixed, plain
from adapters.loopback.binance_usdm.catalog import VENUE
from adapters.loopback.binance_usdm.figures import AccountFigures, LegFigures, leverage_of, max_notional_of
from adapters.loopback.holdings import Account, Contract, Position
from adapters.loopback.world import World

Body = dict[str, Any]

ONE = Decimal(1)
WIRE_SIDES = {"": "BOTH", "long": "LONG", "short": "SHORT"}


def position_risk_v3(leg: LegFigures, times: Decimal = ONE) -> Body:
    """One entry of GET /fapi/v3/positionRisk: held positions only, without leverage and margin type; `times`
    is a lie about the size."""
    return {
        "symbol": leg.position.symbol,
        "positionSide": WIRE_SIDES[leg.position.side],
        "positionAmt": plain(leg.position.quantity * times),
        "entryPrice": plain(leg.position.entry),
        "breakEvenPrice": plain(leg.position.entry),
        "markPrice": fixed(leg.mark, 8),
        "unRealizedProfit": fixed(leg.profit, 8),
        "liquidationPrice": _price(leg),
        "isolatedMargin": fixed(leg.isolated_margin, 8),
        "notional": fixed(leg.notional, 8),
        "marginAsset": leg.margin_asset,
        "isolatedWallet": fixed(leg.isolated_wallet, 8),
        "initialMargin": fixed(leg.initial, 8),
        "maintMargin": fixed(leg.maintenance, 8),
        "positionInitialMargin": fixed(leg.initial, 8),
        "openOrderInitialMargin": "0",
        "adl": 1,
        "bidNotional": "0",
        "askNotional": "0",
        "updateTime": leg.position.updated_ms,
    }


def position_risk_v2(world: World, figures: AccountFigures, contract: Contract) -> list[Body]:
    """The entries of one symbol of GET /fapi/v2/positionRisk, held or not"""
    held = {leg.position.side: leg for leg in figures.legs if leg.position.symbol == contract.symbol}
    sides = ("long", "short") if figures.account.hedge else ("",)
    return [_risk_v2(world, figures.account, contract, side, held.get(side)) for side in sides]


def _risk_v2(world: World, account: Account, contract: Contract, side: str, leg: LegFigures | None) -> Body:
    mode = account.margin_modes.get(contract.symbol, "cross")
    return {
        "symbol": contract.symbol,
        "positionAmt": plain(leg.position.quantity) if leg else "0",
        "entryPrice": plain(leg.position.entry) if leg else "0.0",
        "breakEvenPrice": plain(leg.position.entry) if leg else "0.0",
        "markPrice": fixed(world.quote(VENUE, contract.symbol).mark, 8),
        "unRealizedProfit": fixed(leg.profit, 8) if leg else "0.00000000",
        "liquidationPrice": _price(leg) if leg else "0",
        "leverage": plain(leverage_of(account, contract.symbol)),
        "maxNotionalValue": plain(max_notional_of(world, account, contract.symbol)),
        "marginType": mode,
        "isolatedMargin": fixed(leg.isolated_margin, 8) if leg else "0.00000000",
        "isAutoAddMargin": "false",
        "positionSide": WIRE_SIDES[side],
        "notional": fixed(leg.notional, 8) if leg else "0",
        "isolatedWallet": fixed(leg.isolated_wallet, 8) if leg else "0",
        "updateTime": leg.position.updated_ms if leg else 0,
    }


def _price(leg: LegFigures) -> str:
    return "0" if leg.liquidation_price is None else fixed(leg.liquidation_price, 8)


def event_position(position: Position, leg: LegFigures | None, margin_mode: str, asset: str) -> Body:
    """One entry of "P" of ACCOUNT_UPDATE; `leg` None for a closed position."""
    return {
        "s": position.symbol,
        "pa": plain(position.quantity),
        "ep": plain(position.entry) if leg else "0",
        "cr": "0",
        "up": fixed(leg.profit, 8) if leg else "0",
        "mt": margin_mode,
        "iw": fixed(leg.isolated_wallet, 8) if leg else "0",
        "ps": WIRE_SIDES[position.side],
        "ma": asset,
        "bep": plain(position.entry) if leg else "0",
    }


def margin_call_position(leg: LegFigures) -> Body:
    """One entry of "p" of MARGIN_CALL"""
    return {
        "s": leg.position.symbol,
        "ps": WIRE_SIDES[leg.position.side],
        "pa": plain(leg.position.quantity),
        "mt": "CROSSED" if leg.is_cross else "ISOLATED",
        "iw": fixed(leg.isolated_wallet, 8),
        "mp": fixed(leg.mark, 8),
        "up": fixed(leg.profit, 8),
        "mm": fixed(leg.maintenance, 8),
    }
