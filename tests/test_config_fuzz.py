"""Whatever a file holds, the answer is a config or a refusal: never another exception, never a secret."""

from __future__ import annotations

import datetime
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.config import (
    Account,
    Alerts,
    Config,
    Daemon,
    Heartbeat,
    Metrics,
    Receiver,
    Route,
    Store,
    Threshold,
)
from monitor.config_deleverage import Deleverage, Hook
from monitor.config_load import config_from
from monitor.config_problem import ConfigError
from monitor.config_read import keys_of
from tests.support.configs import ADDRESS, ENVIRONMENT

NOWHERE = Path("/nonexistent")
TABLES = {
    "daemon": Daemon,
    "store": Store,
    "alerts": Alerts,
    "metrics": Metrics,
    "heartbeat": Heartbeat,
    "deleverage": Deleverage,
}
LISTS = {"accounts": Account, "thresholds": Threshold, "receivers": Receiver, "routes": Route, "hooks": Hook}
WORDS = st.sampled_from(
    [
        *("binance_usdm", "bybit", "hyperliquid", "ccxt:kraken", "binance_usdm/a", "a", "b", ""),
        *("program", "stream", "executor", "*", "/bin/true", "a"),
        *("terminal", "webhook", "slack", "email", "main", "loopback", "warning", "critical", "tiered"),
        *("https://h.example/x", "http://127.0.0.1:1", "http://[::1", "redis://u:p@h", "~nobody/x"),
        *(ADDRESS, "ab" * 32, "x@y.zz", "ALPHA_SECRET"),
    ]
)  # fmt: skip
LEVELS = st.dictionaries(
    st.sampled_from(["warning", "margin_call", "critical"]), st.floats() | st.integers(), min_size=2
)
TEXT = WORDS | st.text(max_size=20)
LEAVES = (
    TEXT
    | st.floats()
    | st.integers()
    | st.sampled_from([10**400, -(2**70)])
    | st.booleans()
    | st.dates()
    | st.datetimes(timezones=st.just(datetime.UTC))
)
VALUES = st.recursive(
    LEAVES | LEVELS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def answer_to(document: dict[str, Any], *, allow_empty: bool = False) -> Config | ConfigError:
    """The config or the refusal."""
    try:
        return config_from(document, "fuzz.toml", NOWHERE, ENVIRONMENT, allow_empty=allow_empty)
    except ConfigError as error:
        return error


def _table(kind: type) -> st.SearchStrategy[dict[str, Any]]:
    keys = st.sampled_from([*keys_of(kind), "secret", "key", "password"])
    return st.dictionaries(keys | st.text(string.printable, max_size=8), VALUES, max_size=8)


DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "schema": st.just(1) | VALUES,
        **{name: _table(kind) | VALUES for name, kind in TABLES.items()},
        **{name: st.lists(_table(kind) | VALUES, max_size=4) | VALUES for name, kind in LISTS.items()},
        "acounts": VALUES,
    },
)


@pytest.mark.slow
@settings(max_examples=300)
@given(DOCUMENTS, st.booleans())
def test_any_document_is_a_config_or_a_refusal(document: dict[str, Any], allow_empty: bool) -> None:
    """No document that TOML can hold raises anything but ConfigError, and each line of it is one line."""
    answer = answer_to(document, allow_empty=allow_empty)
    if isinstance(answer, Config):
        assert allow_empty or (answer.accounts and answer.receivers)
    else:
        assert answer.problems
        assert all(line.startswith("fuzz.toml: ") and line.isprintable() for line in answer.lines())
        assert "ab" * 32 not in str(answer)


ONE_ACCOUNT = {"name": "a", "venue": "hyperliquid", "desk": "d", "address": ADDRESS}
RECEIVERS = [{"name": "a", "kind": "terminal"}, {"name": "b", "kind": "terminal"}]


@given(
    st.dictionaries(st.sampled_from(["warning", "margin_call", "critical"]), st.floats(), min_size=3),
    st.sampled_from(["ratio", "distance"]),
)
def test_accepted_levels_are_in_order_and_in_range(levels: dict[str, float], scale: str) -> None:
    """What is accepted rises to at most 1, or falls to above 0: no order that would page backwards."""
    document = {
        "schema": 1,
        "accounts": [ONE_ACCOUNT],
        "receivers": RECEIVERS[:1],
        "thresholds": [{scale: levels}],
    }
    in_order = [levels["warning"], levels["margin_call"], levels["critical"]]
    is_right = (
        0 < in_order[0] < in_order[1] < in_order[2] <= 1
        if scale == "ratio"
        else 1 > in_order[0] > in_order[1] > in_order[2] > 0
    )
    assert isinstance(answer_to(document), Config) == is_right


@given(
    st.lists(
        st.fixed_dictionaries(
            {"receivers": st.lists(st.sampled_from("ab"), max_size=2)},
            optional={
                "desk": st.just("d"),
                "account": st.just("hyperliquid/a"),
                "venue": st.just("bybit"),
                "minimum": st.sampled_from(["warning", "critical"]),
                "continue": st.booleans(),
            },
        ),
        max_size=4,
    )
)
def test_accepted_routes_tell_somebody_of_every_critical_page(routes: list[dict[str, Any]]) -> None:
    """An accepted config tells somebody of a critical account and uses each receiver."""
    document = {"schema": 1, "accounts": [ONE_ACCOUNT], "receivers": RECEIVERS, "routes": routes}
    config = answer_to(document)
    if not isinstance(config, Config):
        return
    takers = [r for r in config.routes if r.desk in (None, "d") and r.venue is None]
    assert takers
    assert {name for route in config.routes for name in route.receivers} == {"a", "b"}
