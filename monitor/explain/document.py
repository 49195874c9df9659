"""What `margind explain` answers, as a document: its fields are the published schema `explanation`."""

from __future__ import annotations

from datetime import datetime

import msgspec

from monitor.explain.derivation import Line

SCHEMA = 1


class Input(msgspec.Struct, frozen=True):
    """A number that the derivation begins with. `age_s` is null for what has no age."""

    name: str
    value: float
    source: str
    age_s: float | None = None


class Beside(msgspec.Struct, frozen=True):
    """One of our figures beside the venue's own."""

    what: str
    ours: float
    venues: float
    apart: float


class Token(msgspec.Struct, frozen=True):
    """A leveraged token. Leverage is signed, and null where a move has left its fund nothing; `lowest` and
    `highest` are the issuer's range, in size. A move to the next rebalance is null where no price brings it,
    and both are 0 where it is due; decay is null where no variance is known."""

    symbol: str
    leverage: float | None
    lowest: float
    highest: float
    fall_percent: float | None = None
    leverage_after_fall: float | None = None
    rise_percent: float | None = None
    leverage_after_rise: float | None = None
    decay_percent_a_day: float | None = None


class Explanation(msgspec.Struct, frozen=True):
    """Why the number is what it is. Figures are null while the pool is UNKNOWN, and `why` says why."""

    schema: int
    pool: str
    model: str
    formula: str  # what the model says of itself
    unit: str
    as_of: datetime
    band: str
    why: str
    inputs: tuple[Input, ...]
    lines: tuple[Line, ...]
    equity: float | None = None
    initial_margin: float | None = None
    maintenance_margin: float | None = None
    margin_ratio: float | None = None
    venue_figure_name: str = ""
    venue_figure: float | None = None
    beside: tuple[Beside, ...] = ()
    tokens: tuple[Token, ...] = ()
