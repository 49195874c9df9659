"""An hour of the real daemon, recorded, and led through the book again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from adapters.loopback import LoopbackExchange, World, standard_world
from adapters.loopback.holdings import Account as Held
from monitor.config import Account, Config, Credentials, Metrics, Secret
from monitor.config import Daemon as DaemonConfig
from monitor.daemon import Daemon
from monitor.domain.assessment import RiskBand
from monitor.domain.turn import Turn
from monitor.recording.replay import Replay
from tests.support.recordings import lines_of
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
KNOWN = set(RiskBand) - {RiskBand.UNKNOWN}
SILENT = ("bybit/alpha/unified", "UNKNOWN")
HELD = {"binance_usdm": ("USDT", "BTCUSDT"), "bybit": ("USDT", "BTCUSDT"), "hyperliquid": ("USDC", "BTC")}


class Bands:
    """Every change of a band that the daemon told of, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self._now: dict[str, RiskBand] = {}

    def on_turn(self, turn: Turn) -> None:
        """As a sink."""
        for state in sorted(turn.changed, key=lambda state: state.pool):
            if self._now.get(state.pool) is not state.band:
                self._now[state.pool] = state.band
                self.told.append((state.pool, state.band.label))
        for pool in turn.removed:
            self._now.pop(pool, None)

    def are(self, *bands: RiskBand) -> Callable[[], bool]:
        """Whether all pools are in one of these bands."""
        return lambda: set(self._now.values()) <= set(bands)


def config_of(world: World, exchange: LoopbackExchange, folder: Path) -> Config:
    """All accounts of the world, nobody told."""
    accounts = tuple(_account(held, exchange) for held in world.accounts.values())
    return Config(DaemonConfig(str(folder)), accounts, (), (), metrics=Metrics(port=0))


def _account(held: Held, exchange: LoopbackExchange) -> Account:
    is_open = held.venue == "hyperliquid"
    return Account(
        name=held.name,
        venue=held.venue,
        desk="macro",
        environment="loopback",
        credentials=None if is_open else Credentials(Secret(held.key, "test"), Secret(held.secret, "test")),
        address=held.address if is_open else None,
        endpoints=exchange.endpoints(held.venue),
    )


@asynccontextmanager
async def running(config: Config, bands: Bands, folder: Path) -> AsyncIterator[Daemon]:
    """The whole daemon, recording."""
    daemon = Daemon(config, watchers=(bands.on_turn,), record=folder)
    stop, ready = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(daemon.run(stop, lambda _: ready.set()))
    try:
        await asyncio.wait({task, asyncio.create_task(ready.wait())}, return_when=asyncio.FIRST_COMPLETED)
        yield daemon
    finally:
        stop.set()
        await task


def figures_of(daemon: Daemon) -> dict[str, tuple[float, float]]:
    """Equity and maintenance margin of each pool now."""
    view = daemon.view
    assert view is not None
    return {
        label.id: (float(view.equity[row]), float(view.maintenance_margin[row]))
        for row, label in enumerate(view.pools)
    }


async def until(look: Callable[[], bool], what: str) -> None:
    """Waits for it."""

    async def seen() -> bool:
        return look()

    await eventually(seen, what, timeout_s=60)


async def test_a_replay_tells_what_the_daemon_told(tmp_path: Path) -> None:
    """Three venues through a fall and a silence: the same pools, the same bands, the same order."""
    world = standard_world()
    for venue, (money, symbol) in HELD.items():
        held = world.add_account(venue, "alpha")
        world.set_wallet(held, money, 12_000)
        world.set_position(held, symbol, "1", leverage=20)
    bands = Bands()
    async with LoopbackExchange(world) as exchange:
        config = config_of(world, exchange, tmp_path / "data")
        async with running(config, bands, tmp_path / "recorded") as daemon:
            await until(lambda: len(bands.told) >= 6 and bands.are(RiskBand.CLEAR)(), "three pools, clear")
            world.set_underlying("BTC", float(world.quote("bybit", "BTCUSDT").mark) * 0.91)
            await until(bands.are(RiskBand.CRITICAL, RiskBand.MARGIN_CALL, RiskBand.WARNING), "the fall seen")
            world.trade("binance_usdm/alpha", "BTCUSDT", "0.01", world.quote("bybit", "BTCUSDT").mark)
            told_before = len(bands.told)
            exchange.faults.mute("bybit")
            await until(lambda: SILENT in bands.told[told_before:], "the silence seen")
            exchange.faults.unmute("bybit")
            await until(bands.are(*KNOWN), "the silence over")
            figures = figures_of(daemon)
    paths = sorted((tmp_path / "recorded").iterdir())
    told = Replay(paths, None).run().document()
    changes = [change for change in told["changes"] if change["before"] != change["after"]]
    assert [(change["pool"], change["after"]) for change in changes] == bands.told
    for pool in told["pools"]:
        assert (pool["equity"], pool["maintenance_margin"]) == pytest.approx(figures[pool["pool"]], rel=1e-3)
    bad = {reason for outcomes in told["venues"].values() for reason in outcomes["bad"]}
    assert bad <= {"subscribe refused"}  # spot pairs that this exchange does not have
    text = "".join(line["url_or_channel"] + line["frame"] for path in paths for line in lines_of(path))
    for held in world.accounts.values():
        assert not [secret for secret in (held.key, held.secret) if secret and secret in text]
    assert "/private/ws?<redacted>" in text
    assert "listenKey" not in text
