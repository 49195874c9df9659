"""The store of a simulated run: the stream with copies and forgeries, the epoch, the kill switch, claims."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import msgspec

from monitor.deleverage.request import DeleverageRequest, DeleverageResult, Sealed, seal
from monitor.executor.guards import Standing
from monitor.executor.work import StoreUnavailable
from tests.support.acted_scenario import KEY, Scenario


class ActedStore:
    """What the leaders and the executors share."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._entries: list[Sealed] = []
        self._next = 0
        self._pending: dict[int, list[Sealed]] = defaultdict(list)
        self._claims: dict[str, str] = {}
        self.told: list[DeleverageResult] = []

    def epoch(self, at_s: float) -> int:
        """The epoch in force."""
        if at_s >= self._scenario.store_forgets_s:
            return 0
        return self.epoch_given(at_s)

    def epoch_given(self, at_s: float) -> int:
        """The highest that anybody was given."""
        return 2 if at_s >= self._scenario.takeover_s else 1

    def is_down(self, at_s: float) -> bool:
        """Whether it answers nobody."""
        began_s, ended_s = self._scenario.store_down_s
        return began_s <= at_s < ended_s

    async def standing(self) -> Standing:
        """As the executor asks."""
        at_s = self._answering()
        return Standing(self.epoch(at_s), at_s >= self._scenario.kill_s)

    async def claims(self, request: str, owner: str) -> bool:
        """The first has it."""
        self._answering()
        return self._claims.setdefault(request, owner) == owner

    async def tell(self, result: DeleverageResult) -> None:
        """A result."""
        self._answering()
        self.told.append(result)

    async def put(self, request: DeleverageRequest) -> None:
        """Hands a request over, with whatever happens on the way."""
        rng = self._scenario.rng
        sealed = seal(request, KEY.encode())
        loop = asyncio.get_running_loop()
        delay_s = rng.uniform(31, 60) if rng.random() < self._scenario.late else rng.uniform(0, 0.2)
        loop.call_later(delay_s, self._entries.append, sealed)
        if rng.random() < self._scenario.copies:
            loop.call_later(rng.choice((0.0, 0.3, 5.0, 20.0)), self._entries.append, sealed)
        if rng.random() < self._scenario.forged:
            forged = msgspec.structs.replace(request, id=f"{request.id[:-1]}x")
            loop.call_later(rng.uniform(0, 1), self._entries.append, seal(forged, b"somebody else's"))
        if rng.random() < self._scenario.altered:
            body = sealed.body.replace(b'"quantity":"', b'"quantity":"9')
            loop.call_later(0.0, self._entries.append, Sealed(sealed.id, body, sealed.signature))
            other = msgspec.structs.replace(request, reason="another plan of the same id")
            loop.call_later(rng.uniform(0, 1), self._entries.append, seal(other, KEY.encode()))

    def take(self, executor: int) -> Sealed | None:
        """The next entry of the group."""
        self._answering()
        if self._next == len(self._entries):
            return None
        entry = self._entries[self._next]
        self._next += 1
        self._pending[executor].append(entry)
        return entry

    def pending(self, executor: int) -> list[Sealed]:
        """What it took and did not acknowledge."""
        return list(self._pending[executor])

    def acknowledge(self, executor: int, entry: Sealed) -> None:
        """It is done with."""
        self._answering()
        self._pending[executor].remove(entry)

    def _answering(self) -> float:
        at_s = asyncio.get_running_loop().time()
        if self.is_down(at_s):
            raise StoreUnavailable("connection")
        return at_s
