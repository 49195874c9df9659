"""Every margin model by its name in schemas, config and messages. One line a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from monitor.margin.bybit import bybit_isolated, bybit_unified
from monitor.margin.multi_assets import multi_assets
from monitor.margin.tiered import tiered
from monitor.margin.venue_ratio import venue_ratio


class Model(NamedTuple):
    """`is_convex`: maintenance less equity is convex in every price and amount, so a search may take growing
    steps. `is_told`: the figures are the venue's word, so there is nothing to solve or to compare with it."""

    assess: Callable[..., Any]
    is_convex: bool
    is_told: bool = False


MODELS = {
    "tiered": Model(tiered, is_convex=True),
    "multi_assets": Model(multi_assets, is_convex=True),
    "bybit_unified": Model(bybit_unified, is_convex=True),
    "bybit_isolated": Model(bybit_isolated, is_convex=True),
    "venue_ratio": Model(venue_ratio, is_convex=True, is_told=True),
}
