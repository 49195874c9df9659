"""Messages as a desk sees them: their sources, and `python -m tests.support.pictures` for the screenshots.

The sources under tests/golden/messages are what a test compares; the screenshots beside them are for people,
made with a headless chromium.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from PIL import Image, ImageChops

from alerts.alert import Ack, Condition, Kind, Level, Notification
from alerts.notify.mail_chart import png_of
from alerts.notify.mail_html import html_of
from alerts.notify.mail_message import PICTURE
from alerts.notify.slack import payload_of
from alerts.notify.slack_blocks import blocks_of, card_of, text_of
from alerts.notify.slack_refresh import message_of
from alerts.notify.slack_threads import name_of
from alerts.trend import Hour
from monitor.domain.assessment import Reason, RiskBand
from tests.support.notifications import AS_OF_NS, a_notification, an_assessment
from tests.support.slack_page import page_of

FOLDER = Path(__file__).resolve().parents[1] / "golden" / "messages"
LEVELS = (0.5, 0.7, 0.85, 1.0)
CHANNEL, TS = "C0123456789", "1793588401.000100"
WIDTH, TALLEST = 760, 1600
COLOURS = 128  # of a screenshot, so that it stays small


def raised() -> Notification:
    """Critical for the first time."""
    return a_notification()


def worse() -> Notification:
    """A worse level of the same incident."""
    assessment = an_assessment(band=RiskBand.LIQUIDATION, equity=239.0, margin_ratio=239.3 / 239.0)
    return _later(a_notification(assessment, kind=Kind.ESCALATED, level=Level.LIQUIDATION), 1)


def resolved() -> Notification:
    """The end of it."""
    assessment = an_assessment(band=RiskBand.CLEAR, equity=900.0, margin_ratio=239.3 / 900.0, rescue=())
    return _later(a_notification(assessment, kind=Kind.RESOLVED, level=Level.CLEAR), 2)


def unknown() -> Notification:
    """Nothing can be said of the pool."""
    assessment = an_assessment(
        band=RiskBand.UNKNOWN, reasons=Reason.STALE, margin_ratio=None, equity=None, maintenance_margin=None
    )
    return a_notification(assessment, condition=Condition.UNKNOWN, detail="BTCUSDT mark silent for 12 s")


def _later(notification: Notification, more: int) -> Notification:
    return msgspec.structs.replace(
        notification,
        occasion=notification.occasion + more,
        id=f"msg_{more:032x}",
        created_ns=notification.created_ns + more * 300 * 10**9,
    )


def _ack() -> Ack:
    page = worse()
    return Ack(page.key, page.incident, page.level, "slack:U012AB3CD", AS_OF_NS + 390 * 10**9)


def _posted(notification: Notification) -> dict[str, Any]:
    payload = payload_of(text_of(notification), notification.id, CHANNEL)
    return payload | {"blocks": blocks_of(card_of(notification), None, name_of(notification))}


def _edited(notification: Notification, ack: Ack | None = None) -> dict[str, Any]:
    return message_of(card_of(notification), ack, CHANNEL, name_of(notification))


def _reply(notification: Notification, *, is_loud: bool) -> dict[str, Any]:
    payload = payload_of(text_of(notification), notification.id, CHANNEL)
    return payload | {"thread_ts": TS, "reply_broadcast": is_loud}


def sources() -> dict[str, str]:
    """Each file under tests/golden/messages that a screenshot is made of, and its text."""
    slack = {
        "slack-critical": [_posted(raised())],
        "slack-thread": [_edited(worse(), _ack()), _reply(worse(), is_loud=True)],
        "slack-resolved": [_edited(resolved())],
    }
    made = {f"{name}.json": json.dumps(content, indent=1) + "\n" for name, content in slack.items()}
    made["mail-critical.html"] = html_of(raised(), PICTURE)
    made["mail-unknown.html"] = html_of(unknown(), None)
    return made


def an_hour() -> Hour:
    """A ratio that rises, with a feed that was silent for some minutes."""
    seconds = np.arange(-119, 1).astype(np.float64) * 30
    ratios = 0.42 + 0.45 * np.linspace(0, 1, 120) ** 2 + 0.012 * np.sin(np.arange(120) / 3)
    ratios[40:54] = np.nan
    ratios[-1] = 0.87
    return Hour(seconds, ratios.astype(np.float32))


def page(name: str, source: str) -> str:
    """What the browser shows of a source."""
    if name.endswith(".json"):
        return page_of(json.loads(source))
    picture = base64.b64encode(png_of(an_hour(), LEVELS)).decode()
    return source.replace(f"cid:{PICTURE}", f"data:image/png;base64,{picture}")


def shoot(chromium: str) -> None:
    """Writes all sources, and their screenshots where there is a browser."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, source in sources().items():
        (FOLDER / name).write_text(source, encoding="utf-8")
    if shutil.which(chromium) is None:
        raise SystemExit(
            f"the sources are written; their pictures need a browser, and there is no {chromium}"
        )
    for name, source in sources().items():
        path = FOLDER / name
        with tempfile.TemporaryDirectory() as folder:
            shown = Path(folder) / "page.html"
            shown.write_text(page(name, source), encoding="utf-8")
            options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
            places = [f"--user-data-dir={folder}/profile", f"--screenshot={folder}/page.png"]
            command = [chromium, *options, *places, f"--window-size={WIDTH},{TALLEST}", shown.as_uri()]
            subprocess.run(command, check=True, timeout=120)
            _small(Path(folder) / "page.png", path.with_suffix(".png"))
        print(path.with_suffix(".png"))


def _small(given: Path, kept: Path) -> None:
    """Without the empty ground below, and in few colours."""
    with Image.open(given) as opened:
        picture = opened.convert("RGB")
    ground = Image.new("RGB", picture.size, picture.getpixel((0, picture.height - 1)))
    box = ImageChops.difference(picture, ground).getbbox()
    bottom = picture.height if box is None else min(box[3] + 12, picture.height)
    picture.crop((0, 0, picture.width, bottom)).quantize(COLOURS).save(kept, optimize=True)


if __name__ == "__main__":
    shoot(sys.argv[1] if len(sys.argv) > 1 else "chromium")
