"""Accounts of a book file as the snapshots that a daemon would have read."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from monitor.bookfile import format as parts
from monitor.bookfile.accruals import accrual_of
from monitor.bookfile.moment import RECEIVED_NS
from monitor.bookfile.problem import BookFileError
from monitor.domain.assessment import VenueReported
from monitor.domain.event import AccountSnapshot, BalanceFact, PoolFact, PositionFact, ToldMargin
from monitor.domain.identity import account_id, instrument_id


def snapshot_of(source: str, where: str, account: parts.Account, wall_ns: int) -> AccountSnapshot:
    """One account, whole; BookFileError names what its venue can't mean."""
    return AccountSnapshot(
        account=account_id(account.venue, account.account),
        pools=tuple(_pool(pool) for pool in account.pools),
        balances=tuple(
            _balance(source, f"{where}.pools[{number}].balances[{place}]", pool.pool, held, wall_ns)
            for number, pool in enumerate(account.pools)
            for place, held in enumerate(pool.balances)
        ),
        positions=tuple(
            _position(account.venue, pool.pool, held) for pool in account.pools for held in pool.positions
        ),
        marks={},
        venue_ns=wall_ns,
        received_ns=RECEIVED_NS,
        confirmed=True,
    )


def check_legs(source: str, where: str, account: parts.Account) -> None:
    """A leg is known by its symbol and side in an account: one that stands twice would be read once."""
    seen = set()
    for number, pool in enumerate(account.pools):
        for place, held in enumerate(pool.positions):
            if (held.symbol, held.side) in seen:
                at = f"{where}.pools[{number}].positions[{place}]"
                what = "twice on one side in this account: give the other an account of its own"
                raise BookFileError(source, at, f"{held.symbol} stands there {what}")
            seen.add((held.symbol, held.side))


def _balance(source: str, where: str, pool: str, held: parts.Balance, wall_ns: int) -> BalanceFact:
    return BalanceFact(
        pool=pool,
        asset=held.asset,
        wallet=held.wallet,
        borrowed=held.borrowed,
        order_loss=held.order_loss,
        collateral=held.collateral,
        accrual=None if held.accrual is None else accrual_of(source, where, held, wall_ns),
    )


def _pool(pool: parts.Pool) -> PoolFact:
    told = None if pool.told is None else ToldMargin(pool.told.equity, pool.told.maintenance_margin)
    reported = None
    if pool.reported is not None:
        reported = msgspec.convert(pool.reported, VenueReported, from_attributes=True)
    return PoolFact(
        pool=pool.pool,
        model=pool.model,
        unit=pool.unit,
        reported=reported,
        told=told,
        is_isolated=pool.is_isolated,
        category=pool.category,
        threshold=pool.threshold,
    )


def _position(venue: str, pool: str, held: parts.Position) -> PositionFact:
    return PositionFact(
        pool=pool,
        instrument=instrument_id(venue, held.symbol),
        side=held.side,
        quantity=held.quantity,
        entry_price=Decimal(0) if held.entry_price is None else held.entry_price,
        leverage=held.leverage,
        bids=held.bids,
        asks=held.asks,
        funding_index=held.funding_index,
        closing_impact=Decimal(0) if held.closing_impact is None else held.closing_impact,
    )
