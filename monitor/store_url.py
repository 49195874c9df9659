"""Where the store is, when a config names Sentinels: `sentinel://HOST:26379,HOST2:26379/SERVICE/DB`."""

from __future__ import annotations

from typing import NamedTuple

SCHEME = "sentinel://"
SENTINEL_PORT = 26379
SHAPE = "sentinel://HOST:26379,HOST2:26379/SERVICE/0"


class BadStoreUrl(ValueError):
    """[store] url is none that we can open."""


class Watched(NamedTuple):
    """A primary that sentinels watch."""

    sentinels: tuple[tuple[str, int], ...]
    service: str
    database: int


def watched(url: str) -> Watched | None:
    """What a sentinel URL names, None for a URL of another kind; raises BadStoreUrl."""
    if not url.startswith(SCHEME):
        return None
    hosts, _, rest = url.removeprefix(SCHEME).partition("/")
    service, _, database = rest.partition("/")
    sentinels = tuple(_address(host) for host in hosts.split(",") if host)
    if not sentinels or not service or not (database or "0").isdecimal():
        raise BadStoreUrl(f'must be "{SHAPE}"')
    return Watched(sentinels, service, int(database or "0"))


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":") if ":" in text else (text, "", str(SENTINEL_PORT))
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise BadStoreUrl(f"{text!r}: must be HOST or HOST:PORT")
    return host.strip("[]"), int(port)
