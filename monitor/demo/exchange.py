"""`margind exchange`: the loopback exchange in the foreground, with the account that the example watches.

A slow swing of the price takes the account through its levels and back, so that a first `margind run` has
something to say.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import signal
import socket
from collections.abc import Callable
from decimal import Decimal

from adapters.loopback import LoopbackExchange, World, standard_world
from monitor.exit_codes import CommandFailed, ExitCode

VENUE, ACCOUNT = "binance_usdm", "alpha"
SYMBOL, UNDERLYING = "BTCUSDT", "BTC"
NOTIONAL = Decimal(100_000)
WALLET = Decimal(7_000)
SWING = 0.065  # of the price: far enough for the account to become critical
SWING_S = 240.0
STEP_S = 0.5


def run_exchange(port: int) -> int:
    """Serves until SIGTERM or Ctrl-C."""
    _refuse_taken(port)
    asyncio.run(_serve(port, functools.partial(print, flush=True)))
    return ExitCode.DONE


def world_of_the_example() -> World:
    """The contracts of the venue, and one leveraged account."""
    world = standard_world(VENUE)
    account = world.add_account(VENUE, ACCOUNT)
    step = world.contracts[VENUE, SYMBOL].step
    quantity = (NOTIONAL / world.quote(VENUE, SYMBOL).mark).quantize(step)
    world.set_wallet(account, "USDT", WALLET)
    world.set_position(account, SYMBOL, quantity, leverage=20)
    return world


async def _serve(port: int, tell: Callable[[str], None]) -> None:
    world = world_of_the_example()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with LoopbackExchange(world, ports={VENUE: port}) as exchange:
        tell(f"{VENUE} on {exchange.endpoints(VENUE)['rest']}, account {ACCOUNT}; Ctrl-C ends it")
        tell("in another terminal: margind init --demo --out example.toml && margind run example.toml")
        await _swing(world, stop)


async def _swing(world: World, stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    began_s, start = loop.time(), float(world.quote(VENUE, SYMBOL).mark)
    while not stop.is_set():
        phase = 2 * math.pi * (loop.time() - began_s) / SWING_S
        world.set_underlying(UNDERLYING, start * (1 - SWING * (1 - math.cos(phase)) / 2))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STEP_S):
                await stop.wait()


def _refuse_taken(port: int) -> None:
    """The listener shares its port with itself, so the system would not say that another one has it."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise CommandFailed(f"port {port} of 127.0.0.1 is taken: choose another with --port")
