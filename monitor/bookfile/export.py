"""A pool that the daemon holds, as a book file: an incident can be assessed again at a desk."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import cast

from monitor.book.definitions import Definitions
from monitor.book.live_book import LiveBook
from monitor.book.placing import PlacedPool
from monitor.bookfile import format as parts
from monitor.bookfile.accruals import stated
from monitor.bookfile.funds import published
from monitor.bookfile.moment import moment_of
from monitor.bookfile.part import Side, Unit
from monitor.domain.event import BalanceFact, PoolFact
from monitor.domain.identity import InstrumentId, PoolId, symbol_of
from monitor.domain.instrument import Instrument, OptionTerms, TierSchedule


def exported(live: LiveBook, pool_id: PoolId, wall_ns: int) -> parts.BookFile | None:
    """The pool and all that it reads, as it is now; None when there is no such pool. What is not known (a
    mark that never came) is left out: to assess the file then says what is missing."""
    pool = live.placing.pools.get(pool_id)
    if pool is None:
        return None
    held = _pool(live, pool)
    account = parts.Account(pool.venue, pool.account.split("/", 1)[1], [held], pool.desk)
    return parts.BookFile(
        schema=1,
        as_of=datetime.fromtimestamp(wall_ns / 1e9, UTC),
        venues=[_venue(live, pool)],
        accounts=[account],
    )


def _pool(live: LiveBook, pool: PlacedPool) -> parts.Pool:
    state = live.accounts[pool.account]
    return parts.Pool(
        pool=pool.name,
        model=pool.fact.model,
        unit=pool.fact.unit,
        balances=[_balance(fact) for fact in state.holdings.balances.values() if fact.pool == pool.name],
        positions=[
            parts.Position(
                symbol_of(leg.instrument),
                leg.quantity,
                leg.entry_price,
                leg.leverage,
                cast(Side, leg.side),
                leg.bids,
                leg.asks,
                leg.funding_index,
                leg.closing_impact or None,
            )
            for leg in pool.legs
        ],
        category=pool.fact.category,
        threshold=pool.fact.threshold,
        is_isolated=pool.fact.is_isolated,
        told=_told(pool.fact),
        reported=_reported(pool.fact),
    )


def _balance(fact: BalanceFact) -> parts.Balance:
    """As it was stated, not as it has become: assessed again it is the same at the same time."""
    accrual = None if fact.accrual is None else stated(fact.accrual)
    return parts.Balance(fact.asset, fact.wallet, fact.borrowed, fact.order_loss, fact.collateral, accrual)


def _venue(live: LiveBook, pool: PlacedPool) -> parts.Venue:
    definitions = live.placing.definitions
    held = [leg.instrument for leg in pool.legs]
    names = dict.fromkeys((*held, *_in_baskets(definitions, held)))
    assets = dict.fromkeys((*pool.assets, *(definitions.instruments[name].settle_asset for name in names)))
    return parts.Venue(
        pool.venue,
        [_instrument(live, name) for name in names],
        [_asset(live, pool.venue, asset) for asset in assets if asset != pool.fact.unit],
    )


def _in_baskets(definitions: Definitions, held: Iterable[InstrumentId]) -> Iterable[InstrumentId]:
    """The contracts of the funds behind what is held, as far as they are defined."""
    for name in held:
        fund = definitions.instruments[name].fund
        if fund is not None and fund.holds is not None and fund.holds in definitions.instruments:
            yield fund.holds


def _instrument(live: LiveBook, name: InstrumentId) -> parts.Instrument:
    definition = live.placing.definitions.instruments[name]
    venue = name.removesuffix(f":{symbol_of(name)}")
    funding = live.placing.definitions.funding.get(name)
    return parts.Instrument(
        symbol=symbol_of(name),
        kind=definition.kind.value,
        underlying=definition.underlying,
        settle_asset=definition.settle_asset,
        mark=_value(live, name),
        multiplier=definition.multiplier,
        taker_fee=definition.taker_fee,
        price_digits=definition.price_digits,
        quantity_digits=definition.quantity_digits,
        tiers=_schedule(definition.tiers),
        option=_option(definition.option),
        funding_hours=definition.funding_hours,
        expiry=moment_of(definition.expiry_ns),
        settlement_hour=definition.settlement_hour,
        index=definition.index,
        index_price=_value(live, f"{venue}:{definition.index} index") if definition.index else None,
        funding_rate=None if funding is None else funding.rate,
        next_funding=None if funding is None else moment_of(funding.next_ns),
        forward=_value(live, f"{name} forward") if _is_option(definition) else None,
        volatility=_value(live, f"{name} volatility") if _is_option(definition) else None,
        unit=cast(Unit, definition.unit),
        gain_rate=definition.gain_rate,
        gain_initial=definition.gain_initial,
        gain_slope=definition.gain_slope,
        ceiling=definition.ceiling,
        funding_cap=definition.funding_cap,
        funding_index=definition.funding_index,
        most_impact=definition.most_impact or None,
        fund=published(definition.fund),
    )


def _asset(live: LiveBook, venue: str, asset: str) -> parts.Asset:
    definitions = live.placing.definitions
    definition = definitions.collateral.get((venue, asset))
    buffers = definitions.buffers(venue, asset)
    price = _value(live, f"{venue}:{asset} price")
    if definition is None:
        return parts.Asset(asset, price, bid_buffer=buffers[0], ask_buffer=buffers[1])
    return parts.Asset(
        asset=asset,
        price=price,
        underlying=definition.underlying,
        digits=definition.digits,
        bid_buffer=buffers[0],
        ask_buffer=buffers[1],
        average=_value(live, f"{venue}:{asset} average") if definition.has_average else None,
        collateral=_schedule(definition.tiers),
        liability=_schedule(definition.liability),
        category=definition.category,
        category_rate=definition.category_rate,
        category_initial=definition.category_initial,
    )


def _value(live: LiveBook, key: str) -> float | None:
    row = live.quotes.find(key)
    value = math.nan if row is None else float(live.quotes.values[row])
    return None if math.isnan(value) else value


def _schedule(schedule: TierSchedule | None) -> parts.Schedule | None:
    if schedule is None or not schedule.tiers:
        return None
    return parts.Schedule(list(_steps(schedule)), schedule.whole, schedule.source)


def _steps(schedule: TierSchedule) -> Iterable[parts.Step]:
    for step in schedule.tiers:
        yield parts.Step(
            step.floor,
            step.maintenance_rate,
            step.initial_rate,
            None if schedule.whole else step.deduction,
            step.slope,
        )


def _option(terms: OptionTerms | None) -> parts.Option | None:
    if terms is None:
        return None
    return parts.Option(
        terms.strike,
        "call" if terms.is_call else "put",
        datetime.fromtimestamp(terms.expiry_ns / 1e9, UTC),
        terms.initial_rate,
        terms.initial_floor,
        terms.maintenance_rate,
        terms.liquidation_rate,
    )


def _is_option(definition: Instrument) -> bool:
    return definition.option is not None


def _told(fact: PoolFact) -> parts.Told | None:
    return None if fact.told is None else parts.Told(fact.told.equity, fact.told.maintenance_margin)


def _reported(fact: PoolFact) -> parts.Reported | None:
    told = fact.reported
    if told is None:
        return None
    return parts.Reported(
        told.equity,
        told.initial_margin,
        told.maintenance_margin,
        told.ratio,
        told.ratio_name,
        dict(told.liquidation_prices),
    )
