"""A live book for tests: one account on shipped-like levels, times in seconds."""

from __future__ import annotations

from monitor.book.live_book import LiveBook
from monitor.book.settings import BookSettings, LevelRow
from monitor.domain.event import Event
from monitor.domain.identity import AccountId
from monitor.domain.turn import PoolState, Turn
from tests.support.facts import ACCOUNT, SECOND

LEVELS = LevelRow((0.5, 0.7, 0.85, 1.0), (0.475, 0.665, 0.8075, 0.95))
MODELS = ("tiered", "multi_assets", "bybit_unified", "bybit_isolated")


class Desk:
    """A book and a clock: `tell` applies events at a second, `turn` ends it."""

    def __init__(self, levels: LevelRow = LEVELS, accounts: tuple[AccountId, ...] = (ACCOUNT,)) -> None:
        self.book = LiveBook(BookSettings(MODELS, lambda *_: levels))
        self.now_ns = 0
        for account in accounts:
            self.book.declare(account, "desk", 0)

    def tell(self, *events: Event) -> None:
        """Applies events; wall and monotonic clock are the same."""
        for event in events:
            self.book.apply(event, event.received_ns)

    def turn(self, second: float) -> Turn:
        """One turn at that second."""
        self.now_ns = round(second * SECOND)
        return self.book.turn(self.now_ns, self.now_ns, None)

    def states(self, second: float) -> dict[str, PoolState]:
        """What changed in a turn, by the last part of the pool id."""
        return {state.pool.rsplit("/", 1)[1]: state for state in self.turn(second).changed}

    def row(self, pool: str) -> int:
        """The row of a pool of the account."""
        return self.book.placing.pools[f"{ACCOUNT}/{pool}"].row  # type: ignore[index]
