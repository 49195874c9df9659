"""Which levels a pool has."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from monitor.config import Config, Daemon, Levels, Threshold
from monitor.thresholds import DEFAULT_HYSTERESIS, SHIPPED, beside_of, row_for, uses_beside

A, B, C, D = (Levels(x, x + 0.1, x + 0.2) for x in (0.1, 0.2, 0.3, 0.4))
NEAR = Levels(0.1, 0.05, 0.02)
POOL = ("binance_usdm/alpha", "majors", "tiered")
OF_ACCOUNT = Threshold(account=POOL[0], ratio=A)
OF_DESK = Threshold(desk=POOL[1], ratio=B)
OF_MODEL = Threshold(model=POOL[2], ratio=C)
OF_ALL = Threshold(ratio=D)


def raised(*thresholds: Threshold) -> tuple[float, ...]:
    """The ratios at which the pool's levels are raised."""
    return row_for(thresholds, *POOL).raise_at


@given(st.permutations([OF_ACCOUNT, OF_DESK, OF_MODEL, OF_ALL]))
def test_the_most_specific_wins_in_any_order(order: list[Threshold]) -> None:
    """Account over desk over model over an entry for everything, wherever they stand."""
    for levels in (A, B, C, D):
        assert raised(*order) == (levels.warning, levels.margin_call, levels.critical, 1.0)
        order = [threshold for threshold in order if threshold.ratio != levels]
    shipped = SHIPPED["tiered"].ratio
    assert raised() == (shipped.warning, shipped.margin_call, shipped.critical, 1.0)


def test_an_entry_of_desk_and_model_is_for_both() -> None:
    """Each key that is given must be the pool's, and two keys are more specific than one of them."""
    both = Threshold(desk="majors", model="tiered", ratio=A)
    assert raised(OF_DESK, both)[0] == A.warning
    assert raised(OF_DESK, Threshold(desk="majors", model="bybit_unified", ratio=A))[0] == B.warning
    assert raised(both, Threshold(account=POOL[0], ratio=C))[0] == C.warning


def test_others_are_not_matched() -> None:
    """An entry for another account, desk or model changes nothing."""
    others = (
        Threshold(account="bybit/alpha", ratio=A),
        Threshold(desk="alts", ratio=A),
        Threshold(model="m", ratio=A),
    )
    assert raised(*others) == raised()


def test_what_an_entry_leaves_out_comes_from_the_next() -> None:
    """Levels in distance for one account do not switch the desk's ratios off."""
    row = row_for([OF_DESK, Threshold(account=POOL[0], distance=NEAR), Threshold(hysteresis=0.2)], *POOL)
    assert row.raise_at[0] == B.warning
    assert row.distance_raise == (0.1, 0.05, 0.02)
    assert row.clear_at == tuple(level * 0.8 for level in row.raise_at)


def test_a_perpetual_ships_with_levels_in_distance() -> None:
    """A ratio alone would warn half a per cent before the end; what the venue computes has no distance."""
    assert row_for([], *POOL).distance_raise == (0.05, 0.03, 0.015)
    assert row_for([], POOL[0], POOL[1], "venue_ratio").distance_raise == (0.0, 0.0, 0.0)


@given(st.floats(0.001, 0.5))
def test_clearing_lies_on_the_safe_side_of_raising(hysteresis: float) -> None:
    """A ratio clears below where it was raised and a distance above, so that noise at a level pages once."""
    row = row_for([Threshold(ratio=A, distance=NEAR, hysteresis=hysteresis)], *POOL)
    assert all(clear < raise_at for clear, raise_at in zip(row.clear_at, row.raise_at, strict=True))
    assert all(
        clear > raise_at for clear, raise_at in zip(row.distance_clear, row.distance_raise, strict=True)
    )


def test_a_pool_without_a_model_yet_has_levels_too() -> None:
    """The placeholder of an account before its first snapshot is placed like any other pool."""
    row = row_for([], "binance_usdm/alpha", "majors", "")
    assert row.raise_at[3] == 1.0
    assert row.clear_at[3] == 1 - DEFAULT_HYSTERESIS


def test_a_pool_has_its_own_levels() -> None:
    """An entry of one pool is more specific than its account's, and is for no other pool of it."""
    own = Threshold(pool=f"{POOL[0]}/cross-USDT", minutes=Levels(60, 30, 10), ratio=B)
    row = row_for([OF_ACCOUNT, own], *POOL, "cross-USDT", 0.5)
    assert row.raise_at[0] == B.warning
    assert (row.minutes_raise, row.minutes_clear) == ((60, 30, 10), (63.0, 31.5, 10.5))
    other = row_for([OF_ACCOUNT, own], *POOL, "cross-USDC", 0.5)
    assert other.raise_at[0] == A.warning
    assert other.minutes_raise == (0.0, 0.0, 0.0)


def test_the_dead_band_follows_the_hold() -> None:
    """So many volatilities of the time that a better band must hold, in the root of its minutes."""
    entry = Threshold(hysteresis_volatilities=2.0)
    assert row_for([entry], *POOL, "", 0.25).dead_band == 1.0
    assert row_for([], *POOL, "", 0.25).dead_band == 0.0


def test_nothing_ships_on_the_scales_beside() -> None:
    """Who configures none of them has none, and the book is told so."""
    config = Config(Daemon(""), (), (), ())
    assert not uses_beside(config)
    assert all(not any(raised) for _, raised in beside_of(row_for([], *POOL)))
    for entry in (Threshold(funding=A), Threshold(hysteresis_volatilities=1.0), Threshold(depeg=A)):
        assert uses_beside(msgspec.structs.replace(config, thresholds=(entry,)))
