"""From clearinghouse states to account snapshots, from metas to instruments. Shared by stream and REST."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec
import structlog

from adapters.hyperliquid.frames import ClearinghouseState, Coin, MarginTable, Meta, Position
from adapters.numbers import BadNumber, price
from adapters.venue import UnsupportedMode
from monitor.domain.assessment import VenueReported
from monitor.domain.event import AccountSnapshot, BalanceFact, PoolFact, PositionFact
from monitor.domain.identity import AccountId, InstrumentId, checked_part, instrument_id
from monitor.domain.instrument import BadSchedule, Instrument, Kind, tier_schedule

log = structlog.get_logger()

VENUE = "hyperliquid"
MODEL = "tiered"
UNIT = "USDC"
USDC_TOKEN = 0
MILLISECOND_NS = 1_000_000
PRICE_DECIMALS = 6  # a price has at most 6 - szDecimals decimals
FUNDING_HOURS = 1.0  # MARGIN 8
TAKER_FEE = Decimal("0.00045")  # base tier, gitbook trading/fees; used for the cost of a cut, not for margin
RATIO_NAME = "cross maintenance margin used / account value"
MAIN_DEX = ""
SEPARATE_MODES = (
    "disabled",
    "default",
)  # perps hold their own collateral; in every other mode spot is shared
States = Iterable[tuple[str, ClearinghouseState]]


class Watch(msgspec.Struct):
    """What the last reads said of one address: shared by its REST side and the codec of its stream."""

    is_supported: bool = True
    dexes: set[str] = msgspec.field(default_factory=lambda: {MAIN_DEX})  # where it holds anything

    def saw(self, states: States) -> None:
        """Remembers the dexes on which there is something."""
        self.dexes.update(dex for dex, state in states if _holds(state))


def checked_mode(abstraction: str) -> str:
    """The mode, if perps of the account hold their own collateral; raises UnsupportedMode otherwise."""
    if abstraction not in SEPARATE_MODES:
        raise UnsupportedMode(
            f"Hyperliquid account abstraction {abstraction!r} is not supported: spot balances are "
            "collateral there (hyperliquid-docs, info endpoint, query a user's abstraction state)"
        )
    return abstraction


def account_snapshot(
    account: AccountId,
    states: States,
    received_ns: int,
    *,
    confirmed: bool = False,
    streamed: bool = False,
) -> AccountSnapshot:
    """One snapshot of the account over all of its dexes; raises BadNumber or BadName.

    A builder's dex on which there is nothing makes no pool: there are dozens of them.
    """
    states = tuple(states)
    told = [_told(dex, state) for dex, state in states if dex == MAIN_DEX or _holds(state)]
    held = [position for _, state in states for position in _open(state)]
    marks = {_instrument(p.coin): price(str(p.positionValue / abs(p.szi))) for p in held}
    return AccountSnapshot(
        account=account,
        pools=tuple(pool for pools, _, _ in told for pool in pools),
        balances=tuple(balance for _, balances, _ in told for balance in balances),
        positions=tuple(position for _, _, positions in told for position in positions),
        marks={instrument: mark for instrument, mark in marks.items() if mark is not None},
        venue_ns=min((state.time for _, state in states), default=0) * MILLISECOND_NS,
        received_ns=received_ns,
        confirmed=confirmed,
        streamed=streamed,
    )


def instruments_of(meta: Meta) -> list[Instrument]:
    """The contracts of one dex. What does not settle in USDC is left out, and shows as UNKNOWN by name."""
    if meta.collateralToken != USDC_TOKEN:
        return []
    tables = dict(meta.marginTables)
    found = []
    for coin in meta.universe:
        try:
            if not coin.isDelisted:
                found.append(_contract(coin, tables))
        except BadSchedule as fault:
            log.warning("instrument_left_out", venue=VENUE, symbol=coin.name, why=str(fault))
    return found


def cross_pool(dex: str) -> str:
    """The cross account of a dex: `cross`, or `cross-DEX` for a builder's."""
    return checked_part(f"cross-{dex}") if dex else "cross"


