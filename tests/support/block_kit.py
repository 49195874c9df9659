"""The documented limits of a Slack message, as a check.

docs.slack.dev, "Blocks", "Block elements", "Text object", "chat.postMessage" and "Formatting text", 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

BLOCKS = 50
TEXT = 40_000  # Slack cuts past it; 4,000 is what it advises
METADATA = 8_000  # characters of JSON
KINDS = {"header": 150, "section": 3000}
ENTITY = re.compile(r"&(?!amp;|lt;|gt;)")


def mistakes(message: dict[str, Any]) -> list[str]:
    """What Slack would refuse or show otherwise than meant; nothing for a sound message."""
    found = list(_of_text(message.get("text"), TEXT, "text"))
    blocks = message.get("blocks", [])
    if not isinstance(blocks, list) or len(blocks) > BLOCKS:
        found.append("blocks: at most 50")
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(set(ids)) < len(ids) or any(not 1 <= len(id_) <= 255 for id_ in ids):
        found.append("block_id: unique, 1 to 255")
    for number, block in enumerate(blocks):
        found += [f"blocks[{number}].{mistake}" for mistake in _of_block(block)]
    return found


def _of_block(block: dict[str, Any]) -> Iterator[str]:
    kind = block.get("type")
    if kind in KINDS:
        yield from _of_object(block.get("text"), KINDS[str(kind)], is_plain=kind == "header")
        yield from _strangers(block, {"type", "text", "block_id"})
    elif kind == "context":
        elements = block.get("elements", [])
        if not 1 <= len(elements) <= 10:
            yield "elements: 1 to 10"
        for element in elements:
            yield from _of_object(element, 3000, is_plain=False)
        yield from _strangers(block, {"type", "elements", "block_id"})
    elif kind == "actions":
        yield from _of_buttons(block.get("elements", []))
        yield from _strangers(block, {"type", "elements", "block_id"})
    else:
        yield f"type: {kind!r}"


def _of_buttons(buttons: list[dict[str, Any]]) -> Iterator[str]:
    if not 1 <= len(buttons) <= 25:
        yield "elements: 1 to 25"
    ids = [button.get("action_id", "") for button in buttons]
    if len(set(ids)) < len(ids) or any(not 1 <= len(id_) <= 255 for id_ in ids):
        yield "action_id: unique in the block, 1 to 255"
    for button in buttons:
        if button.get("type") != "button" or not 1 <= len(button.get("value", "-")) <= 2000:
            yield "button: value of 1 to 2000"
        yield from _of_object(button.get("text"), 75, is_plain=True)
        yield from _strangers(button, {"type", "action_id", "text", "value", "style"})


def _of_object(text: Any, limit: int, *, is_plain: bool) -> Iterator[str]:
    if not isinstance(text, dict) or text.get("type") not in ("plain_text", "mrkdwn"):
        yield "text: no text object"
        return
    if is_plain and text["type"] != "plain_text":
        yield "text: plain_text only"
    yield from _of_text(text.get("text"), limit, "text")
    allowed = {"type", "text", "emoji"} if text["type"] == "plain_text" else {"type", "text", "verbatim"}
    yield from _strangers(text, allowed)


def _of_text(text: Any, limit: int, where: str) -> Iterator[str]:
    if not isinstance(text, str) or not 1 <= len(text) <= limit:
        yield f"{where}: 1 to {limit} characters"
        return
    if "<" in text or ">" in text or ENTITY.search(text):
        yield f"{where}: holds markup"
    if any(not character.isprintable() and character != "\n" for character in text):
        yield f"{where}: holds what can't be printed"


def _strangers(held: dict[str, Any], known: set[str]) -> Iterator[str]:
    if strange := set(held) - known:
        yield f"unknown: {sorted(strange)}"
