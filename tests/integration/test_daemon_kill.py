"""The whole daemon, killed with SIGKILL at every named point between a crossing and its delivery, restarted.

`python -m monitor run` against an exchange and a signed receiver in this process: venue bytes go in at one
end, and what is counted is what a customer's webhook got at the other. The alert service alone goes through
many more paths in test_kill_matrix.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from adapters.loopback import LoopbackExchange, standard_world
from alerts.failpoints import NAMES
from tests.support.daemon_process import Place, daemon_process, recorded, write_config
from tests.support.signed_hook import SignedHook, Told, signed_hook
from tests.support.state_reader import STATE
from tests.support.store_server import StoreServer, server_binary
from tests.support.waiting import eventually

VENUE, NAME, SYMBOL = "binance_usdm", "alpha", "BTCUSDT"
POOL = f"{VENUE}/{NAME}/cross-USDT"
WALLET = 5_000  # one bitcoin long from 95,000: equity is the mark less 90,000, maintenance 0.4 % of the mark
CLEAR, WARNING, MARGIN_CALL, CRITICAL = 95_000, 90_700, 90_500, 90_400
AT_ONCE = 2  # daemons that start side by side
TTL_S = 30  # FAULTS S10

# What one crossing that a willing receiver takes does not come to, and why; how the receiver has to answer so
# that the next crossing does.
UNREACHED = {
    "retry_written": "a receiver that takes everything asks for no second attempt",
    "rejection_written": "a receiver that takes everything rejects nothing",
    "superseding": "one crossing makes one notice, and no newer one stands in its place",
}
UNWILLING = {"retry_written": (503,), "rejection_written": (410,), "superseding": (503,)}
# How often the receiver has the page in the end: twice where the first copy was read, and nobody knew.
TWICE = {"attempt_answered", "outcome_queued"}
RACING = {"head_written"}  # the disk's thread is here while the loop sends: once or twice
pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(420)]


class Stage(NamedTuple):
    """Everything around one daemon."""

    exchange: LoopbackExchange
    hooks: tuple[SignedHook, SignedHook]
    store: StoreServer
    place: Place

    def mark(self, price: int) -> None:
        """The venue's price, told at once to whoever listens."""
        self.exchange.world.set_mark(SYMBOL, price, venue=VENUE)
        self.exchange.publish_now(VENUE)

    @property
    def told(self) -> list[Told]:
        """All that any receiver took."""
        return [told for hook in self.hooks for told in hook.told]

    async def told_of(self, words: str) -> None:
        """Waits until somebody took such a message."""

        async def look() -> bool:
            return any(told.words == words and POOL in told.pools for told in self.told)

        await eventually(look, f"{words!r}; told: {[told.words for told in self.told]}", 30.0)

    async def tried(self) -> None:
        """Waits until an attempt that failed is over and written down."""

        async def look() -> bool:
            return bool(recorded(self.place).tried)

        await eventually(look, "the first attempt")

    async def settled(self) -> None:
        """Waits until nothing that was recorded is owed to anybody."""

        async def look() -> bool:
            return not recorded(self.place).unsettled

        await eventually(look, "everything recorded to be delivered")


@asynccontextmanager
async def stage(folder: Path, *, own_store: bool = False) -> AsyncIterator[Stage]:
    """One account that is safe, at an exchange that runs; nobody watches it yet."""
    await asyncio.to_thread(folder.mkdir)
    world = standard_world(VENUE)
    account = world.add_account(VENUE, NAME)
    world.set_wallet(account, "USDT", WALLET)
    world.set_position(account, SYMBOL, 1, CLEAR, leverage=20)
    binary = server_binary("valkey")
    assert binary is not None
    store = StoreServer(binary, folder)
    async with AsyncExitStack() as stack:
        hooks = (
            await stack.enter_async_context(signed_hook()),
            await stack.enter_async_context(signed_hook()),
        )
        exchange = await stack.enter_async_context(LoopbackExchange(world))
        if not own_store:
            await store.start()
            stack.push_async_callback(store.kill)
        place = Place(folder, tuple(hook.url for hook in hooks), None if own_store else store.url)
        write_config(place, exchange, [account])
        yield Stage(exchange, hooks, store, place)


