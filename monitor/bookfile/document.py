"""What `margind assess` answers, as a document: its fields are the published schema `assessment`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from monitor.domain import assessment
from monitor.domain.assessment import Contributor, MarginAssessment, RescueOption, UnderlyingMove
from monitor.domain.identity import symbol_of

SCHEMA = 1
Shown = Annotated[float | None, Meta(description="null: none, or not computed for this model")]


class Position(msgspec.Struct, frozen=True):
    """One leg as it weighs on its pool; prices in the quote currency, margins in the pool's unit."""

    symbol: str
    side: str
    quantity: float
    mark: float
    maintenance_margin: float  # what the pool would require with this leg alone
    unrealised_profit: float
    liquidation_price: Shown  # this price moves, the others are held at mark
    bankruptcy_price: Shown
    distance_percent: Shown  # from mark to the liquidation price


class Move(msgspec.Struct, frozen=True):
    """How far one underlying may move, with all of its instruments and collateral."""

    underlying: str
    lower_percent: Shown
    upper_percent: Shown


class Rescue(msgspec.Struct, frozen=True):
    """One way to the target ratio, and the ratio after it."""

    action: str
    target: str
    amount: float
    ratio_after: float


class Coming(msgspec.Struct, frozen=True):
    """What happens at a known instant, prices as they are: the ratio before and after."""

    kind: str
    at: datetime
    symbols: tuple[str, ...]
    received: float
    ratio_before: Shown
    ratio_after: Shown
    accrued_share: Shown


class Pool(msgspec.Struct, frozen=True):
    """One pool. `margin_ratio` is maintenance over equity, 1 is liquidation."""

    pool: str
    model: str
    unit: str
    band: str
    equity: Shown
    initial_margin: Shown
    maintenance_margin: Shown
    margin_ratio: Shown
    is_liquidatable: bool | None
    deficit: bool
    venue_figure_name: str
    venue_figure: Shown
    distance_percent: Shown
    market_lower_percent: Shown
    market_upper_percent: Shown
    moves: tuple[Move, ...]
    positions: tuple[Position, ...]
    rescue: tuple[Rescue, ...]
    coming: tuple[Coming, ...]


class Document(msgspec.Struct, frozen=True):
    """All pools of a book file, in its order."""

    schema: int
    as_of: datetime
    pools: tuple[Pool, ...]


def document_of(wall_ns: int, pools: tuple[MarginAssessment, ...]) -> Document:
    """The document of these assessments."""
    as_of = datetime.fromtimestamp(wall_ns / 1e9, UTC)
    return Document(SCHEMA, as_of, tuple(_pool(found) for found in pools))


def _pool(found: MarginAssessment) -> Pool:
    return Pool(
        pool=found.pool,
        model=found.model,
        unit=found.unit,
        band=found.band.label,
        equity=found.equity,
        initial_margin=found.initial_margin,
        maintenance_margin=found.maintenance_margin,
        margin_ratio=found.margin_ratio,
        is_liquidatable=found.is_liquidatable,
        deficit=found.deficit,
        venue_figure_name=found.venue_figure_name,
        venue_figure=found.venue_figure,
        distance_percent=found.distance_percent,
        market_lower_percent=found.market_lower_percent,
        market_upper_percent=found.market_upper_percent,
        moves=tuple(_move(move) for move in found.moves),
        positions=tuple(_position(held) for held in found.contributors),
        rescue=tuple(_rescue(option) for option in found.rescue),
        coming=tuple(_coming(event) for event in found.coming),
    )


def _position(held: Contributor) -> Position:
    price = held.liquidation_price
    return Position(
        symbol=symbol_of(held.instrument),
        side=held.side,
        quantity=held.quantity,
        mark=held.mark_price,
        maintenance_margin=held.maintenance_margin,
        unrealised_profit=held.unrealised_profit,
        liquidation_price=price,
        bankruptcy_price=held.bankruptcy_price,
        distance_percent=None if price is None else 100 * abs(price / held.mark_price - 1),
    )


def _move(move: UnderlyingMove) -> Move:
    return Move(move.underlying, move.lower_percent, move.upper_percent)


def _rescue(option: RescueOption) -> Rescue:
    return Rescue(option.action, option.target, option.amount, option.ratio_after)


def _coming(event: assessment.Coming) -> Coming:
    return Coming(
        kind=event.kind,
        at=datetime.fromtimestamp(event.at_ns / 1e9, UTC),
        symbols=tuple(symbol_of(instrument) for instrument in event.instruments),
        received=event.received,
        ratio_before=event.ratio_before,
        ratio_after=event.ratio_after,
        accrued_share=event.accrued_share,
    )
