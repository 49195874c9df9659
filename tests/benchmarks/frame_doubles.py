"""The REST side of the frame benchmark, from memory: what an account holds, and Bybit's own streams on it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from adapters.bybit.private import BybitPrivateCodec
from adapters.bybit.spec import SPEC
from adapters.bybit.state import Terms
from adapters.gate import ConnectLimit, VenueGate
from adapters.venue import Stream
from monitor import config
from monitor.clock import Clock
from monitor.domain.event import AccountSnapshot, AssetPrice, BalanceFact, Instruments, PoolFact
from monitor.domain.identity import InstrumentId, account_id
from monitor.domain.instrument import CollateralAsset
from monitor.names import Metrics
from tests.benchmarks.frame_desk import VENUE, contract, position
from tests.benchmarks.frame_venue import SYMBOLS

LEGS = 10
SENDS_PER_S = 2_000.0


class MemorySource:
    """The REST side of one account."""

    def __init__(self, account: config.Account, clock: Clock) -> None:
        self._account = account
        self._clock = clock

    async def check_key(self) -> None:
        """It may only read."""

    async def instruments(self) -> Instruments:
        """All contracts, and USDT."""
        contracts = tuple(contract(number) for number in range(SYMBOLS))
        usdt = CollateralAsset(VENUE, "USDT", "", 4, None, 60.0)
        return Instruments(VENUE, contracts, (usdt,), self._clock.monotonic_ns())

    async def snapshot(self, confirm: bool = False) -> AccountSnapshot:
        """One pool of ten positions, a twelfth of its price away from its end by one of them."""
        number = int(self._account.name.removeprefix("a"))
        rng = random.Random(number)
        own = number % SYMBOLS
        others = rng.sample([other for other in range(SYMBOLS) if other != own], LEGS - 1)
        quantities = [1_000, *(rng.choice([-1, 1]) * rng.randint(1, 5) for _ in others)]
        legs = zip([own, *others], quantities, strict=True)
        now_ns = self._clock.monotonic_ns()
        return AccountSnapshot(
            account=account_id(VENUE, self._account.name),
            pools=(PoolFact("unified", "bybit_unified", "USD"),),
            balances=(BalanceFact("unified", "USDT", Decimal(12_500)),),
            positions=tuple(position(*leg) for leg in legs),
            marks={},
            venue_ns=self._clock.wall_ns(),
            received_ns=now_ns,
            confirmed=confirm,
            prices=(AssetPrice(VENUE, "USDT", 1.0, 0.0, 0.0, 0, now_ns),),
        )

    async def private_stream(self) -> Stream:
        """Subscribed to nothing: it lives, and nothing happens on the account."""
        codec = BybitPrivateCodec(account_id(VENUE, self._account.name), Terms())
        url = f"{self._account.endpoints['ws']}/v5/private"
        return Stream("private", url, codec, data_deadline_s=None, open_timeout_s=30.0)

    async def keep_alive(self) -> None:
        """Nothing expires."""

    async def close(self) -> None:
        """Holds nothing."""


class Venue:
    """Bybit's own streams and codecs, with REST from memory."""

    name = VENUE
    models: tuple[str, ...] = SPEC.models
    needs_key = True
    keep_alive_every_s = 600.0
    connects: ConnectLimit = SPEC.connects

    def source(
        self, account: config.Account, clock: Clock, metrics: Metrics, gate: VenueGate
    ) -> MemorySource:
        """The REST side of an account."""
        return MemorySource(account, clock)

    def public_streams(
        self, account: config.Account, instruments: Sequence[InstrumentId]
    ) -> tuple[Stream, ...]:
        """The tickers of what is held, subscribed at once: how long that takes is not measured here."""
        streams = SPEC.public_streams(account, instruments)[:1]
        return tuple(msgspec.structs.replace(stream, sends_per_s=SENDS_PER_S) for stream in streams)
