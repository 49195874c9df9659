"""A venue that is down, in virtual time: how often its feeds knock, and how soon they are back."""

from __future__ import annotations

import asyncio

import pytest

from adapters import session as session_module
from adapters.gate import ConnectLimit
from adapters.link import Link, StreamBroken
from adapters.session import Session
from adapters.venue import Stream
from tests.support.fake_stream import VENUE, Ear, WordCodec, tools
from tests.support.virtual_time import LoopClock, run_virtual

LIMIT = ConnectLimit(count=300, per_s=300.0)


class Down:
    """Stands for the venue: refuses until it is healed, and writes down who knocked when."""

    def __init__(self) -> None:
        self.knocks_s: list[float] = []
        self.healed = False

    async def knock(self, _: Link) -> None:
        """Instead of Link.open."""
        self.knocks_s.append(asyncio.get_running_loop().time())
        if not self.healed:
            raise StreamBroken("refused", "no connection: ConnectionRefusedError")


class Quiet(Link):
    """A link that opens without a socket and then stays."""

    venue = Down()

    async def open(self) -> None:
        """Asks the venue."""
        await self.venue.knock(self)

    async def run(self) -> None:
        """For ever."""
        self.first_sign.set_result(None)
        await asyncio.get_running_loop().create_future()


@pytest.fixture
def venue(monkeypatch: pytest.MonkeyPatch) -> Down:
    """Sessions knock here."""
    Quiet.venue = Down()
    monkeypatch.setattr(session_module, "Link", Quiet)
    return Quiet.venue


async def storm(count: int, limit: ConnectLimit, venue: Down, down_s: float, healed_s: float) -> int:
    """Runs sessions against a venue that is down for a while; answers how many are connected at the end."""
    kit = tools(limit=limit, clock=LoopClock())
    stream = Stream(name="private", url="ws://127.0.0.1", codec=WordCodec())
    ears = [Ear() for _ in range(count)]

    async def define() -> Stream:
        return stream

    async with asyncio.TaskGroup() as group:
        running = [
            group.create_task(
                Session(VENUE, "private", str(n), define, ear.tell, kit.gate.private_connects, kit).run()
            )
            for n, ear in enumerate(ears)
        ]
        await asyncio.sleep(down_s)
        venue.healed = True
        await asyncio.sleep(healed_s)
        for task in running:
            task.cancel()
    return sum(ear.names()[-1] == "Flowing" for ear in ears)


def most_in_a_window(times_s: list[float], window_s: float) -> int:
    """The most events that any window of this length holds."""
    times_s = sorted(times_s)
    first = most = 0
    for last, time_s in enumerate(times_s):
        while time_s - times_s[first] >= window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


@pytest.mark.slow
def test_a_reconnect_storm_stays_under_sixty_per_cent_of_the_venues_limit(venue: Down) -> None:
    """200 sessions, ten minutes of refusals: no five minutes see more than 60 % of the venue's limit."""
    run_virtual(storm(200, LIMIT, venue, down_s=600.0, healed_s=0.0))
    most = most_in_a_window(venue.knocks_s, LIMIT.per_s)
    print(f"{len(venue.knocks_s)} attempts, at most {most} in {LIMIT.per_s:.0f} s of {LIMIT.count} allowed")
    assert 0 < most <= 0.6 * LIMIT.count


@pytest.mark.slow
def test_attempts_are_spread_and_do_not_march_in_step(venue: Down) -> None:
    """With full jitter no tenth of a second sees more than a tenth of the feeds after the first rush."""
    run_virtual(storm(200, ConnectLimit(1_000_000, 1.0), venue, down_s=120.0, healed_s=0.0))
    late = [time_s for time_s in venue.knocks_s if time_s > 30]
    assert most_in_a_window(late, 0.1) <= 20


@pytest.mark.slow
def test_after_healing_everybody_is_back_within_the_longest_pause(venue: Down) -> None:
    """Three hundred feeds at a venue without a limit are connected again 12 s after it is back."""
    back = run_virtual(storm(300, ConnectLimit(1_000_000, 1.0), venue, down_s=120.0, healed_s=12.0))
    assert back == 300


def test_one_feed_alone_backs_off_to_ten_seconds(venue: Down) -> None:
    """A single feed knocks often at first and then about every five seconds, not in a loop."""
    run_virtual(storm(1, LIMIT, venue, down_s=300.0, healed_s=0.0))
    assert 35 <= len(venue.knocks_s) <= 110
