"""One message of Slack for each incident: what rings, what is edited, and what a restart or a kill costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from monitor.domain.assessment import RiskBand
from tests.support.alerting import ALPHA, BETA
from tests.support.receivers import CHANNEL
from tests.support.slack_night import night
from tests.support.slack_server import ELSEWHERE, SlackWorkspace, workspace
from tests.support.waiting import eventually


@pytest.fixture
async def slack() -> AsyncIterator[SlackWorkspace]:
    """A running workspace."""
    async with workspace() as running:
        yield running


async def test_an_incident_is_one_message_with_its_history_below(tmp_path, slack) -> None:
    """Raised is the message; what is worse rings in the channel; the end is in thread and message."""
    async with night(tmp_path, slack) as desk:
        for band in (RiskBand.WARNING, RiskBand.CRITICAL, RiskBand.CLEAR):
            await desk.tell(band)
        await desk.shows("RESOLVED")
    [root] = slack.roots
    worse, over = slack.replies(root)
    assert slack.messages[root]["text"].startswith("RESOLVED")
    assert (worse["reply_broadcast"], over["reply_broadcast"]) == (True, False)
    assert worse["text"].startswith("CRITICAL") and over["text"].startswith("RESOLVED")
    posted = [method for method, _ in slack.calls if method == "chat.postMessage"]
    assert len(posted) == 3


async def test_two_incidents_are_two_messages(tmp_path, slack) -> None:
    """Of two pools, and of one pool after another."""
    async with night(tmp_path, slack) as desk:
        await desk.tell(RiskBand.CRITICAL)
        await desk.tell(RiskBand.CRITICAL, BETA)
        await desk.tell(RiskBand.CLEAR)
        await desk.tell(RiskBand.CRITICAL)
    assert len(slack.roots) == 3


async def test_a_restart_goes_on_in_the_same_thread(tmp_path, slack) -> None:
    """Where the message is stands in the ledger; an edit that was owed is made by the next run."""
    slack.errors["chat.update"] = [("internal_error", {})] * 50
    async with night(tmp_path, slack) as desk:
        await desk.tell(RiskBand.WARNING)
        await desk.tell(RiskBand.CRITICAL)
    slack.errors.clear()
    async with night(tmp_path, slack) as desk:
        await desk.shows("CRITICAL")
        await desk.tell(RiskBand.CLEAR)
        await desk.shows("RESOLVED")
    assert len(slack.roots) == 1
    assert len(slack.replies(next(iter(slack.roots)))) == 2


@pytest.mark.parametrize("error", ["message_not_found", "cant_update_message", "edit_window_closed"])
async def test_what_cannot_be_edited_is_posted_anew(tmp_path, slack, error) -> None:
    """Once, and from then on that message is the incident's."""
    async with night(tmp_path, slack) as desk:
        await desk.tell(RiskBand.WARNING)
        slack.errors["chat.update"] = [(error, {})]
        await desk.tell(RiskBand.CRITICAL)

        async def is_anew() -> bool:
            return len(slack.roots) == 2

        await eventually(is_anew, "a second message")
        await desk.tell(RiskBand.LIQUIDATION)
        await desk.shows("LIQUIDATION", list(slack.roots)[1])
    first, second = slack.roots
    assert len(slack.roots) == 2
    assert len(slack.replies(first)) == 1 and len(slack.replies(second)) == 1


async def test_a_message_that_is_gone_costs_no_page(tmp_path, slack) -> None:
    """A reply that finds no thread becomes a message at once."""
    async with night(tmp_path, slack) as desk:
        await desk.tell(RiskBand.WARNING)
        slack.messages.clear()
        await desk.tell(RiskBand.CRITICAL)
        await desk.shows("CRITICAL")
    assert len(slack.roots) == 1


async def test_no_page_waits_for_an_edit(tmp_path, slack) -> None:
    """Edits that Slack limits for a minute delay nothing that rings."""
    slack.errors["chat.update"] = [("ratelimited", {"retry-after": "60"})]
    async with night(tmp_path, slack) as desk:
        for band in (RiskBand.WARNING, RiskBand.CRITICAL, RiskBand.LIQUIDATION):
            async with asyncio.timeout(10):
                await desk.tell(band)
    [root] = slack.roots
    assert [each["text"].split()[0] for each in slack.replies(root)] == ["CRITICAL", "LIQUIDATION"]


