"""One line of the table of exchanges: which answers are read, and where in them its ratio is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from adapters.ccxt_venue.told import Answers, Json, Told

Parameters = Mapping[str, Any]
Names = frozenset[str]  # the pools that `read` found
NO_PARAMETERS: Parameters = {}


class Rights(NamedTuple):
    """Where the exchange tells what a key may do: `too_many` names every right but reading."""

    endpoint: str  # ccxt's name of the raw call
    too_many: Callable[[Json], list[str]]


class Second(NamedTuple):
    """Another endpoint that tells what is gone, for exchanges whose stream speaks anyway. `is_empty` answers
    whether there is no money and no position."""

    endpoint: str
    parameters: Callable[[str], Parameters]  # of the account's address
    is_empty: Callable[[Any], tuple[bool, bool]]


class Entry(NamedTuple):
    """What margind knows of one exchange of ccxt. Everything here is read from raw answers."""

    read: Callable[[Answers], list[Told]]
    pool_of: Callable[[Json, Names], str]  # the pool of a position, from its raw answer and what was told
    liquidation_price: Callable[[Json], object]  # its price as the exchange tells it
    source: str  # where the direction and the threshold of the ratio were read, and when
    balances: tuple[Parameters, ...] = (NO_PARAMETERS,)  # one call each
    positions: tuple[Parameters, ...] = (NO_PARAMETERS,)
    extras: tuple[str, ...] = ()  # further raw calls that only read
    posts: tuple[str, ...] = ()  # paths that are read by POST, or that open a stream; no other is sent
    options: Parameters = NO_PARAMETERS  # of the ccxt class
    rights: Rights | None = None  # None: no such call whose answer we have seen
    second: Second | None = None  # None: its private stream is silent unless something happens
    not_read: str = ""  # what an account may hold there that nobody looks at: said at the start


def field(name: str) -> Callable[[Json], object]:
    """Reads one field of a raw position."""
    return lambda info: info.get(name)
