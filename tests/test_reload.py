"""SIGHUP: a good config is taken whole, a bad one not at all, and the daemon goes on either way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from adapters.loopback import LoopbackExchange, standard_world
from adapters.loopback.holdings import Account as Held
from monitor.config import (
    Account,
    Alerts,
    Config,
    Heartbeat,
    Levels,
    Metrics,
    Receiver,
    Route,
    Secret,
    Threshold,
)
from monitor.config import Daemon as DaemonConfig
from monitor.config_problem import ConfigError, Problem
from monitor.daemon import Daemon
from monitor.demo.webhook_sink import WebhookSink
from monitor.domain.assessment import RiskBand
from monitor.reload import ReloadRefused, checked
from tests.support.receivers import SIGNING_SECRET
from tests.support.waiting import eventually

SECRET = Secret(SIGNING_SECRET, "test")
TIGHT, WIDE = Levels(0.5, 0.7, 0.85), Levels(0.001, 0.002, 0.003)


def config(folder: Path, **more: object) -> Config:
    """Nobody watched, one screen."""
    base = Config(DaemonConfig(str(folder)), (), (Receiver("screen", "terminal"),), (Route(("screen",)),))
    return msgspec.structs.replace(base, **more)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"accounts": (Account(name="a", venue="hyperliquid", desk="d", address="0x1"),)}, "accounts"),
        ({"metrics": Metrics(port=1)}, "metrics"),
        ({"heartbeat": Heartbeat(every_s=60.0)}, "heartbeat"),
        ({"daemon": DaemonConfig("elsewhere")}, "daemon"),
    ],
)
def test_what_is_fixed_needs_a_restart(tmp_path: Path, changed: dict, says: str) -> None:
    """The refusal names the sections, so that nobody believes that a new account is watched."""
    with pytest.raises(ReloadRefused, match=f"a change of {says} needs a restart"):
        checked(config(tmp_path), config(tmp_path, **changed))


def test_levels_receivers_routes_and_times_may_change(tmp_path: Path) -> None:
    """All that an operator turns at night."""
    fresh = config(
        tmp_path,
        thresholds=(Threshold(ratio=TIGHT),),
        receivers=(Receiver("other", "terminal"),),
        routes=(Route(("other",)),),
        alerts=Alerts(resolve_after_s=1.0),
    )
    assert checked(config(tmp_path), fresh) is fresh


def test_a_rotated_secret_is_a_changed_receiver() -> None:
    """Secrets are compared by what they are, not by the file that they come from."""
    one = Receiver("hook", "webhook", secret=Secret("a", "file x"))
    assert one == Receiver("hook", "webhook", secret=Secret("a", "file y"))
    assert one != Receiver("hook", "webhook", secret=Secret("b", "file x"))


@asynccontextmanager
async def running(config: Config) -> AsyncIterator[Daemon]:
    """The whole daemon."""
    daemon = Daemon(config)
    stop = asyncio.Event()
    task = asyncio.create_task(daemon.run(stop, lambda _: None))
    try:
        yield daemon
    finally:
        stop.set()
        await task


def account_of(held: Held, exchange: LoopbackExchange) -> Account:
    """The daemon's side of an account of the exchange."""
    return Account(
        name=held.name,
        venue=held.venue,
        desk="d",
        environment="loopback",
        address=held.address,
        endpoints=exchange.endpoints(held.venue),
    )


async def until(look: Callable[[], bool], what: str) -> None:
    """Waits for it."""

    async def seen() -> bool:
        return look()

    await eventually(seen, what, timeout_s=60)


@pytest.mark.integration
@pytest.mark.timeout(240)
async def test_a_running_daemon_takes_new_levels_and_receivers(tmp_path: Path) -> None:
    """After the reload the same account is past its level, and the new receiver hears of it.

    A bad file, one that needs a restart, and one with a receiver that can't be made change nothing.
    """
    world = standard_world("hyperliquid")
    held = world.add_account("hyperliquid", "alpha")
    world.set_wallet(held, "USDC", 20_000)
    world.set_position(held, "BTC", "0.5", leverage=10)
    heard: list[str] = []
    async with (
        LoopbackExchange(world) as exchange,
        WebhookSink(SECRET, lambda _, body: heard.append(body["level"])) as sink,
    ):
        old = config(tmp_path, accounts=(account_of(held, exchange),), metrics=Metrics(port=0))
        hook = Receiver("hook", "webhook", url=sink.url, secret=SECRET, allow_private_destinations=True)
        new = msgspec.structs.replace(
            old, receivers=(hook,), routes=(Route(("hook",)),), thresholds=(Threshold(ratio=WIDE),)
        )
        async with running(old) as daemon:

            def is_in(band: RiskBand) -> bool:
                return daemon.view is not None and daemon.view.band.tolist() == [int(band)]

            await until(lambda: is_in(RiskBand.CLEAR), "a verdict")

            def broken() -> Config:
                raise ConfigError("margind.toml", [Problem("routes[0]", "names nobody")])

            daemon.reload(broken)
            daemon.reload(lambda: msgspec.structs.replace(new, metrics=Metrics(port=1)))
            daemon.reload(lambda: msgspec.structs.replace(new, receivers=(Receiver("hook", "pigeon"),)))
            assert daemon.config is old
            assert daemon.metrics.registry.get_sample_value("margind_config_last_reload_successful") == 0.0
            assert is_in(RiskBand.CLEAR)
            daemon.reload(lambda: new)
            await until(lambda: is_in(RiskBand.CRITICAL), "the new levels")
            await until(lambda: bool(heard), "the new receiver")
            assert heard[0] == "critical"
            assert daemon.metrics.registry.get_sample_value("margind_config_last_reload_successful") == 1.0
