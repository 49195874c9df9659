"""Which band a requirement falls in. Decides by comparison, never by division, and leans towards danger."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.margin.formula import formula
from monitor.margin.rows import N

UNKNOWN = -1
CLEAR = 0
LIQUIDATION = 4


@formula
def is_finite(value: N) -> bool:
    """Whether a number is a number: NaN and the infinities are not."""
    return value - value == 0


@formula
def is_breached(maintenance: N, equity: N, level: N) -> bool:
    """Whether maintenance reaches `level` of equity. Holds for zero and negative equity, and for what is no
    number; nothing required, nothing breached."""
    return not (maintenance <= 0 or maintenance < level * equity)


@formula
def next_band(
    band: int, maintenance: N, equity: N, first: int, raise_at: Sequence[N], clear_at: Sequence[N]
) -> int:
    """Rises as far as the levels say, falls only past the lower clear marks. `band` is the last known one.

    The four levels stand from `first` on in one flat table: a row of a table would be a new array each time.
    """
    if not (is_finite(maintenance) and is_finite(equity)):
        return UNKNOWN
    if maintenance <= 0:
        return CLEAR
    band = max(band, CLEAR)
    while band < LIQUIDATION and is_breached(maintenance, equity, raise_at[first + band]):
        band += 1
    while band > CLEAR and maintenance < clear_at[first + band - 1] * equity:
        band -= 1
    return band
