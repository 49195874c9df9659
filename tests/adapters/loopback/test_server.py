"""The exchange publishes on its beat, floods on demand, and ends cleanly."""

from __future__ import annotations

import aiohttp
import pytest

from adapters.loopback import LoopbackExchange, World
from tests.support.binance_calls import VENUE, stream

pytestmark = pytest.mark.integration


async def test_marks_come_without_asking(world: World, http: aiohttp.ClientSession) -> None:
    """With its cadence on, the world's marks arrive by themselves, again and again."""
    async with (
        LoopbackExchange(world) as exchange,
        stream(exchange, http, "/market/ws/btcusdt@markPrice@1s") as reader,
    ):
        first = await reader.next()
        world.set_mark("BTCUSDT", 94_000, venue=VENUE)
        later = await reader.next()
        while later["p"] == first["p"]:  # published before the change
            later = await reader.next()
        assert (first["p"], later["p"]) == ("95000.00000000", "94000.00000000")
        assert later["E"] > first["E"]


async def test_a_flood_sends_what_it_says(exchange: LoopbackExchange, http: aiohttp.ClientSession) -> None:
    """Each step changes the world and is one frame of its symbol; all of them arrive in order."""
    world = exchange.world

    def step(number: int) -> tuple[str]:
        world.set_mark("BTCUSDT", 90_000 + number, venue=VENUE)
        return ("BTCUSDT",)

    async with stream(exchange, http, "/market/ws/btcusdt@markPrice@1s") as reader:
        assert await exchange.flood(VENUE, frames_per_s=5_000, seconds=0.2, step=step) == 1_000
        marks = [float((await reader.next())["p"]) for _ in range(1_000)]
        assert marks == [90_000 + number for number in range(1_000)]


async def test_only_loopback_is_served(exchange: LoopbackExchange) -> None:
    """Every address that the exchange names is 127.0.0.1."""
    assert {url.split("//")[1].split(":")[0] for url in exchange.endpoints(VENUE).values()} == {"127.0.0.1"}


async def test_a_crash_of_the_publication_is_not_silent(world: World) -> None:
    """What goes wrong inside comes out at the end, so that a test on a dead exchange can't pass."""
    exchange = LoopbackExchange(world)
    await exchange.start()
    world.quotes.clear()
    try:
        with pytest.raises(ExceptionGroup) as crashed:
            await exchange.ended()
        assert crashed.group_contains(KeyError)
    finally:
        with pytest.raises(ExceptionGroup):
            await exchange.stop()
