"""Messages about pools whose margin is the venue's word: always said, never presented as computed."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from alerts.alert import Condition, Notification
from alerts.message import document, headline, lines
from monitor.domain.assessment import MarginAssessment, RescueOption, RiskBand, VenueReported
from monitor.domain.identity import InstrumentId, PoolId
from tests.support.notifications import a_contributor, a_notification, an_assessment

TOLD_POOL = PoolId("ccxt:okx/alpha/cross")
TOLD = "as okx (via ccxt) tells it, not computed by margind"


def a_told_assessment(**changes: object) -> MarginAssessment:
    """As the book describes a pool of `ccxt:okx`: told figures, no move, no position weighed."""
    position = msgspec.structs.replace(
        a_contributor(),
        instrument=InstrumentId("ccxt:okx:BTC-USDT-SWAP"),
        maintenance_margin=math.nan,
        unrealised_profit=math.nan,
        liquidation_price=None,
    )
    told = an_assessment(
        pool=TOLD_POOL,
        model="venue_ratio",
        initial_margin=None,
        moves=(),
        distance_percent=None,
        venue_margin_ratio=None,
        margin_error=None,
        contributors=(position,),
        rescue=(RescueOption("add", "USDT", 1_500.0, None, 0.38, 2),),
        venue_reported=VenueReported(
            ratio=1.15, ratio_name="mgnRatio", liquidation_prices={position.instrument: 58_000.0}
        ),
    )
    return msgspec.structs.replace(told, **changes)


def told_page(assessment: MarginAssessment | None, **changes: Any) -> Notification:
    """A message about that pool."""
    return a_notification(assessment, pool=TOLD_POOL, described=assessment is not None, **changes)


def test_a_ratio_that_the_venue_tells_is_never_presented_as_computed() -> None:
    """With the model venue_ratio headline, state, source and JSON say whose figure it is."""
    page = told_page(a_told_assessment())
    assert headline(page) == (
        f"CRITICAL {TOLD_POOL}: margin ratio 0.87 ({TOLD}), distance not known, for no price is in it"
    )
    assert TOLD in lines(page)[0]
    assert f"source: ratio {TOLD}" in lines(page)
    assert document(page)["assessment"]["source"] == TOLD
    assert document(a_notification())["assessment"]["source"] == "computed"
    assert not [line for line in lines(a_notification()) if line.startswith("source")]


@pytest.mark.parametrize("condition", list(Condition))
@pytest.mark.parametrize("known", [True, False])
def test_every_message_about_a_told_pool_says_whose_word_it_is(condition: Condition, known: bool) -> None:
    """Whatever it is about, with figures or without, also where there is no assessment to go by."""
    figures = a_told_assessment() if known else a_told_assessment(band=RiskBand.UNKNOWN)
    for assessment in (figures, None):
        page = told_page(assessment, condition=condition)
        assert f"source: ratio {TOLD}" in lines(page)


def test_what_is_told_and_what_is_not_of_a_told_pool() -> None:
    """The venue's own liquidation price, sizes without weights, and a rescue with its proviso."""
    told = lines(told_page(a_told_assessment()))
    assert "distance: not known, for no price is in it" in told
    (price,) = [line for line in told if line.startswith("liquidation price")]
    assert price.startswith("liquidation price: BTC-USDT-SWAP 58,000")
    assert price.endswith("as okx (via ccxt) tells it")
    (held,) = [line for line in told if line.startswith("holds")]
    assert "maintenance" not in held
    assert "back to clear: add 1,500.00 USDT -> ratio 0.38, if its maintenance margin stays" in told
    assert any(line.startswith("margin as told: equity") for line in told)
    assert not [line for line in told if "not known" in line and "distance" not in line]
