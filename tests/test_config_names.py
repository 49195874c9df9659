"""The light table of names agrees with what stands behind it."""

from __future__ import annotations

import pytest

import adapters
from monitor.config_names import CCXT_NAME, MODEL_NAMES, VENUES, venue_facts
from monitor.margin.models import MODELS
from monitor.thresholds import OFFLINE, SHIPPED


def test_every_model_can_be_named_and_has_levels() -> None:
    """Levels ship for every model; one that an adapter feeds can be given thresholds."""
    assert set(SHIPPED) == set(MODEL_NAMES)
    assert set(MODELS) == set(SHIPPED) | set(OFFLINE)
    assert not set(SHIPPED) & set(OFFLINE)


def test_accounts_of_native_venues_need_models_that_exist() -> None:
    """What a venue's accounts may need is there to be compiled."""
    assert {model for facts in VENUES.values() for model in facts.models} <= set(MODELS)


def test_the_names_are_those_of_the_venues() -> None:
    """Each venue that is built can be written, needs what its spec says, and may need its models."""
    assert VENUES.keys() == adapters.VENUES.keys()
    for name, spec in adapters.VENUES.items():
        facts = VENUES[name]
        assert facts.needs_key == spec.needs_key
        assert facts.needs_address != spec.needs_key
        assert set(facts.models) == set(spec.models)


@pytest.mark.parametrize("name", ["ccxt:kraken", "ccxt:gate", "ccxt:binance_x"])
def test_any_other_exchange_is_named_through_ccxt(name: str) -> None:
    """`ccxt:` and the library's own name; it trusts the venue's ratio."""
    facts = venue_facts(name)
    assert facts is not None
    assert facts.models == ("venue_ratio",)


@pytest.mark.parametrize("name", ["ccxt:", "ccxt:Kraken", "ccxt:../x", "ccxt", "kraken", "CCXT:kraken"])
def test_what_is_no_venue_is_none(name: str) -> None:
    """Names are exact: no guess turns into another exchange."""
    assert venue_facts(name) is None
    assert not CCXT_NAME.fullmatch(name)
