"""What a replay saw: frames and their outcomes, symbols and their marks, and what became of every pool."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from adapters.venue import BadFrame, Decoded, Ignored
from monitor.book.live_book import LiveBook
from monitor.domain.assessment import Reason, RiskBand
from monitor.domain.event import MarkPrice
from monitor.domain.identity import PoolId
from monitor.domain.turn import PoolState, Turn
from monitor.recording.report_text import text_of

SECOND_NS = 1_000_000_000


class Outcomes(msgspec.Struct):
    """What became of the public frames of one venue."""

    events: Counter[str]
    ignored: Counter[str]
    bad: Counter[str]


class Symbol(msgspec.Struct):
    """One instrument: how often it was confirmed, how often with a mark, and the last that was told."""

    symbol: str
    frames: int = 0
    marks: int = 0
    mark: float | None = None
    index: float | None = None
    seen_ns: int = 0
    longest_silence_s: float = 0.0
    state: str = ""  # "fresh", or the reasons why the book does not believe the mark at the end

    def saw(self, event: MarkPrice) -> None:
        """Counts one event."""
        self.frames += 1
        self.marks += event.mark is not None
        self.mark = self.mark if event.mark is None else event.mark
        self.index = self.index if event.index is None else event.index
        if self.seen_ns:
            silence_s = (event.received_ns - self.seen_ns) / SECOND_NS
            self.longest_silence_s = round(max(self.longest_silence_s, silence_s), 6)
        self.seen_ns = event.received_ns


class Change(NamedTuple):
    """A pool whose band, or whose reason to be UNKNOWN, changed."""

    at: str
    pool: str
    before: str
    after: str
    ratio: float | None
    detail: str


class Report:
    """Fed by the replay; read once at the end. Everything in it comes from the files alone."""

    def __init__(self, book: LiveBook) -> None:
        self.cuts: list[tuple[Path, str]] = []
        self._book = book
        self._counts: Counter[str] = Counter()
        self._outcomes: defaultdict[str, Outcomes] = defaultdict(
            lambda: Outcomes(Counter(), Counter(), Counter())
        )
        self._symbols: dict[str, Symbol] = {}
        self._first_ns = self._last_ns = 0
        self._said: dict[PoolId, tuple[str, str]] = {}
        self._changes: list[Change] = []
        self._turn: Turn | None = None

    def at(self, now_ns: int) -> None:
        """The time of a line."""
        self._first_ns = self._first_ns or now_ns
        self._last_ns = now_ns

    def outbound(self) -> None:
        """A line that the recorder sent, or a connection that it opened."""
        self._counts["outbound"] += 1

    def fact(self) -> None:
        """An event as it came to the door."""
        self._counts["events"] += 1

    def private(self, venue: str) -> None:
        """A private frame: what the daemon made of it was recorded as events."""
        self._counts["private frames"] += 1

    def frame(self, venue: str, decoded: Decoded) -> None:
        """A public frame and what the codec made of it."""
        self._counts["frames"] += 1
        outcomes = self._outcomes[venue]
        if isinstance(decoded, Ignored):
            outcomes.ignored[decoded.kind] += 1
        elif isinstance(decoded, BadFrame):
            outcomes.bad[decoded.reason] += 1
        else:
            for event in decoded:
                outcomes.events[type(event).__name__] += 1
                if isinstance(event, MarkPrice):
                    self._symbols.setdefault(event.instrument, Symbol(event.instrument)).saw(event)

    def on_turn(self, turn: Turn) -> None:
        """Notes the pools that changed, in the order of their names."""
        self._turn = turn
        ratios = _ratios(turn) if turn.changed else {}
        for state in sorted(turn.changed, key=lambda state: state.pool):
            after = (state.band.label, _why(state))
            before = self._said.get(state.pool, ("", ""))
            if after != before:
                self._said[state.pool] = after
                ratio = ratios.get(state.pool)
                self._changes.append(
                    Change(utc(turn.as_of_ns), state.pool, before[0], after[0], ratio, after[1])
                )

    def document(self) -> dict[str, Any]:
        """All of it, for programs; keys and rows in a fixed order."""
        return {
            "from": utc(self._first_ns),
            "to": utc(self._last_ns),
            "cut": [f"{path.name}: {why}" for path, why in self.cuts],
            "lines": dict(sorted(self._counts.items())),
            "venues": {name: _sorted_counts(found) for name, found in sorted(self._outcomes.items())},
            "refused_by_the_book": {
                f"{what}: {why}": count for (what, why), count in sorted(self._book.counts.items())
            },
            "symbols": [self._judged(symbol) for _, symbol in sorted(self._symbols.items())],
            "changes": [change._asdict() for change in self._changes],
            "pools": self._pools(),
        }

    def as_json(self) -> str:
        """One document."""
        return msgspec.json.format(msgspec.json.encode(self.document()), indent=2).decode()

    def as_text(self) -> str:
        """For a person."""
        return text_of(self.document())

    def _judged(self, symbol: Symbol) -> dict[str, Any]:
        row = self._book.quotes.find(symbol.symbol)
        reasons = Reason(int(self._book.quotes.reasons[row])) if row is not None else Reason.PARTIAL
        symbol.state = ", ".join(reasons.labels) or "fresh"
        found: dict[str, Any] = msgspec.to_builtins(symbol)
        found["last"] = utc(found.pop("seen_ns"))
        return found

    def _pools(self) -> list[dict[str, Any]]:
        if self._turn is None:
            return []
        view = self._turn.view
        ratios = _ratios(self._turn)
        found = [
            {
                "pool": label.id,
                "model": label.model,
                "unit": label.unit,
                "band": RiskBand(int(view.band[row])).label,
                "ratio": ratios[label.id],
                "equity": _finite(float(view.equity[row])),
                "maintenance_margin": _finite(float(view.maintenance_margin[row])),
                "why": ", ".join(Reason(int(view.reasons[row])).labels),
            }
            for row, label in enumerate(view.pools)
        ]
        return sorted(found, key=lambda pool: str(pool["pool"]))


def utc(at_ns: int) -> str:
    """To the millisecond; empty where no line told a time."""
    if not at_ns:
        return ""
    at = datetime.fromtimestamp(at_ns // SECOND_NS, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"{at}.{at_ns % SECOND_NS // 1_000_000:03d}"


def _why(state: PoolState) -> str:
    if state.band is not RiskBand.UNKNOWN:
        return ""
    return f"{', '.join(state.reasons.labels)}: {state.detail}"


def _ratios(turn: Turn) -> dict[PoolId, float | None]:
    """Of the pools whose figures are to be believed."""
    view = turn.view
    return {
        label.id: _finite(float(view.maintenance_margin[row] / view.equity[row]))
        if view.band[row] != RiskBand.UNKNOWN and view.equity[row] > 0
        else None
        for row, label in enumerate(view.pools)
    }


def _finite(value: float) -> float | None:
    return value if value - value == 0 else None


def _sorted_counts(outcomes: Outcomes) -> dict[str, dict[str, int]]:
    groups = {"events": outcomes.events, "ignored": outcomes.ignored, "bad": outcomes.bad}
    return {name: dict(sorted(counts.items())) for name, counts in groups.items()}
