"""Which levels a pool has: account over desk over model over what ships for its model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

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

    def answer(account: AccountId, desk: str, model: str) -> LevelRow:
        return row_for(config.thresholds, account, desk, model)

    return answer


def routes_of(config: Config) -> tuple[TransferRoute, ...]:
    """The ways of [[transfers]], as the book knows them."""
    return tuple(
        TransferRoute(AccountId(t.from_account), AccountId(t.to_account), t.asset, t.takes_s, t.cost)
        for t in config.transfers
    )


def row_for(thresholds: Iterable[Threshold], account: str, desk: str, model: str) -> LevelRow:
    """Where each level is raised and cleared; what an entry leaves out comes from the next less specific."""
    matching = [t for t in thresholds if takes(t, account, desk, model)]
    by_weight = sorted(matching, key=weight, reverse=True)
    shipped = SHIPPED.get(model) or OFFLINE.get(model, NO_MODEL)
    ratio = next((t.ratio for t in by_weight if t.ratio is not None), shipped.ratio)
    distance = next((t.distance for t in by_weight if t.distance is not None), shipped.distance)
    hysteresis = next((t.hysteresis for t in by_weight if t.hysteresis is not None), DEFAULT_HYSTERESIS)
    return level_row(ratio, distance, hysteresis)


def takes(threshold: Threshold, account: str, desk: str, model: str) -> bool:
    """Whether an entry matches a pool: each of its keys that is given is the pool's."""
    return (
        threshold.account in (None, account)
        and threshold.desk in (None, desk)
        and threshold.model in (None, model)
    )


def weight(threshold: Threshold) -> tuple[bool, bool, bool]:
    """More specific is greater: account over desk over model. No two entries of a config match the same."""
    return threshold.account is not None, threshold.desk is not None, threshold.model is not None


def level_row(ratio: Levels, distance: Levels | None, hysteresis: float) -> LevelRow:
    """Ratios clear a fraction below where they were raised, distances the same fraction above."""
    raise_at = (ratio.warning, ratio.margin_call, ratio.critical, LIQUIDATION_RATIO)
    near = UNUSED if distance is None else (distance.warning, distance.margin_call, distance.critical)
    down, up = 1 - hysteresis, 1 + hysteresis
    first, second, third, last = raise_at
    return LevelRow(
        raise_at=raise_at,
        clear_at=(first * down, second * down, third * down, last * down),
        distance_raise=near,
        distance_clear=(near[0] * up, near[1] * up, near[2] * up),
    )
