"""Which venue's codec reads a recorded frame: the line says it, or its address, or the operator."""

from __future__ import annotations

from pathlib import PurePath
from urllib.parse import urlsplit

from adapters import VENUES
from adapters.venue import Codec, Stream
from monitor.config import Account
from monitor.domain.identity import instrument_id

# Folders of collections, in which a line says only its channel: venue folder -> the venue whose wire it is.
FOLDERS = {"BINANCE": "binance_usdm", "BYBIT": "bybit", "HYPERLIQUID": "hyperliquid"}


class UnknownVenue(ValueError):
    """Nothing says whose frame it is."""


class Codecs:
    """One codec for each stream, kept, as a connection would keep it."""

    def __init__(self, venue: str | None) -> None:
        self._venue = venue
        self._streams = {name: _public_streams(name) for name in VENUES}
        self._hosts = {
            urlsplit(stream.url).hostname: name
            for name, streams in self._streams.items()
            for stream in streams
        }
        self._found: dict[tuple[str, str, PurePath], tuple[str, Codec]] = {}

    def find(self, venue: str, stream: str, url: str, path: PurePath) -> tuple[str, Codec]:
        """The venue and the codec of a public frame; raises UnknownVenue."""
        key = (venue, stream or url, path)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._look(venue, stream, url, path)
        return found

    def _look(self, venue: str, stream: str, url: str, path: PurePath) -> tuple[str, Codec]:
        address = urlsplit(url)
        named = venue or self._venue or self._hosts.get(address.hostname) or FOLDERS.get(path.parent.name)
        if named not in self._streams:
            known = ", ".join(self._streams)
            raise UnknownVenue(f"{venue or url!r} is no venue that is known; --venue says which: {known}")
        streams = self._streams[named]
        by_name = [found for found in streams if found.name == stream]
        by_path = [found for found in streams if urlsplit(found.url).path == address.path]
        return named, [*by_name, *by_path, *streams][0].codec


def _public_streams(venue: str) -> tuple[Stream, ...]:
    """What the daemon would open for one instrument."""
    account = Account(name="replay", venue=venue, desk="replay")
    return VENUES[venue].public_streams(account, [instrument_id(venue, "BTCUSDT")])
