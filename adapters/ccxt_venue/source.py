"""The account as the exchange tells it: every raw answer of one reading, put into one snapshot."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import structlog

from adapters.ccxt_venue.client import ReadOnlyClient
from adapters.ccxt_venue.entry import Entry, Second
from adapters.ccxt_venue.markets import instrument_of, price
from adapters.ccxt_venue.told import MODEL, Answers, Told, pool_fact
from adapters.numbers import BadNumber, fact
from adapters.rest import together
from adapters.venue import KeyRefused, VenueUnavailable
from monitor.clock import Clock
from monitor.domain.event import AccountSnapshot, BalanceFact, PoolFact, PositionFact
from monitor.domain.identity import AccountId, BadName, InstrumentId, checked_part

log = structlog.get_logger()
CONFIRM_AFTER_S = 2.0
EXTRAS_S = 30.0
NO_RIGHTS = "no call is known that tells what a key may do here: make sure that this one only reads"
UNTOLD = "the exchange does not tell of its margin"
Position = Mapping[str, Any]  # as ccxt unifies it; of its margin figures none is read


class Leg(NamedTuple):
    """A position, and where it belongs."""

    pool: str
    instrument: InstrumentId
    side: str  # the key: empty where there is one leg
    is_short: bool
    position: Position


class CcxtSource:
    """Checks the key as far as the exchange lets it, and reads the account."""

    def __init__(self, account: AccountId, client: ReadOnlyClient, entry: Entry, clock: Clock) -> None:
        self._account = account
        self._client = client
        self._entry = entry
        self._clock = clock
        self._version_ns = 0
        self._is_told = False
        self._gone = (True, True)  # money, positions: as of the last reading in which no more was gone ...
        self._heard_then = 0  # ... and the messages before it
        self._extras: tuple[int, tuple[Any, ...]] = (0, ())  # when they were read, and what they said

    async def check_key(self) -> None:
        """Raises KeyRefused where the exchange says that the key may do more than read; many say nothing."""
        rights = self._entry.rights
        self._say_once(rights is None)
        if rights is None:
            return
        answer = await self._client.raw(rights.endpoint)
        if not isinstance(answer, dict):
            raise VenueUnavailable(f"{rights.endpoint}: answer not understood")
        too_many = rights.too_many(answer)
        if too_many:
            raise KeyRefused(
                f"the key may do more than read: {', '.join(too_many)}; make one that only reads"
            )

    def _say_once(self, is_key_unknown: bool) -> None:
        if not self._is_told and self._entry.not_read:
            log.warning("not_read", account=self._account, detail=self._entry.not_read)
        if not self._is_told and is_key_unknown:
            log.warning("key_rights_not_told", account=self._account, detail=NO_RIGHTS)
        self._is_told = True

    async def snapshot(self, confirm: bool = False) -> AccountSnapshot:
        """The whole account; with `confirm` what is gone has to be gone twice, and by all that is told."""
        first = await self._read()
        if not confirm:
            return first
        await asyncio.sleep(CONFIRM_AFTER_S)
        second = await self._read()
        agrees = _is_empty(first) == _is_empty(second) and _is_consistent(second)
        if agrees and self._entry.second is not None:
            agrees = await self._agrees_elsewhere(self._entry.second, second)
        return msgspec.structs.replace(second, confirmed=agrees)

    async def _agrees_elsewhere(self, second: Second, snapshot: AccountSnapshot) -> bool:
        answer = await self._client.raw(second.endpoint, second.parameters(self._client.address))
        return second.is_empty(answer) == _is_empty(snapshot)

    def _was_streamed(self, snapshot: AccountSnapshot, heard: int) -> bool:
        """Whether the stream may vouch for what is gone: it spoke since it was there, or there is none.

        `heard` are the messages before this reading.
        """
        now = _is_empty(snapshot)
        if all(was or not gone for was, gone in zip(self._gone, now, strict=True)):
            self._gone, self._heard_then = now, heard
        is_mute = not self._client.has_stream
        return is_mute or self._entry.second is not None or self._client.messages > self._heard_then

    async def keep_alive(self) -> None:
        """Nothing expires: ccxt renews what its streams stand on."""

    async def close(self) -> None:
        """Lets go of connections."""
        await self._client.close()

    async def _read(self) -> AccountSnapshot:
        entry, client = self._entry, self._client
        # One that a stream overtook would be no worse: nothing but these readings reaches the book.
        self._version_ns, heard = max(self._version_ns + 1, self._clock.wall_ns()), client.messages
        calls = [client.balance(parameters) for parameters in entry.balances]
        calls += [client.positions(parameters) for parameters in entry.positions]
        found = await together(*calls, *self._wanted_extras())
        split = len(entry.balances)
        held = [row for rows in found[split : len(calls)] for row in rows]
        if len(found) > len(calls):
            self._extras = (self._clock.monotonic_ns(), tuple(found[len(calls) :]))
        infos = tuple(position["info"] for position in held)
        told = _apart(entry.read(Answers(tuple(found[:split]), infos, self._extras[1])))
        snapshot = self._snapshot(told, held)
        return msgspec.structs.replace(snapshot, streamed=self._was_streamed(snapshot, heard))

    def _wanted_extras(self) -> list[Coroutine[Any, Any, Any]]:
        """What hardly changes (an account's mode) is asked again after half a minute."""
        age_s = (self._clock.monotonic_ns() - self._extras[0]) / 1e9
        if self._extras[1] and age_s < EXTRAS_S:
            return []
        return [self._client.raw(endpoint) for endpoint in self._entry.extras]

    def _snapshot(self, told: list[Told], held: list[Position]) -> AccountSnapshot:
        legs = self._legs(frozenset(pool.pool for pool in told), held)
        untold = sorted({leg.pool for leg in legs} - {pool.pool for pool in told})
        pools = [pool_fact(pool, self._prices(pool.pool, legs)) for pool in told]
        pools += [PoolFact(name, MODEL, "USD", untold=UNTOLD) for name in untold]
        for pool in pools:
            _check_name(pool.pool)
        marks = ((leg.instrument, price(leg.position.get("markPrice"))) for leg in legs)
        return AccountSnapshot(
            account=self._account,
            pools=tuple(pools),
            balances=tuple(_money(pool) for pool in told if pool.equity is not None),
            positions=tuple(_fact(leg) for leg in legs),
            marks={instrument: mark for instrument, mark in marks if mark is not None},
            venue_ns=self._version_ns,
            received_ns=self._clock.monotonic_ns(),
        )

    def _legs(self, names: frozenset[str], held: list[Position]) -> list[Leg]:
        """Each with a key of its own: some exchanges hold two legs and do not say that they hedge."""
        legs: list[Leg] = []
        taken: set[tuple[str, str]] = set()
        for position in held:
            instrument, own = self._instrument(position), str(position.get("side") or "")
            alike = [other for other in held if other["symbol"] == position["symbol"]]
            side = own if position.get("hedged") is True or len(alike) > 1 else ""
            while (instrument, side) in taken:
                side += "+"
            taken.add((instrument, side))
            pool = self._entry.pool_of(position["info"], names)
            legs.append(Leg(pool, instrument, side, own == "short", position))
        return legs

    def _instrument(self, position: Position) -> InstrumentId:
        symbol = str(position["symbol"])
        market = self._client.markets().get(symbol, {"id": symbol, "symbol": symbol})
        return instrument_of(self._client.venue, market)

    def _prices(self, pool: str, legs: list[Leg]) -> dict[str, float]:
        prices = {}
        for leg in legs:
            told = _price(self._entry.liquidation_price(leg.position["info"])) if leg.pool == pool else None
            if told is not None:
                prices[leg.instrument + (f"/{leg.side}" if leg.side else "")] = told
        return prices


def _apart(told: list[Told]) -> list[Told]:
    """Two pools of one name must not hide each other: the second gets a number."""
    seen: Counter[str] = Counter()
    apart = []
    for pool in told:
        seen[pool.pool] += 1
        number = f"-{seen[pool.pool]}" if seen[pool.pool] > 1 else ""
        apart.append(msgspec.structs.replace(pool, pool=pool.pool + number))
    return apart


def _money(pool: Told) -> BalanceFact:
    wallet = pool.equity if pool.wallet is None else pool.wallet
    return BalanceFact(pool.pool, pool.unit, wallet or Decimal(0))


def _fact(leg: Leg) -> PositionFact:
    size = _figure(leg.position["contracts"])
    return PositionFact(
        pool=leg.pool,
        instrument=leg.instrument,
        side=leg.side,
        quantity=-size if leg.is_short else size,
        entry_price=_figure(leg.position.get("entryPrice") or 0),
    )


def _figure(value: object) -> Decimal:
    try:
        return fact(str(value))
    except BadNumber as bad:
        words = str(bad)
    raise VenueUnavailable(f"a size or a price of a position is {words}")


def _price(value: object) -> float | None:
    try:
        return price(float(str(value)))
    except ValueError:
        return None


def _is_empty(snapshot: AccountSnapshot) -> tuple[bool, bool]:
    return not any(balance.wallet for balance in snapshot.balances), not snapshot.positions


def _is_consistent(snapshot: AccountSnapshot) -> bool:
    """No position and yet a requirement, or no money and yet a position: one of two endpoints lies."""
    no_money, no_position = _is_empty(snapshot)
    if no_position:
        return not any(pool.told and pool.told.maintenance_margin > 0 for pool in snapshot.pools)
    return not no_money


def _check_name(pool: str) -> None:
    try:
        checked_part(pool)
    except BadName as bad:
        words = str(bad)
    else:
        return
    raise VenueUnavailable(f"a pool can't be named: {words}")
