"""`margind replay`: recorded frames through the real codecs and the real book, at the times of the recording.

Nothing here looks at a clock or at the network: the same files give the same bytes. Accounts are led by what
came to the book's door when it was recorded; prices come of the frames again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from adapters.venue import BadFrame, Ignored
from monitor.book.live_book import LiveBook
from monitor.book.settings import BookSettings
from monitor.config import Config, Daemon
from monitor.domain.event import AccountSnapshot, AssetPrice, Event, MarkPrice, PriceRejected
from monitor.domain.identity import AccountId
from monitor.engine import PAUSE_S, TICK_S, Engine
from monitor.exit_codes import ExitCode
from monitor.inbox import Inbox
from monitor.names import Metrics
from monitor.recording.codecs import Codecs, UnknownVenue
from monitor.recording.line import BEGIN, EVENT, OUTBOUND, BadRecording, Header, event_of
from monitor.recording.reader import Place, Recording, merged
from monitor.recording.report import Report
from monitor.thresholds import levels_for, uses_beside

SECOND_NS = 1_000_000_000
PAUSE_NS = round(PAUSE_S * SECOND_NS)
TICK_NS = round(TICK_S * SECOND_NS)
LONGEST_HOLE_NS = 120 * SECOND_NS  # after that everything is stale anyway: the rest is one step
CADENCE_S = 1.0  # of an instrument that no definition names


class ReplayClock:
    """Stands where the recording stands; both clocks are one.

    Before the first time is told the wall shows the venue's own: nothing that it says is late or early then.
    """

    def __init__(self) -> None:
        self.now_ns = 0
        self.venue_ns = 0

    def monotonic_ns(self) -> int:
        """The time of the line."""
        return self.now_ns

    def wall_ns(self) -> int:
        """The same: the wall time at which it was received."""
        return self.now_ns or self.venue_ns


class Replay:
    """One run over all files."""

    def __init__(self, paths: Sequence[Path], venue: str | None) -> None:
        self._recordings = [Recording(path, number) for number, path in enumerate(paths)]
        self._headers = [recording.header() for recording in self._recordings]
        self._offsets = [0 if header is None else header.offset_ns for header in self._headers]
        self._codecs = Codecs(venue)
        self._clock = ReplayClock()
        self._book = _declared_book([header for header in self._headers if header is not None])
        metrics = Metrics()
        self._inbox = Inbox(metrics)
        self.report = Report(self._book)
        self._engine = Engine(self._book, self._inbox, self._clock, metrics, (self.report.on_turn,))
        self._turned_ns = 0

    def run(self) -> Report:
        """Plays everything; raises CommandFailed at a line that can't be read."""
        for place in merged(self._recordings):
            self._advance(place.time_s)
            try:
                self._play(place)
            except (BadRecording, UnknownVenue) as fault:
                raise self._recordings[place.file].refused(place, str(fault)) from None
        self._engine.turn()
        self.report.cuts = [
            (recording.path, recording.cut) for recording in self._recordings if recording.cut
        ]
        return self.report

    def _advance(self, time_s: float | None) -> None:
        """Turns as the engine would have: after each pause in which something came, and at every tick."""
        if time_s is None:
            self._engine.turn()
            return
        to_ns = round(time_s * SECOND_NS)
        if not self._clock.now_ns:
            self._clock.now_ns = self._turned_ns = to_ns
        if to_ns - self._turned_ns > LONGEST_HOLE_NS:
            self._turn_until(self._turned_ns + LONGEST_HOLE_NS)
            self._turned_ns = to_ns - TICK_NS
        self._turn_until(to_ns)
        self._clock.now_ns = max(self._clock.now_ns, to_ns)
        self.report.at(self._clock.now_ns)

    def _turn_until(self, to_ns: int) -> None:
        if to_ns - self._turned_ns < PAUSE_NS:
            return
        self._engine.turn()  # what has come up to now
        while to_ns - self._turned_ns > TICK_NS:
            self._turned_ns += TICK_NS
            self._clock.now_ns = self._turned_ns
            self._engine.turn()
        self._turned_ns = to_ns

    def _play(self, place: Place) -> None:
        line = place.line
        if line.dir == EVENT:
            self._inbox.post(_moved(event_of(line.frame), self._offsets[place.file]))
            self.report.fact()
        elif line.dir == BEGIN:
            return
        elif line.dir in OUTBOUND:
            self.report.outbound()
        elif line.dir:
            raise BadRecording(f"dir {line.dir!r} is none of begin, connect, event, send")
        elif line.account:
            self.report.private(line.venue)
        else:
            self._hear(place)

    def _hear(self, place: Place) -> None:
        """A public frame: of a recording of ours only its prices count, the rest was recorded as events."""
        line = place.line
        path = self._recordings[place.file].path
        venue, codec = self._codecs.find(line.venue, line.stream, line.url_or_channel, path)
        decoded = codec.decode(line.frame.encode(), self._clock.now_ns)
        self.report.frame(venue, decoded)
        if isinstance(decoded, Ignored | BadFrame):
            return
        is_ours = self._headers[place.file] is not None
        for event in decoded:
            self._clock.venue_ns = getattr(event, "venue_ns", 0)
            if not is_ours:
                self._know(venue, event)
                self._inbox.post(event)
            elif isinstance(event, MarkPrice | AssetPrice | PriceRejected):
                self._inbox.post(event)

    def _know(self, venue: str, event: Event) -> None:
        """The book keeps a mark whose instrument no recorded definition names: there is nobody else to."""
        if isinstance(event, MarkPrice) and self._book.quotes.find(event.instrument) is None:
            self._book.quotes.row(venue, event.instrument, CADENCE_S)


def replay(paths: Sequence[Path], venue: str | None, as_json: bool) -> int:
    """Prints what the recordings hold and what the book made of it."""
    report = Replay(paths, venue).run()
    print(report.as_json() if as_json else report.as_text())
    return ExitCode.DONE


def _declared_book(headers: Sequence[Header]) -> LiveBook:
    """The book as the recording daemon had it; without a header one that only keeps prices."""
    first = headers[0] if headers else None
    daemon = Daemon("") if first is None else _limits(first)
    thresholds = first.thresholds if first is not None else ()
    models = tuple(dict.fromkeys(model for header in headers for model in header.models))
    config = Config(daemon, (), (), (), thresholds=thresholds)
    book = LiveBook(
        BookSettings(
            models,
            levels_for(config),
            daemon.implausible_index_gap,
            daemon.margin_error_limit,
            uses_beside(config),
        )
    )
    for account in dict.fromkeys(account for header in headers for account in header.accounts):
        book.declare(AccountId(account.id), account.desk, 0)
    return book


def _limits(header: Header) -> Daemon:
    return Daemon(
        "",
        margin_error_limit=header.margin_error_limit,
        implausible_index_gap=header.implausible_index_gap,
    )


def _moved(event: Event, offset_ns: int) -> Event:
    """The event with its monotonic times on the replay's clock."""
    if isinstance(event, AccountSnapshot):
        prices = tuple(
            msgspec.structs.replace(price, received_ns=price.received_ns + offset_ns)
            for price in event.prices
        )
        event = msgspec.structs.replace(event, prices=prices)
    return msgspec.structs.replace(event, received_ns=event.received_ns + offset_ns)