def _told(
    dex: str, state: ClearinghouseState
) -> tuple[list[PoolFact], list[BalanceFact], list[PositionFact]]:
    """Pools, balances and positions of one dex: its cross account, and each isolated position."""
    held = _open(state)
    cross = [position for position in held if position.leverage.type == "cross"]
    pools = [PoolFact(cross_pool(dex), MODEL, UNIT, _cross_reported(state, cross))]
    balances = [BalanceFact(cross_pool(dex), UNIT, _cross_wallet(state, cross))]
    for position in held:
        if position.leverage.type != "cross":
            reported = _isolated_reported(position)
            pools.append(PoolFact(_pool(dex, position), MODEL, UNIT, reported, is_isolated=True))
            balances.append(BalanceFact(_pool(dex, position), UNIT, _isolated_wallet(position)))
    return pools, balances, [_fact(dex, position) for position in held]


def _open(state: ClearinghouseState) -> list[Position]:
    return [entry.position for entry in state.assetPositions if entry.position.szi]


def _holds(state: ClearinghouseState) -> bool:
    return bool(state.assetPositions) or state.crossMarginSummary.accountValue != 0


def _pool(dex: str, position: Position) -> str:
    if position.leverage.type == "cross":
        return cross_pool(dex)
    return checked_part(f"isolated-{position.coin}")


def _instrument(coin: str) -> InstrumentId:
    return instrument_id(VENUE, checked_part(coin))


def _entry(position: Position) -> Decimal:
    if position.entryPx is None or position.entryPx <= 0:
        raise BadNumber("entry price")
    return position.entryPx


def _cross_wallet(state: ClearinghouseState, cross: list[Position]) -> Decimal:
    """Account value without unrealised profit: cash, and what the positions cost."""
    return state.crossMarginSummary.totalRawUsd + sum((p.szi * _entry(p) for p in cross), Decimal(0))


def _isolated_wallet(position: Position) -> Decimal:
    # isolated margin = signed value + rawUsd (MARGIN section 8); without rawUsd marginUsed tells it
    raw_usd = position.leverage.rawUsd
    if raw_usd is None:
        return position.marginUsed - position.unrealizedPnl
    return raw_usd + position.szi * _entry(position)


def _cross_reported(state: ClearinghouseState, cross: list[Position]) -> VenueReported:
    value, maintenance = state.crossMarginSummary.accountValue, state.crossMaintenanceMarginUsed
    return VenueReported(
        equity=float(value),
        initial_margin=float(state.crossMarginSummary.totalMarginUsed),
        maintenance_margin=float(maintenance) if maintenance is not None else None,
        ratio=float(maintenance / value) if maintenance is not None and value > 0 else None,
        ratio_name=RATIO_NAME,
        liquidation_prices=_liquidation_prices(cross),
    )


def _isolated_reported(position: Position) -> VenueReported:
    return VenueReported(
        equity=float(position.marginUsed), liquidation_prices=_liquidation_prices([position])
    )


def _liquidation_prices(positions: list[Position]) -> dict[str, float]:
    return {_instrument(p.coin): float(p.liquidationPx) for p in positions if p.liquidationPx is not None}


def _fact(dex: str, position: Position) -> PositionFact:
    return PositionFact(
        pool=_pool(dex, position),
        instrument=_instrument(position.coin),
        side="",
        quantity=position.szi,
        entry_price=_entry(position),
        leverage=_leverage(position),
    )


def _leverage(position: Position) -> Decimal:
    if position.leverage.value <= 0:
        raise BadNumber("leverage")
    return position.leverage.value


def _contract(coin: Coin, tables: Mapping[int, MarginTable]) -> Instrument:
    table = tables.get(coin.marginTableId) if coin.marginTableId is not None else None
    steps = (
        [(tier.lowerBound, tier.maxLeverage) for tier in table.marginTiers]
        if table is not None
        else [(Decimal(0), coin.maxLeverage)]
    )
    rows = [(floor, 1 / Decimal(2 * leverage), 1 / Decimal(leverage)) for floor, leverage in steps]
    return Instrument(
        id=_instrument(coin.name),
        kind=Kind.LINEAR,
        underlying=coin.name,
        settle_asset=UNIT,
        multiplier=Decimal(1),
        taker_fee=TAKER_FEE,
        price_digits=max(0, PRICE_DECIMALS - coin.szDecimals),
        quantity_digits=coin.szDecimals,
        tiers=tier_schedule(rows, f"{VENUE} meta {coin.name}"),
        funding_hours=FUNDING_HOURS,
    )
