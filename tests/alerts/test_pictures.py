"""The pictures of messages show what is sent today."""

from __future__ import annotations

import json

import pytest

from alerts.notify.mail_chart import png_of
from tests.support.block_kit import mistakes
from tests.support.pictures import FOLDER, LEVELS, an_hour, page, sources

LARGEST = 150_000


@pytest.mark.parametrize("name", list(sources()))
def test_a_source_of_a_picture_is_what_is_sent(name: str) -> None:
    """Rendered anew it is the same text and structure: else `make pictures`, and look at them."""
    kept = (FOLDER / name).read_text(encoding="utf-8")
    if name.endswith(".json"):
        assert json.loads(sources()[name]) == json.loads(kept)
        assert [mistakes(message) for message in json.loads(kept)] == [[]] * len(json.loads(kept))
    else:
        assert sources()[name] == kept
    assert page(name, kept)


@pytest.mark.parametrize("name", list(sources()))
def test_each_source_has_its_picture(name: str) -> None:
    """A small one."""
    picture = (FOLDER / name).with_suffix(".png").read_bytes()
    assert picture.startswith(b"\x89PNG") and len(picture) < LARGEST


def test_the_chart_is_small() -> None:
    """It goes along with each mail."""
    assert len(png_of(an_hour(), LEVELS)) < 40_000
