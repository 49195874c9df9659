"""A message of an incident passes Slack's documented limits, whatever the names in it."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.alert import Ack, AlertKey, Condition, Kind, Level
from alerts.notify.slack import payload_of
from alerts.notify.slack_blocks import ACKNOWLEDGE, BUTTONS, Card, blocks_of, card_of, text_of
from alerts.notify.slack_pressed import paged
from alerts.notify.slack_refresh import message_of
from alerts.notify.slack_threads import name_of
from tests.support.block_kit import mistakes
from tests.support.notifications import (
    HOSTILE,
    POOL,
    a_large_notification,
    a_notification,
    hostile_notifications,
    hostile_text,
)

AN_ACK = Ack(AlertKey(POOL, Condition.MARGIN), 3, Level.CRITICAL, "slack:U0ALICE", 1_793_588_500 * 10**9)


@settings(max_examples=150)
@given(hostile_notifications, hostile_text, st.booleans())
def test_every_message_is_within_the_limits(page, author, has_buttons) -> None:
    """New and edited, acknowledged by whom ever, with buttons and without."""
    name = name_of(page)
    card = card_of(page)
    ack = msgspec.structs.replace(AN_ACK, author=author)
    fresh = payload_of(text_of(page), page.id, "C1")
    assert mistakes(fresh | {"blocks": blocks_of(card, None, name if has_buttons else None)}) == []
    assert mistakes(message_of(card, ack, "C1", name)) == []
    assert msgspec.json.decode(msgspec.json.encode(card), type=Card) == card


def test_a_large_pool_is_within_the_limits() -> None:
    """Whatever does not fit is counted."""
    card = card_of(a_large_notification(400))
    assert mistakes(message_of(card, None, "C1", "inc")) == []
    longest = max(HOSTILE, key=len)
    assert mistakes(message_of(card_of(a_notification(pool=f"v/{longest}/{longest}")), None, "C1", "i")) == []


def test_the_check_sees_what_is_wrong() -> None:
    """Each limit of the validator is one that it finds broken."""
    plain = {"type": "plain_text", "text": "x"}
    button = {"type": "button", "action_id": "a", "text": plain, "value": "v"}
    bad = [
        {"type": "header", "text": {**plain, "text": "x" * 151}},
        {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
        {"type": "section", "text": {**plain, "text": "x" * 3001}},
        {"type": "section", "text": {**plain, "text": ""}},
        {"type": "section", "text": {**plain, "text": "<!here>"}},
        {"type": "section", "text": {**plain, "text": "a & b"}},
        {"type": "section"},
        {"type": "context", "elements": []},
        {"type": "context", "elements": [plain] * 11},
        {"type": "actions", "elements": [button, button]},
        {"type": "actions", "elements": [{**button, "value": "v" * 2001}]},
        {"type": "actions", "elements": [{**button, "text": {**plain, "text": "x" * 76}}]},
        {"type": "actions", "elements": [{**button, "action_id": "a" * 256}]},
        {"type": "video"},
        {"type": "header", "text": plain, "color": "red"},
    ]
    assert [block for block in bad if not mistakes({"text": "x", "blocks": [block]})] == []
    assert mistakes({"text": "x", "blocks": [{"type": "section", "text": plain}] * 51})
    assert mistakes({"text": "", "blocks": []})
    assert mistakes({"text": "x", "blocks": [{"type": "actions", "elements": [button]}]}) == []


def test_the_end_has_no_buttons() -> None:
    """Nothing is left to do; and where nobody hears a press there never were any."""
    over = card_of(a_notification(kind=Kind.RESOLVED, level=Level.CLEAR))
    assert "actions" not in [block["type"] for block in blocks_of(over, None, "inc")]
    assert "actions" not in [block["type"] for block in blocks_of(card_of(a_notification()), None, None)]


def test_who_has_it_is_shown_in_place_of_the_button() -> None:
    """Acknowledged is acknowledged; the other two stay."""
    before = blocks_of(card_of(a_notification()), None, "inc")[-1]["elements"]
    *_, context, actions = blocks_of(card_of(a_notification()), AN_ACK, "inc")
    assert [button["action_id"] for button in before] == list(BUTTONS)
    assert [button["action_id"] for button in actions["elements"]] == [
        name for name in BUTTONS if name != ACKNOWLEDGE
    ]
    assert context["elements"][0]["text"] == "acknowledged by slack:U0ALICE at 2026-11-02T03:01:40Z"


@given(st.lists(st.text(st.characters(codec="ascii", exclude_categories=["C"]), max_size=300), max_size=60))
def test_working_is_told_in_few_messages(lines) -> None:
    """Each within the limits; what does not fit is counted in the last."""
    pages = paged(lines)
    assert len(pages) <= 3
    assert all(len(page) <= 3000 for page in pages)
    told = sum(page.count("\n") + 1 for page in pages)
    assert told == len(lines) or "more lines were cut" in pages[-1]
