"""Plays the crash hour on the loopback exchange: prices by the path, and what is scripted at its time.

Only the scenario is compressed: prices run `speed` times as fast as a clock. Cadences, wire times and the
length of
faults are real, or the daemon would be tested against a world that does not exist.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from adapters.loopback import Cause, LoopbackExchange
from monitor.demo.cast import FLAPPER
from monitor.demo.path import HOUR_S, PricePath

STEP_S = 0.25
FAULT_S = 16.0  # a real quarter of a minute: shorter ones are over before anybody is paged
FLAP_S = 4.0
FLAP_FACTORS = (Decimal(1), Decimal("1.25"))


class Scene(NamedTuple):
    """Something that happens `at` a share of the wall time, and what undoes it `FAULT_S` later."""

    at: float
    title: str
    begin: Callable[[], None]
    end: Callable[[], None] | None = None


class Player:
    """Owns the scenario. `told` gets one line for each scene."""

    def __init__(
        self,
        exchange: LoopbackExchange,
        path: PricePath,
        speed: float,
        wall_s: float,
        told: Callable[[str], None],
    ) -> None:
        self._exchange = exchange
        self._path = path
        self._speed = speed
        self._wall_s = wall_s
        self._told = told
        self._starts = {key: quote.mark for key, quote in exchange.world.quotes.items()}
        self._asset_starts = {key: price.index for key, price in exchange.world.assets.items()}
        self._flaps = 0

    async def play(self) -> None:
        """Runs the hour and its scenes; returns when both are over."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._prices())
            group.create_task(self._flap())
            for scene in self._scenes():
                group.create_task(self._act(scene))

    async def _prices(self) -> None:
        began_s = asyncio.get_running_loop().time()
        while True:
            at_s = (asyncio.get_running_loop().time() - began_s) * self._speed
            self._set_prices(at_s)
            if at_s > HOUR_S:
                return
            await asyncio.sleep(STEP_S)

    def _set_prices(self, at_s: float) -> None:
        world = self._exchange.world
        for (venue, symbol), start in self._starts.items():
            underlying = world.contracts[venue, symbol].underlying
            world.set_mark(symbol, float(start) * self._path.factor(underlying, at_s), venue=venue)
        for (venue, asset), start in self._asset_starts.items():
            if any(c.underlying == asset for c in world.contracts.values()):
                world.set_asset_index(asset, float(start) * self._path.factor(asset, at_s), venue=venue)

    async def _flap(self) -> None:
        """One account goes in and out of its warning level for ever: the desk must not hear of it each
        time."""
        while True:
            await asyncio.sleep(FLAP_S)
            self._flaps += 1
            world = self._exchange.world
            wallet = world.account(FLAPPER).wallets["USDT"]
            up, down = FLAP_FACTORS[1], 1 / FLAP_FACTORS[1]
            world.set_wallet(FLAPPER, "USDT", wallet * (up if self._flaps % 2 else down))

    async def _act(self, scene: Scene) -> None:
        await asyncio.sleep(scene.at * self._wall_s)
        self._told(scene.title)
        scene.begin()
        if scene.end is not None:
            await asyncio.sleep(FAULT_S)
            scene.end()
            self._told(f"over: {scene.title}")

    def _scenes(self) -> list[Scene]:
        faults, world = self._exchange.faults, self._exchange.world
        return [
            self._silence(0.05, "binance_usdm"),
            self._silence(0.60, "bybit"),
            self._silence(0.10, "hyperliquid"),
            Scene(
                0.45,
                "Binance shows account alpha empty, though it is not",
                lambda: faults.zero_balances("binance_usdm/alpha"),
                lambda: faults.true_balances("binance_usdm/alpha"),
            ),
            Scene(
                0.48,
                "binance_usdm/echo is auto-deleveraged by half",
                lambda: self._halve("binance_usdm/echo", "SOLUSDT", world.set_position),
            ),
        ]

    def _silence(self, at: float, venue: str) -> Scene:
        faults = self._exchange.faults
        title = f"{venue} goes silent: sockets open, no prices"
        return Scene(at, title, lambda: faults.mute(venue), lambda: faults.unmute(venue))

    def _halve(self, account: str, symbol: str, set_position: Callable[..., None]) -> None:
        leg = self._exchange.world.account(account).positions[symbol, ""]
        set_position(account, symbol, leg.quantity / 2, leg.entry, cause=Cause.DELEVERAGED)
