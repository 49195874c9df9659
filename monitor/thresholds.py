"""Which levels a pool has: its own over its account's, desk's, model's, and what ships for its model."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

from monitor.book.settings import LevelRow, LevelsFor
from monitor.config import Config, Levels, Threshold
from monitor.domain.assessment import TransferRoute
from monitor.domain.identity import AccountId


class Shipped(NamedTuple):
    """What a model has when the config says nothing."""

    ratio: Levels
    distance: Levels | None


LIQUIDATION_RATIO = 1.0
DEFAULT_HYSTERESIS = 0.05
UNUSED = (0.0, 0.0, 0.0)
BESIDE = (
    "volatilities",
    "minutes",
    "funding",
    "depeg",
)  # nothing ships on these: each desk has its own speed

# At ratio 0.5 a perpetual with 0.4 % maintenance is half a per cent from its end: too late for a person. So
# the
# models of perpetuals ship with levels in distance as well, and the worse of the two counts.
EARLY = Levels(0.05, 0.03, 0.015)
SHIPPED = {
    "tiered": Shipped(Levels(0.5, 0.7, 0.85), EARLY),
    "multi_assets": Shipped(Levels(0.5, 0.7, 0.85), EARLY),
    "bybit_unified": Shipped(Levels(0.5, 0.7, 0.85), EARLY),
    "bybit_isolated": Shipped(Levels(0.5, 0.7, 0.85), EARLY),
    # The venue's figure is only as new as its last message: more room. It can't be moved, so it has no
    # distance.
    "venue_ratio": Shipped(Levels(0.4, 0.6, 0.8), None),
}
# Models that no adapter of ours feeds yet: pools of book files. Where the venue itself calls for margin at a
# level of its own, critical lies beyond it; a loan is far from its end at a ratio where a perpetual is near.
LOAN = Shipped(Levels(0.8, 0.88, 0.95), EARLY)
USUAL = Shipped(Levels(0.5, 0.7, 0.85), EARLY)
OFFLINE = dict.fromkeys(
    (
        "bitget",
        "bitmex_cross",
        "bitmex_isolated",
        "bybit_inverse_isolated",
        "bybit_options",
        "deribit_inverse",
        "deribit_linear",
        "deribit_portfolio",
        "drift",
        "dydx",
        "gate_futures",
        "gate_unified",
        "gmx",
        "kraken_multi",
        "kraken_single",
        "leveraged_token",
        "margin_pro",
        "okx_isolated",
        "okx_margin_isolated",
        "okx_multi",
        "okx_portfolio",
        "okx_single",
    ),
    USUAL,
)
OFFLINE |= dict.fromkeys(("aave", "compound", "maker"), LOAN)
OFFLINE["margin_level"] = Shipped(Levels(0.85, 0.95, 0.98), EARLY)  # margin calls at 1.3 and 1.16, end 1.1
OFFLINE["portfolio_unimmr"] = Shipped(Levels(0.7, 0.875, 0.95), EARLY)  # warnings at 1.5 and 1.2, end 1.05
NO_MODEL = Shipped(
    Levels(0.5, 0.7, 0.85), None
)  # a pool without a supported model is UNKNOWN, whatever its levels


def levels_for(config: Config) -> LevelsFor:
    """The function that the book asks once for each pool that it places."""
    hold_minutes = config.alerts.resolve_after_s / 60

    def answer(account: AccountId, desk: str, model: str, name: str) -> LevelRow:
        return row_for(config.thresholds, account, desk, model, name, hold_minutes)

    return answer


def uses_beside(config: Config) -> bool:
    """Whether any entry is on a scale that is looked at once a second."""
    scales = (*BESIDE, "hysteresis_volatilities")
    return any(getattr(t, scale) is not None for t in config.thresholds for scale in scales)


def routes_of(config: Config) -> tuple[TransferRoute, ...]:
    """The ways of [[transfers]], as the book knows them."""
    return tuple(
        TransferRoute(AccountId(t.from_account), AccountId(t.to_account), t.asset, t.takes_s, t.cost)
        for t in config.transfers
    )


def row_for(
    thresholds: Iterable[Threshold],
    account: str,
    desk: str,
    model: str,
    name: str = "",
    hold_minutes: float = 0.0,
) -> LevelRow:
    """Where each level is raised and cleared; what an entry leaves out comes from the next less specific.
    `hold_minutes`: how long a better band holds before it is told, which the dead-band is scaled to."""
    matching = [t for t in thresholds if takes(t, account, desk, model, name)]
    by_weight = sorted(matching, key=weight, reverse=True)
    shipped = SHIPPED.get(model) or OFFLINE.get(model, NO_MODEL)

    def first(key: str, otherwise: Any = None) -> Any:
        return next((found for t in by_weight if (found := getattr(t, key)) is not None), otherwise)

    hysteresis = first("hysteresis", DEFAULT_HYSTERESIS)
    row = level_row(first("ratio", shipped.ratio), first("distance", shipped.distance), hysteresis)
    dead_band = first("hysteresis_volatilities", 0.0) * math.sqrt(hold_minutes)
    return beside_row(row, [first(scale) for scale in BESIDE], hysteresis)._replace(dead_band=dead_band)


def takes(threshold: Threshold, account: str, desk: str, model: str, name: str | None = None) -> bool:
    """Whether an entry matches a pool: each of its keys that is given is the pool's. Without a name: whether
    it may match one of the account."""
    pool = threshold.pool
    return (
        threshold.account in (None, account)
        and threshold.desk in (None, desk)
        and threshold.model in (None, model)
        and (
            pool is None or (pool.startswith(f"{account}/") if name is None else pool == f"{account}/{name}")
        )
    )


def weight(threshold: Threshold) -> tuple[bool, bool, bool, bool]:
    """More specific is greater: pool over account over desk over model. No two entries match the same."""
    given = (threshold.pool, threshold.account, threshold.desk, threshold.model)
    return (given[0] is not None, given[1] is not None, given[2] is not None, given[3] is not None)


def level_row(ratio: Levels, distance: Levels | None, hysteresis: float) -> LevelRow:
    """Ratios clear a fraction below where they were raised, distances the same fraction above."""
    raise_at = (ratio.warning, ratio.margin_call, ratio.critical, LIQUIDATION_RATIO)
    down = 1 - hysteresis
    first, second, third, last = raise_at
    near = _three(distance)
    return LevelRow(
        raise_at=raise_at,
        clear_at=(first * down, second * down, third * down, last * down),
        distance_raise=near,
        distance_clear=_times(near, 1 + hysteresis),
    )


def beside_row(row: LevelRow, levels: Iterable[Levels | None], hysteresis: float) -> LevelRow:
    """With the scales of BESIDE, in their order: what falls towards the end clears above, the rest below."""
    volatilities, minutes, funding, depeg = map(_three, levels)
    return row._replace(
        volatilities_raise=volatilities,
        volatilities_clear=_times(volatilities, 1 + hysteresis),
        minutes_raise=minutes,
        minutes_clear=_times(minutes, 1 + hysteresis),
        funding_raise=funding,
        funding_clear=_times(funding, 1 - hysteresis),
        depeg_raise=depeg,
        depeg_clear=_times(depeg, 1 - hysteresis),
    )


def beside_of(row: LevelRow) -> tuple[tuple[str, tuple[float, float, float]], ...]:
    """The names of BESIDE with where each of its levels is raised; zeros where it is not used."""
    return tuple(
        zip(
            BESIDE,
            (row.volatilities_raise, row.minutes_raise, row.funding_raise, row.depeg_raise),
            strict=True,
        )
    )


def _three(levels: Levels | None) -> tuple[float, float, float]:
    return UNUSED if levels is None else (levels.warning, levels.margin_call, levels.critical)


def _times(levels: tuple[float, float, float], factor: float) -> tuple[float, float, float]:
    return levels[0] * factor, levels[1] * factor, levels[2] * factor
