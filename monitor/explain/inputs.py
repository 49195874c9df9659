"""What a derivation begins with: all that is held, what is measured, and where each was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from monitor.book.live_book import LiveBook
from monitor.book.placing import PlacedPool
from monitor.domain.event import BalanceFact, PositionFact
from monitor.domain.identity import InstrumentId, symbol_of
from monitor.domain.instrument import TierSchedule
from monitor.explain.document import Input
from monitor.explain.named_rows import Quotes
from monitor.explain.stated import Stated, stated_balance
from monitor.margin.amounts import is_stated_before

WORDS = {"price": "price of", "average": "average of", "index": "index", "funding": "next funding of"}
WORDS |= {"forward": "forward of", "volatility": "volatility of", "years": "years left of"}
OF_BALANCES = ("wallet", "borrowed", "order_loss")


def stated_before(live: LiveBook, pool: PlacedPool, source: str) -> dict[str, Stated]:
    """The balances of which something was stated some time ago, by their asset."""
    instruments = live.placing.definitions.instruments
    held = [(leg, instruments[leg.instrument]) for leg in pool.legs if leg.instrument in instruments]
    found = {}
    facts = {fact.asset: fact for fact in _balances(live, pool)}
    for asset in pool.assets:
        fact = facts.get(asset, BalanceFact(pool.name, asset, Decimal(0)))
        legs = [(leg, instrument) for leg, instrument in held if instrument.settle_asset == asset]
        if is_stated_before(fact, legs):
            found[asset] = stated_balance(fact, legs, pool.placed_ns, source)
    return found


def _balances(live: LiveBook, pool: PlacedPool) -> list[BalanceFact]:
    facts = live.accounts[pool.account].holdings.balances.values()
    return [fact for fact in facts if fact.pool == pool.name]


def holdings(live: LiveBook, pool: PlacedPool, before: Mapping[str, Stated], source: str) -> Iterator[Input]:
    """All that is held; `before` are the balances that were stated some time ago."""
    for stated in before.values():
        yield from stated.inputs
    for fact in _balances(live, pool):
        is_told_above = fact.asset in before
        for name in OF_BALANCES[2:] if is_told_above else OF_BALANCES:
            value = getattr(fact, name)
            if value or name == "wallet":
                yield Input(f"{name.replace('_', ' ')} {fact.asset}", float(value), source)
    for asset in pool.assets:
        yield from _schedules(live, pool.venue, asset, source)
    for leg in pool.legs:
        yield from _leg(live, leg, source)


def _schedules(live: LiveBook, venue: str, asset: str, source: str) -> Iterator[Input]:
    definition = live.placing.definitions.collateral.get((venue, asset))
    if definition is not None:
        yield from _tiers(f"collateral tiers of {asset}", definition.tiers, source)
        yield from _tiers(f"liability tiers of {asset}", definition.liability, source)


def _leg(live: LiveBook, leg: PositionFact, source: str) -> Iterator[Input]:
    name = leg_name(leg)
    yield Input(f"quantity {name}", float(leg.quantity), source)
    yield Input(f"entry price {name}", float(leg.entry_price), source)
    if leg.leverage is not None:
        yield Input(f"leverage {name}", float(leg.leverage), source)
    for what in ("bids", "asks"):
        if getattr(leg, what):
            yield Input(f"{what} {name}", float(getattr(leg, what)), source)
    definition = live.placing.definitions.instruments[leg.instrument]
    yield from _tiers(f"tiers of {symbol_of(leg.instrument)}", definition.tiers, source)


def _tiers(name: str, schedule: TierSchedule | None, source: str) -> Iterator[Input]:
    """How many steps there are."""
    if schedule is not None and schedule.tiers:
        yield Input(name, float(len(schedule.tiers)), schedule.source or source)


def measured(live: LiveBook, quotes: Quotes, now_ns: int) -> Iterator[Input]:
    """Every quote that the derivation has read."""
    for row, value in quotes.read.items():
        if live.quotes.is_fixed[row]:
            continue
        age_s = (now_ns - int(live.quotes.seen_ns[row])) / 1e9
        yield Input(value.name, float(value), live.quotes.name(row).partition(":")[0], age_s)


def leg_name(leg: PositionFact) -> str:
    """Its symbol, and its side in hedge mode."""
    return f"{symbol_of(leg.instrument)} {leg.side}".rstrip()


def quote_name(key: str) -> str:
    """What a row of quotes measures, in words."""
    if key in ("one", "zero"):
        return {"one": "its own unit", "zero": "no funding"}[key]
    subject, _, word = key.rpartition(" ")
    if subject and word in WORDS:
        return f"{WORDS[word]} {symbol_of(InstrumentId(subject))}"
    return f"mark of {symbol_of(InstrumentId(key))}"
