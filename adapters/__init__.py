"""Venues. The table names every one; how to add a line to it is in README.md beside this file."""

from __future__ import annotations

from adapters.binance_usdm import SPEC as BINANCE_USDM
from adapters.bybit import SPEC as BYBIT
from adapters.hyperliquid import SPEC as HYPERLIQUID
from adapters.venue import VenueSpec

VENUES: dict[str, VenueSpec] = {spec.name: spec for spec in (BINANCE_USDM, BYBIT, HYPERLIQUID)}
