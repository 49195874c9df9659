"""The names that a config may use, without what they stand for: a check needs no ccxt and no numba."""

from __future__ import annotations

import re
from typing import NamedTuple

from monitor.config import RATIO_LEVELS


class VenueFacts(NamedTuple):
    """What a config must know of a venue; `adapters.VENUES` holds the rest, and a test compares the two."""

    needs_key: bool
    needs_address: bool
    models: tuple[str, ...]  # margin models that its accounts may need
    key_or_address: bool = False  # whichever the exchange is read by: only ccxt knows


VENUES = {
    "binance_usdm": VenueFacts(True, False, ("tiered", "multi_assets")),
    "bybit": VenueFacts(True, False, ("bybit_unified", "bybit_isolated")),
    "hyperliquid": VenueFacts(False, True, ("tiered",)),
}
THROUGH_CCXT = VenueFacts(True, False, ("venue_ratio",), key_or_address=True)
CCXT_NAME = re.compile(r"ccxt:[a-z][a-z0-9_]{1,40}")
VENUE_NAMES = (*VENUES, "ccxt:NAME")

MODEL_NAMES = tuple(
    dict.fromkeys(model for facts in (*VENUES.values(), THROUGH_CCXT) for model in facts.models)
)
ENVIRONMENTS = ("main", "testnet", "loopback")
RECEIVER_KINDS = (
    "terminal",
    "webhook",
    "slack",
    "email",
    "pagerduty",
    "opsgenie",
    "alertmanager",
    "telegram",
    "discord",
    "teams",
    "apprise",
    "stream",
)
LEVEL_NAMES = RATIO_LEVELS


def venue_facts(venue: str) -> VenueFacts | None:
    """What is known of a venue; None for one that margind has no name for."""
    if CCXT_NAME.fullmatch(venue):
        return THROUGH_CCXT
    return VENUES.get(venue)
