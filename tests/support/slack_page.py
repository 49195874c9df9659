"""A Slack message as a page: the blocks in the order and manner in which Slack shows them, near enough to see
what a desk sees. Texts of a message are escaped as HTML wants it too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

STYLE = """
body{margin:0;background:#fff;color:#1d1c1d;
 font:15px/1.46 -apple-system,'Segoe UI',Helvetica,Arial,sans-serif}
.channel{border-bottom:1px solid #ddd;padding:10px 20px;font-weight:700}
.message{display:flex;gap:10px;padding:8px 20px}
.reply{margin-left:46px;border-left:2px solid #ddd}
.face{width:36px;height:36px;border-radius:6px;background:#3f0e40;color:#fff;text-align:center;line-height:36px;
 font-weight:700;flex:none}
.who{font-weight:700}.app{background:#ddd;border-radius:3px;font-size:10px;padding:1px 4px;color:#555}
.header{font-size:18px;font-weight:800;margin:4px 0}
.section,.plain{white-space:pre-wrap;margin:4px 0}
.context{font-size:13px;color:#616061;margin:4px 0}
.button{display:inline-block;border:1px solid #bbb;border-radius:4px;padding:5px 12px;margin:6px 8px 4px 0;
 font-weight:700;font-size:14px}
.also{font-size:13px;color:#616061}
"""


def page_of(messages: Sequence[dict[str, Any]]) -> str:
    """A channel with these messages; those with a thread are shown below it."""
    body = "\n".join(map(_message, messages))
    head = f'<meta charset="utf-8"><style>{STYLE}</style>'
    return f'<html><head>{head}</head><body><div class="channel"># risk</div>{body}</body></html>'


def _message(message: dict[str, Any]) -> str:
    inner = "".join(map(_block, message.get("blocks", [])))
    if not inner:
        inner = f'<div class="plain">{message["text"]}</div>'
    also = '<div class="also">also sent to the channel</div>' if message.get("reply_broadcast") else ""
    kind = "message reply" if "thread_ts" in message else "message"
    name = '<span class="who">margind</span> <span class="app">APP</span>'
    return f'<div class="{kind}"><div class="face">m</div><div>{name}{also}{inner}</div></div>'


def _block(block: dict[str, Any]) -> str:
    match block["type"]:
        case "header" | "section" as kind:
            return f'<div class="{kind}">{block["text"]["text"]}</div>'
        case "context":
            return f'<div class="context">{" ".join(each["text"] for each in block["elements"])}</div>'
        case "actions":
            buttons = (each["text"]["text"] for each in block["elements"])
            return "".join(f'<span class="button">{text}</span>' for text in buttons)
        case kind:
            raise ValueError(f"no picture of a {kind} block")