async def killed(at: Stage, failpoint: str) -> None:
    """The first life: watches, crosses, dies at the failpoint."""
    async with daemon_process(at.place, f"{failpoint}:kill") as daemon:
        await daemon.shows(POOL, "clear")
        assert at.told == [], "an account that is safe was told of"
        if failpoint in UNREACHED:
            at.mark(WARNING)
            await at.told_of("margin raised warning")
            await at.settled()
            await daemon.shows(POOL, "warning")
            assert daemon.is_running, f"{failpoint} was to be out of reach: {UNREACHED[failpoint]}"
            at.hooks[0].answers += UNWILLING[failpoint]
        if failpoint == "superseding":
            at.hooks[0].retry_after_s = 30.0  # waits there when the next notice comes
            at.mark(MARGIN_CALL)
            await at.tried()
        at.mark(CRITICAL)
        assert await daemon.ended() == -signal.SIGKILL, daemon.last_words()


async def restarted(at: Stage) -> None:
    """The second life: tells what still holds and what it owes, and ends when it is told to."""
    async with daemon_process(at.place) as daemon:
        await daemon.shows(POOL, "critical")
        raised = [told for told in at.told if told.level == "critical"]
        if not raised:
            first = "escalated" if any(told.level == "warning" for told in at.told) else "raised"
            await at.told_of(f"margin {first} critical")
        await at.settled()
        assert await daemon.stop() == 0, daemon.last_words()


def check(at: Stage, failpoint: str) -> None:
    """Nothing lost, nothing told without a record, no id more than twice, and no message under two ids."""
    copies = Counter(told.id for told in at.told)
    intents, _, superseded, _ = recorded(at.place)
    assert intents - superseded <= set(copies), "lost"
    assert set(copies) <= intents, "told without a record"
    by_id = {told.id: told.says for told in at.told}
    assert len(set(by_id.values())) == len(by_id), "one message under two ids"
    pages = [copies[id_] for id_, says in by_id.items() if "critical" in says]
    assert len(pages) == 1, "the crossing is told, and is one message"
    allowed = {1, 2} if failpoint in RACING else {2 if failpoint in TWICE else 1}
    assert pages[0] in allowed, f"{pages[0]} copies of the page"
    assert max(copies.values()) <= 2


async def case(folder: Path, failpoint: str) -> None:
    """One kill, and what must hold afterwards."""
    async with stage(folder / failpoint) as at:
        await killed(at, failpoint)
        left_s = await at.store.ask("TTL", STATE)
        assert 0 < left_s <= TTL_S, "what a dead daemon wrote would stay for ever"
        await restarted(at)
        check(at, failpoint)


async def test_killed_at_every_point(tmp_path: Path) -> None:
    """At each named point: nothing is lost, at most one more copy of what was under way, with the same id."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(failpoint: str) -> None:
        async with places:
            try:
                await case(tmp_path, failpoint)
            except BaseException as error:
                error.add_note(f"failpoint {failpoint}")
                raise

    assert set(UNREACHED) == set(UNWILLING) < set(NAMES)
    async with asyncio.TaskGroup() as group:
        for failpoint in NAMES:
            group.create_task(one(failpoint))


async def test_what_a_restart_tells(tmp_path: Path) -> None:
    """With the daemon's own store: what is known already is not told again, what began or ended while it was
    down is told on the first evaluation, and SIGTERM ends it with 0."""
    async with stage(tmp_path / "place", own_store=True) as at:
        for price, band, told in (
            (CRITICAL, "critical", ["margin raised critical"]),  # so before anybody watched
            (CRITICAL, "critical", []),
            (CLEAR, "clear", ["margin resolved clear"]),
            (WARNING, "warning", ["margin raised warning"]),
            (CRITICAL, "critical", ["margin escalated critical"]),
        ):
            before = len(at.told)
            at.mark(price)
            async with daemon_process(at.place) as daemon:
                await daemon.shows(POOL, band)
                for words in told:
                    await at.told_of(words)
                assert await daemon.stop() == 0, daemon.last_words()
            assert [told.words for told in at.told[before:]] == told
        assert max(Counter(told.id for told in at.told).values()) == 1
