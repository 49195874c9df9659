"""Calls of one account side by side: whole, or not at all."""

from __future__ import annotations

import asyncio

import pytest

from adapters.rest import together
from adapters.venue import VenueUnavailable


async def test_answers_come_in_the_order_of_the_questions() -> None:
    """Whoever answers first, the order is that of the calls."""
    second = asyncio.Event()

    async def slow() -> str:
        await second.wait()
        return "first"

    async def quick() -> str:
        second.set()
        return "second"

    assert await together(slow(), quick()) == ["first", "second"]


async def test_the_first_failure_is_raised_as_it_is_and_the_rest_are_over() -> None:
    """No call is left running behind an answer that nobody waits for."""
    ended = asyncio.Event()

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def failing() -> None:
        await asyncio.sleep(0)  # so that the other one has begun
        raise VenueUnavailable("no")

    with pytest.raises(VenueUnavailable, match="no"):
        await together(slow(), failing())
    assert ended.is_set()


async def test_who_is_cancelled_takes_its_calls_along() -> None:
    """An account that is stopped leaves no request behind."""
    began, ended = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    asking = asyncio.create_task(together(slow()))
    await began.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert ended.is_set()
