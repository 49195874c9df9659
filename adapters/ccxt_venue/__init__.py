"""Any exchange of ccxt that margind has no adapter for: `venue = "ccxt:NAME"`, NAME being ccxt's id of it.

Nothing is computed for such an account. Its pools stand on the model `venue_ratio`: the exchange's own
equity and maintenance margin, or its own ratio, from raw answers, as the table in `exchanges/` says where.
What an exchange does not tell is UNKNOWN by name, and so is every account of an exchange that is not in
the table.

Only reads leave the process: `client.ReadOnlyClient` has no other method, and refuses every request but
GET at the door to the network, save the paths that its entry names because the exchange reads by POST
there.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import msgspec

from adapters.ccxt_venue.entry import Entry
from adapters.ccxt_venue.exchanges import ENTRIES
from adapters.gate import ConnectLimit

PREFIX = "ccxt:"
CONNECTS = ConnectLimit(count=300, per_s=300.0)  # not used: ccxt dials by itself, with a back-off of its own


class NoSuchExchange(Exception):
    """ccxt, as it is installed, has no exchange of that name."""


class CcxtSpec(msgspec.Struct, frozen=True):
    """What `ccxt:NAME` is to the daemon. Without an entry every account is UNKNOWN, and says why."""

    name: str  # with the prefix: the venue of its accounts
    exchange: str
    entry: Entry | None
    models: tuple[str, ...] = ("venue_ratio",)
    connects: ConnectLimit = CONNECTS


def ccxt_spec(venue: str) -> CcxtSpec:
    """The spec of `ccxt:NAME`; raises NoSuchExchange. Loads nothing of ccxt: that takes seconds."""
    exchange = venue.removeprefix(PREFIX)
    if exchange not in _known():
        raise NoSuchExchange(f"ccxt has no exchange {exchange!r}; its names are listed at docs.ccxt.com")
    return CcxtSpec(venue, exchange, ENTRIES.get(exchange))


def _known() -> frozenset[str]:
    found = find_spec("ccxt")
    if found is None or found.origin is None:
        return frozenset()
    folder = Path(found.origin).parent / "async_support"
    return frozenset(file.stem for file in folder.glob("*.py") if not file.stem.startswith("_"))