async def test_blocks_that_slack_refuses_cost_no_page(tmp_path, slack) -> None:
    """The text alone is posted, and that is counted."""
    slack.errors["chat.postMessage"] = [("invalid_blocks", {})]
    async with night(tmp_path, slack) as desk:
        await desk.tell(RiskBand.CRITICAL)
        labels = {"receiver": "chat", "what": "blocks"}
        registry = desk.metrics.registry
        assert registry.get_sample_value("margind_render_fallback_total", labels) == 1
    [root] = slack.roots.values()
    assert "blocks" not in root and root["text"].startswith("CRITICAL")


async def test_blocks_that_fail_cost_no_page(tmp_path, slack, monkeypatch) -> None:
    """A fault of ours in the form of a message leaves its words."""
    monkeypatch.setattr("alerts.notify.slack.blocks_of", _fails)
    async with night(tmp_path, slack) as desk:
        await desk.tell(RiskBand.CRITICAL)
    [root] = slack.roots.values()
    assert "blocks" not in root and root["text"].startswith("CRITICAL")


async def test_an_acknowledgement_is_shown_wherever_it_came_from(tmp_path, slack) -> None:
    """Also one of the command line."""
    async with night(tmp_path, slack) as desk:
        await desk.tell(RiskBand.CRITICAL)
        await desk.service.duty.acknowledge(ALPHA, None, "alice")
        await desk.shows("acknowledged by alice")


async def test_a_reload_goes_on_in_the_same_thread(tmp_path, slack) -> None:
    """A receiver that changes is another channel object, and knows what the one before remembered."""
    async with night(tmp_path, slack) as desk:
        await desk.tell(RiskBand.WARNING)
        config = desk.service._config
        receiver = msgspec.structs.replace(config.receivers[0], to=("nobody",))
        desk.service.reload(msgspec.structs.replace(config, receivers=(receiver,)))
        await desk.tell(RiskBand.CRITICAL)
        await desk.shows("CRITICAL")
    [root] = slack.roots
    assert len(slack.replies(root)) == 1


async def test_a_desk_that_moves_is_told_where_it_is(tmp_path, slack) -> None:
    """Another channel in the config gets a message of its own: a page does not stay in the old room."""
    async with night(tmp_path, slack) as desk:
        await desk.tell(RiskBand.WARNING)
        config = desk.service._config
        receiver = msgspec.structs.replace(config.receivers[0], channel=ELSEWHERE)
        desk.service.reload(msgspec.structs.replace(config, receivers=(receiver,)))
        await desk.tell(RiskBand.CRITICAL)
    assert [root["channel"] for root in slack.roots.values()] == [CHANNEL, ELSEWHERE]


@pytest.mark.parametrize("error", ["thread_not_found", "is_archived", "restricted_action_thread_locked"])
async def test_whatever_slack_has_against_a_reply_it_is_posted(tmp_path, slack, error) -> None:
    """As a message of its own, at once."""
    async with night(tmp_path, slack) as desk:
        await desk.tell(RiskBand.WARNING)
        slack.errors["chat.postMessage"] = [(error, {})]
        await desk.tell(RiskBand.CRITICAL)
    assert [root["text"].split()[0] for root in slack.roots.values()][1:] == ["CRITICAL"]


async def test_what_cannot_be_remembered_is_delivered(tmp_path, slack, monkeypatch) -> None:
    """A fault of ours after Slack's answer makes no second page."""
    monkeypatch.setattr("alerts.notify.slack_threads.card_of", _fails)
    async with night(tmp_path, slack) as desk:
        await desk.tell(RiskBand.CRITICAL)
    assert len(slack.roots) == 1


async def test_an_end_that_was_told_with_others_is_shown(tmp_path, slack, monkeypatch) -> None:
    """The message of one pool does not stay open because five were told of in one."""
    monkeypatch.setattr("alerts.notify.slack_refresh.GONE_S", 0.2)
    async with night(tmp_path, slack) as desk:
        await desk.tell(RiskBand.CRITICAL)
        desk.service._incidents.forget(ALPHA, "told elsewhere", 0)
        await desk.shows("OVER CRITICAL")
    [root] = slack.roots.values()
    assert [block["type"] for block in root["blocks"]] == ["header", "section"]


def _fails(*_: object) -> None:
    raise KeyError("no")


async def test_what_was_taken_and_remembered_is_not_posted_again(tmp_path, slack, monkeypatch) -> None:
    """A notice that the ledger does not hold as delivered, and the memory does: the next run says nothing."""
    async with night(tmp_path, slack) as desk:

        async def not_written(*_: object) -> bool:
            return True

        monkeypatch.setattr(desk.service._ledger, "settle", not_written)
        await desk.tell(RiskBand.CRITICAL)
    async with night(tmp_path, slack) as desk:
        await desk.tell(RiskBand.CRITICAL)
    assert [method for method, _ in slack.calls].count("chat.postMessage") == 1
