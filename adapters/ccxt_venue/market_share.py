"""What the accounts of one exchange share: its list of markets, and the calls that our address may make."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from adapters.ccxt_venue.client import ReadOnlyClient
from monitor.domain.identity import AccountId


class MarketShare:
    """One per exchange and set of endpoints. Markets are read by the first client that asks."""

    def __init__(self) -> None:
        self._members: set[AccountId] = set()
        self._first: ReadOnlyClient | None = None
        self._reading = asyncio.Lock()

    @property
    def members(self) -> int:
        """How many accounts are read."""
        return len(self._members)

    @contextmanager
    def member(self, account: AccountId) -> Iterator[None]:
        """Counts an account while it is read."""
        self._members.add(account)
        try:
            yield
        finally:
            self._members.discard(account)

    async def load(self, client: ReadOnlyClient, again: bool = False) -> None:
        """Gives the client the markets; with `again` they are read anew."""
        async with self._reading:
            if self._first is None or again:
                await client.load_markets()
                self._first = client
            elif self._first is not client:
                client.take_markets(self._first)
