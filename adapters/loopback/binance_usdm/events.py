"""User events: what a change of the world sounds like on this venue's private stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from adapters.loopback.amounts import fixed
from adapters.loopback.binance_usdm import position_answers
from adapters.loopback.binance_usdm.catalog import VENUE
from adapters.loopback.binance_usdm.figures import (
    MARGIN_CALL_RATIO,
    AccountFigures,
    LegFigures,
    figures_of,
    leverage_of,
)
from adapters.loopback.holdings import Account, Cause, Change, Position
from adapters.loopback.world import World

Event = dict[str, Any]

REASONS = {
    Cause.ORDER: "ORDER",
    Cause.DEPOSIT: "DEPOSIT",
    Cause.WITHDRAWAL: "WITHDRAW",
    Cause.FUNDING: "FUNDING_FEE",
    Cause.MARGIN_TRANSFER: "MARGIN_TRANSFER",
    Cause.MARGIN_MODE: "MARGIN_TYPE_CHANGE",
    Cause.DELEVERAGED: "ORDER",  # an ADL order, in the venue's view
}


def events_of(world: World, change: Change) -> Iterator[Event]:
    """The events that one change pushes; a switch of the position mode pushes none, as on the venue."""
    if change.cause is Cause.LEVERAGE:
        for symbol in dict.fromkeys(leg.symbol for leg in change.legs):
            leverage = int(leverage_of(change.account, symbol))
            yield _event("ACCOUNT_CONFIG_UPDATE", change.at_ms, {"ac": {"s": symbol, "l": leverage}})
    elif change.cause is Cause.ACCOUNT_MODE:
        mode = {"ai": {"j": change.account.multi_assets}}
        yield _event("ACCOUNT_CONFIG_UPDATE", change.at_ms, mode)
    else:
        yield _account_update(world, change)


def _account_update(world: World, change: Change) -> Event:
    figures = figures_of(world, change.account)
    held = {leg.position.key: leg for leg in figures.legs}
    balances = []
    for name in change.assets:
        asset = figures.asset(name)
        row = {"a": name, "wb": fixed(asset.wallet, 8), "cw": fixed(asset.cross_wallet, 8)}
        balances.append({**row, "bc": fixed(change.deposited, 8)})
    positions = [_position(world, change.account, leg, held.get(leg.key)) for leg in change.legs]
    update = {"B": balances, "P": positions, "m": REASONS[change.cause]}
    return _event("ACCOUNT_UPDATE", change.at_ms, {"a": update})


def _position(world: World, account: Account, position: Position, leg: LegFigures | None) -> Event:
    asset = world.contracts[VENUE, position.symbol].margin_asset
    mode = account.margin_modes.get(position.symbol, "cross")
    return position_answers.event_position(position, leg, mode, asset)


class MarginCalls:
    """Says once, when a pool passes the venue's warning level, and again only after it was below."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._called: set[tuple[str, str]] = set()

    def due(self, account: Account) -> Iterator[Event]:
        """The calls that this moment asks for."""
        if not account.positions:
            return
        figures = figures_of(self._world, account)
        for pool, legs, in_danger in _pools(figures):
            key = (account.id, pool)
            if not in_danger:
                self._called.discard(key)
            elif key not in self._called:
                self._called.add(key)
                yield self._call(figures, legs)

    def _call(self, figures: AccountFigures, legs: list[LegFigures]) -> Event:
        body: Event = {"p": [position_answers.margin_call_position(leg) for leg in legs]}
        if legs[0].is_cross:
            body["cw"] = fixed(figures.asset(legs[0].margin_asset).cross_wallet, 8)
        return _event("MARGIN_CALL", self._world.now_ms(), body)


def _pools(figures: AccountFigures) -> Iterator[tuple[str, list[LegFigures], bool]]:
    """Each pool that has positions: its name, its legs, and whether it is past the warning level."""
    for leg in figures.legs:
        if not leg.is_cross:
            danger = leg.maintenance >= MARGIN_CALL_RATIO * leg.isolated_margin
            yield f"isolated {leg.position.key}", [leg], danger
    cross = [leg for leg in figures.legs if leg.is_cross]
    if figures.account.multi_assets:
        if cross:
            danger = figures.maintenance_usd >= MARGIN_CALL_RATIO * figures.equity_usd
            yield "cross", cross, danger
        return
    for name in dict.fromkeys(leg.margin_asset for leg in cross):
        asset = figures.asset(name)
        danger = asset.cross_maintenance >= MARGIN_CALL_RATIO * asset.cross_balance
        yield f"cross {name}", [leg for leg in cross if leg.margin_asset == name], danger


def listen_key_expired(key: str, now_ms: int) -> Event:
    """The last event of a listen key."""
    return {"e": "listenKeyExpired", "E": now_ms, "listenKey": key}


def _event(kind: str, at_ms: int, body: Event) -> Event:
    return {"e": kind, "E": at_ms, "T": at_ms, **body}
