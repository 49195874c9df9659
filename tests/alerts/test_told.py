"""The published schema of an alert."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given

from alerts.message import document
from alerts.notify.webhook import body_of
from alerts.told import AlertTold
from monitor.schemas import schema
from tests.support.notifications import a_large_notification, a_notification, hostile_notifications

STRICT: Any = msgspec.json.Decoder(AlertTold)


def closed(part: Any) -> Any:
    """The schema, and nothing but what it names."""
    if isinstance(part, dict):
        inner = {key: closed(value) for key, value in part.items()}
        return inner | {"additionalProperties": False} if "properties" in part else inner
    return [closed(each) for each in part] if isinstance(part, list) else part


@pytest.fixture(scope="module")
def validator() -> Any:
    """Of what `margind schema alert` prints, closed."""
    return jsonschema.Draft202012Validator(closed(msgspec.json.schema(AlertTold)))


@given(hostile_notifications)
def test_every_alert_fits_the_schema_and_nothing_of_it_is_unnamed(page: Any) -> None:
    """Whatever is told, programs can read it by the published schema."""
    STRICT.decode(msgspec.json.encode(document(page)))
    keys = {field.encode_name for field in msgspec.structs.fields(AlertTold)}
    assert set(document(page)) == keys


PAGES = [a_notification(), a_large_notification(), a_notification(described=False)]


@pytest.mark.parametrize("page", PAGES)
def test_the_schema_is_one_that_others_can_use(validator: Any, page: Any) -> None:
    """A validator of another house finds the body of the webhook right, a cut one too."""
    validator.validate(json.loads(body_of(page)))


def test_the_schema_is_printed(capsys: Any) -> None:
    """`margind schema alert` is JSON, draft 2020-12."""
    schema("alert")
    jsonschema.Draft202012Validator.check_schema(json.loads(capsys.readouterr().out))
