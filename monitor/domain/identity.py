"""Names of things: one grammar, stable across releases, in Redis, labels, commands and ids."""

from __future__ import annotations

import re
from typing import NewType

PoolId = NewType("PoolId", str)  # venue/account/pool
AccountId = NewType("AccountId", str)  # venue/account
InstrumentId = NewType("InstrumentId", str)  # venue:SYMBOL, the venue's own symbol; venue may be ccxt:NAME

THROUGH_CCXT = "ccxt"  # no venue of ours: the name of the exchange follows after a colon
PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@+-]{0,63}")


class BadName(ValueError):
    """A name that the grammar refuses."""


def checked_part(text: str) -> str:
    """`text`, if it may stand between two slashes of an id; raises BadName otherwise."""
    if not PART.fullmatch(text):
        raise BadName(
            f"{text!r} is no name: letters, digits and . _ : @ + - only, 1 to 64, "
            "starting with a letter or digit"
        )
    return text


def account_id(venue: str, account: str) -> AccountId:
    """`venue/account`."""
    return AccountId(f"{checked_part(venue)}/{checked_part(account)}")


def pool_id(account: AccountId, pool: str) -> PoolId:
    """`venue/account/pool`."""
    return PoolId(f"{account}/{checked_part(pool)}")


def instrument_id(venue: str, symbol: str) -> InstrumentId:
    """`venue:SYMBOL`."""
    return InstrumentId(f"{venue}:{symbol}")


def venue_of(instrument: InstrumentId) -> str:
    """The venue; one that is read through ccxt has a colon in its name: `ccxt:okx` of `ccxt:okx:BTC-USDT`."""
    first, _, rest = instrument.partition(":")
    return f"{first}:{rest.partition(':')[0]}" if first == THROUGH_CCXT else first


def symbol_of(instrument: InstrumentId) -> str:
    """The venue's own symbol."""
    return instrument[len(venue_of(instrument)) + 1 :]
