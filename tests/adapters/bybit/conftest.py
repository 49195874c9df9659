"""One Bybit account's REST side, and the server of ours that answers it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from adapters.bybit.rest import BybitSource
from adapters.bybit.spec import SPEC
from tests.support.bybit_answers import replies
from tests.support.venue_server import Given, VenueServer, account_at, serving


@pytest.fixture
async def server() -> AsyncIterator[VenueServer]:
    """A venue with one account, as `replies` has it."""
    made = VenueServer(lambda request, _: request.path)
    made.replies = replies()
    async with serving(made):
        yield made


@pytest.fixture
def given() -> Given:
    """Clock, metrics and gate."""
    return Given()


@pytest.fixture
async def source(server: VenueServer, given: Given) -> AsyncIterator[BybitSource]:
    """The account's REST side."""
    made = SPEC.source(account_at("bybit", server.url), given.clock, given.metrics, given.gate)
    (await made._rest._made()).enableRateLimit = False  # our own server bears more than the venue
    yield made
    await made.close()
