"""The HTML of a mail: tables and styles on the elements, which is what mail programs show alike.

Nothing is fetched from anywhere, and every text is escaped.
"""

from __future__ import annotations

from html import escape

from alerts.alert import Level, Notification
from alerts.message import headline, lines

COLOURS = {  # of the bar: ground, words
    Level.CLEAR: ("#1d7a3e", "#ffffff"),
    Level.WARNING: ("#f2c744", "#1a1a1a"),
    Level.MARGIN_CALL: ("#e07000", "#ffffff"),
    Level.CRITICAL: ("#c62828", "#ffffff"),
    Level.LIQUIDATION: ("#1a1a1a", "#ffffff"),
}
FONT = "font-family:-apple-system,'Segoe UI',Helvetica,Arial,sans-serif"
NAME = f"{FONT};font-size:13px;color:#5f6368;padding:3px 12px 3px 0;vertical-align:top;white-space:nowrap"
VALUE = f"{FONT};font-size:13px;color:#1a1a1a;padding:3px 0;vertical-align:top"
LONGEST_NAME = 24


def html_of(notification: Notification, picture: str | None) -> str:
    """The whole page; `picture` is the content id of the chart."""
    ground, words = COLOURS[notification.level]
    bar = f"{FONT};font-size:16px;font-weight:600;padding:12px 16px;background:{ground};color:{words}"
    shown = ""
    if picture is not None:
        style = "display:block;width:100%;max-width:560px;height:auto"
        shown = f'<img src="cid:{escape(picture)}" alt="margin ratio of the last hour" style="{style}">'
    rows = "\n".join(map(_row, lines(notification)))
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>margind</title></head>
<body style="margin:0;background:#f4f5f7">
<table role="presentation" width="100%" cellspacing="0" cellpadding="0"><tr><td align="center">
<table role="presentation" cellspacing="0" cellpadding="0"
 style="width:100%;max-width:640px;background:#ffffff;border:1px solid #dadce0">
<tr><td style="{bar}">{escape(headline(notification))}</td></tr>
<tr><td style="padding:8px 16px">{shown}
<table role="presentation" cellspacing="0" cellpadding="0">
{rows}
</table></td></tr></table>
</td></tr></table>
</body></html>
"""


def _row(line: str) -> str:
    name, separator, value = line.partition(": ")
    if not separator or len(name) > LONGEST_NAME:
        return f'<tr><td colspan="2" style="{VALUE}">{escape(line)}</td></tr>'
    return f'<tr><td style="{NAME}">{escape(name)}</td><td style="{VALUE}">{escape(value)}</td></tr>'
