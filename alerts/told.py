"""The shape of an alert as programs read it, from a webhook or the stream: `margind schema alert`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Figure = float | None  # null: not known
Names = tuple[str, ...]


class Pool(msgspec.Struct, frozen=True):
    """A margin pool: id is venue/account/name. Of a venue's alert the account is `*`."""

    id: str
    venue: str
    account: str
    name: str


class Scale(msgspec.Struct, frozen=True):
    """One scale that the pool is judged by."""

    name: str
    value: Figure
    band: str | None
    levels: dict[str, Figure]


class AtSpeed(msgspec.Struct, frozen=True):
    """How long it takes to liquidation when the market moves like this."""

    underlying: str
    move_percent: Figure
    speed_percent_a_minute: Figure
    minutes: Figure


class TimeLeft(msgspec.Struct, frozen=True):
    """At the present speed, and at that of one bad hour."""

    present_speed: AtSpeed | None
    bad_hour: AtSpeed | None


class Reported(msgspec.Struct, frozen=True):
    """The venue's own figures, in its own words."""

    ratio_name: str
    ratio: Figure
    equity: Figure
    initial_margin: Figure
    maintenance_margin: Figure


class Assessment(msgspec.Struct, frozen=True):
    """The figures when it was told; all null while the pool is UNKNOWN."""

    unit: str
    model: str
    source: str
    band: str
    reasons: Names
    deficit: bool | None
    as_of: str
    price_age_s: Figure
    account_age_s: Figure
    ratio: Figure
    equity: Figure
    initial_margin: Figure
    maintenance_margin: Figure
    headroom: Figure
    distance_percent: Figure
    distance_volatilities: Figure
    margin_error: Figure
    venue_ratio: Figure
    scales: tuple[Scale, ...] | None
    time_left: TimeLeft | None
    venue_reported: Reported | None


class Contributor(msgspec.Struct, frozen=True):
    """A position, the heaviest first."""

    instrument: str
    symbol: str
    side: str
    quantity: Figure
    mark_price: Figure
    notional: Figure
    maintenance_margin: Figure
    unrealised_profit: Figure
    liquidation_price: Figure
    venue_liquidation_price: Figure


class Move(msgspec.Struct, frozen=True):
    """How far an underlying may go until the pool is liquidated, the nearest first."""

    underlying: str
    lower_percent: Figure
    upper_percent: Figure


class Rescue(msgspec.Struct, frozen=True):
    """A way back to clear, the cheapest first; what may come too late stands last."""

    action: str
    target: str
    amount: Figure
    fraction: Figure
    ratio_after: Figure
    cost: Figure
    worth: Figure
    margin_freed: Figure
    equity_gained: Figure
    from_: str | None = msgspec.field(name="from")
    takes_s: Figure
    is_late: bool | None
    giver_ratio_after: Figure


class Deadline(msgspec.Struct, frozen=True):
    """Until when a transfer from another account still helps, RFC 3339; null: not known, or for ever."""

    from_: str = msgspec.field(name="from")
    asset: str
    takes_s: Figure
    latest: str | None
    latest_in_a_bad_hour: str | None


class AlertTold(msgspec.Struct, frozen=True):
    """One alert. `id` is the same on every attempt and after every restart: whoever has seen it has it."""

    schema: Literal[1]
    id: str
    kind: Literal["raised", "escalated", "eased", "repeated", "unacknowledged", "resolved"]
    level: Literal["clear", "warning", "margin_call", "critical", "liquidation"]
    condition: str
    pool: Pool
    others: Names  # further pools that this one alert tells of
    desk: str
    incident: Annotated[int, msgspec.Meta(ge=0)]
    occasion: Annotated[int, msgspec.Meta(ge=0)]
    created: str  # RFC 3339, UTC
    headline: str
    detail: str
    lines: Names
    assessment: Assessment | None
    contributors: tuple[Contributor, ...]
    moves: tuple[Move, ...]
    rescue: tuple[Rescue, ...]
    deadlines: tuple[Deadline, ...]
    cut: dict[str, int]  # how much was left out of each list
