"""The second step: a person says yes, once, in time, to what is still so."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.deleverage_stage import POOL, READY_S

pytestmark = pytest.mark.integration


async def test_confirming_is_done_once_by_one(new):
    """Of ten who say yes at the same time one is heard, and the hook is asked once."""
    made = new(confirm=True)
    await made.ready()
    await made.look()
    assert made.hook.asked == []
    (token,) = made.actions.waiting
    assert token in made.actions.asked.pages.standing[POOL].text
    async with asyncio.TaskGroup() as group:
        made.actions._group = group
        said = await asyncio.gather(*(made.actions.confirm(token, "anna") for _ in range(10)))
    assert sum(answer is not None for answer in said) == 1
    assert len(made.hook.asked) == 1
    assert [record.by for record in made.records("confirm")] == ["anna"]
    assert await made.actions.confirm(token, "ben") is None


async def test_a_word_that_is_a_minute_old_confirms_nothing(new):
    """After its time it is forgotten, and the next one comes after the cooldown."""
    made = new(confirm=True)
    await made.ready()
    await made.look()
    (token,) = made.actions.waiting
    made.desk_at(READY_S + 60)
    assert await made.actions.confirm(token, "anna") is None
    await made.at(READY_S + 61)
    assert made.hook.asked == [] and made.actions.waiting == {}
    await made.at(READY_S + 400)
    assert len(made.actions.waiting) == 1


async def test_what_changed_before_the_yes_is_refused(new):
    """A position that is another one when the person answers is not cut by the old plan."""
    made = new(confirm=True)
    await made.ready()
    await made.look()
    (token,) = made.actions.waiting
    made.quantity, made.money = "1.1", "760"
    made.desk_at(READY_S + 5)
    async with asyncio.TaskGroup() as group:
        made.actions._group = group
        assert await made.actions.confirm(token, "anna") is not None
    assert made.hook.asked == []
    assert made.guards()[-1] == "plan"
