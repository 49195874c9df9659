"""The contract with whoever cuts positions."""

from __future__ import annotations

import json
import re

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.__main__ import main
from monitor.deleverage.request import (
    BadSeal,
    DeleverageRequest,
    DeleverageResult,
    Outcome,
    as_hex128,
    client_order_id,
    opened,
    request_id,
    seal,
)
from tests.support.deleveraging import a_request

KEY = b"a key of thirty-two bytes or so.."


def test_what_was_sealed_opens_as_it_was():
    """A record that its key signed is read back whole."""
    sealed = seal(a_request(), KEY)
    assert opened(DeleverageRequest, sealed.body, sealed.signature, [b"another", KEY]) == a_request()


@pytest.mark.parametrize("keys", [[], [b""], [b"another"]])
def test_without_the_key_nothing_opens(keys):
    """No key, an empty key and another key open nothing."""
    sealed = seal(a_request(), KEY)
    with pytest.raises(BadSeal):
        opened(DeleverageRequest, sealed.body, sealed.signature, keys)


def test_every_changed_byte_is_noticed():
    """A body of which one bit is another is no record."""
    sealed = seal(a_request(), KEY)
    for place in range(len(sealed.body)):
        body = bytearray(sealed.body)
        body[place] ^= 1
        with pytest.raises(BadSeal):
            opened(DeleverageRequest, bytes(body), sealed.signature, [KEY])


def test_a_result_is_no_request():
    """The signature of one kind of record does not stand for the other."""
    sealed = seal(DeleverageResult(request="dlv_1", step=1, state=Outcome.DONE), KEY)
    with pytest.raises(BadSeal, match="signature"):
        opened(DeleverageRequest, sealed.body, sealed.signature, [KEY])


@given(st.text(), st.integers(0, 1000))
def test_a_client_order_id_is_one_that_all_venues_take(request, step):
    """28 letters and digits, a letter first, and 128 bits in hexadecimal for those that want that."""
    id_ = client_order_id(request, step)
    assert re.fullmatch(r"m[0-9a-f]{27}", id_)
    assert re.fullmatch(r"0x[0-9a-f]{32}", as_hex128(id_))
    assert id_ != client_order_id(request, step + 1)


def test_an_id_tells_attempts_and_pools_apart():
    """The same decision has the same id, any other another one."""
    known = a_request()
    one = request_id("main", known.pool, known.kind, 1, 1)
    assert one == request_id("main", known.pool, known.kind, 1, 1)
    assert len({one, *(request_id("main", known.pool, known.kind, i, a) for i, a in [(1, 2), (2, 1)])}) == 3


def test_the_published_schema_takes_a_request(capsys):
    """`margind schema deleverage` describes both records as they are written."""
    assert main(["schema", "deleverage"]) == 0
    published = json.loads(capsys.readouterr().out)
    result = DeleverageResult(request="dlv_1", step=1, state=Outcome.DONE)
    both = {"request": json.loads(seal(a_request(), KEY).body), "result": json.loads(seal(result, KEY).body)}
    jsonschema.validate(both, published)
