"""The REST side of one address, and what Hyperliquid is to the daemon (`SPEC`)."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from typing import TypeVar

from adapters.gate import ConnectLimit, VenueGate
from adapters.hyperliquid.codec import HyperliquidAccountCodec, HyperliquidMarkCodec
from adapters.hyperliquid.frames import ClearinghouseState, Meta, PerpDex, Role, WebData
from adapters.hyperliquid.info import Info
from adapters.hyperliquid.state import (
    MAIN_DEX,
    MODEL,
    VENUE,
    Watch,
    account_snapshot,
    checked_mode,
    instruments_of,
)
from adapters.numbers import BadNumber
from adapters.rest import together
from adapters.venue import KeyRefused, Stream, UnsupportedMode, VenueUnavailable
from monitor.clock import Clock
from monitor.config import Account
from monitor.domain.event import AccountSnapshot, Instruments
from monitor.domain.identity import BadName, InstrumentId, account_id, symbol_of
from monitor.names import Metrics

Answer = TypeVar("Answer")
ENDPOINTS = {
    "main": {"rest": "https://api.hyperliquid.xyz", "ws": "wss://api.hyperliquid.xyz"},
    "testnet": {"rest": "https://api.hyperliquid-testnet.xyz", "ws": "wss://api.hyperliquid-testnet.xyz"},
}
ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
SECRET_KEY = re.compile(r"(0x)?[0-9a-fA-F]{64}")
PING = '{"method":"ping"}'
PING_EVERY_S = 20.0  # the venue closes a connection that was silent for 60 s
SENDS_PER_S = 20.0  # of 2,000 messages a minute by IP address
CONNECTS = ConnectLimit(count=100, per_s=60.0)
KEEP_ALIVE_EVERY_S = 300.0
REREAD_S = 2.0  # the second look at a dex that no other endpoint shows
DEX_ROUND_S = 300.0  # how often every dex is looked at, also those where nothing was held


class HyperliquidSource:
    """Reads one address. Nothing is signed, so there is nothing to steal: a private key is refused."""

    def __init__(self, account: Account, clock: Clock, metrics: Metrics, gate: VenueGate) -> None:
        self._account = account
        self._id = account_id(VENUE, account.name)
        self._clock = clock
        self._info = Info(endpoint(account, "rest") + "/info", gate, metrics)
        self._watch = Watch()
        self._dexes_read_ns: int | None = None

    async def check_key(self) -> None:
        """Raises KeyRefused unless the address is one whose positions can be watched."""
        address = self._address()
        role = await self._info.ask({"type": "userRole", "user": address}, Role)
        if role.role == "agent":
            raise KeyRefused(
                "the address is that of an API wallet, which holds nothing: use its user's address"
            )
        if role.role == "missing":
            raise KeyRefused("Hyperliquid does not know the address: nothing was ever deposited to it")
        await self._check_mode()

    async def instruments(self) -> Instruments:
        """The contracts of all dexes that settle in USDC."""
        metas = await self._info.ask({"type": "allPerpMetas"}, tuple[Meta, ...])
        found = tuple(contract for meta in metas for contract in instruments_of(meta))
        return Instruments(VENUE, found, (), self._clock.monotonic_ns())

    async def snapshot(self, confirm: bool = False) -> AccountSnapshot:
        """The account over all of its dexes; with `confirm` each is read in a second way too."""
        await self._check_mode()
        dexes = await self._dexes(every=confirm)
        states = await self._states(dexes)
        agreed = confirm and await self._is_confirmed(states)
        self._watch.saw(states)
        try:
            return account_snapshot(self._id, states, self._clock.monotonic_ns(), confirmed=agreed)
        except (BadNumber, BadName) as fault:
            raise VenueUnavailable(f"Hyperliquid clearinghouseState: {fault}") from None

    async def private_stream(self) -> Stream:
        """The states of all dexes, pushed whole."""
        address = self._address()
        subscription = {"type": "allDexsClearinghouseState", "user": address}
        return Stream(
            name="private",
            url=endpoint(self._account, "ws") + "/ws",
            codec=HyperliquidAccountCodec(self._id, address, self._watch),
            subscribe=(_subscribe(subscription),),
            heartbeat=PING,
            heartbeat_every_s=PING_EVERY_S,
            data_deadline_s=None,
        )

    async def keep_alive(self) -> None:
        """Nothing expires."""

    async def close(self) -> None:
        """Lets go of connections."""
        await self._info.close()

    def _address(self) -> str:
        address = self._account.address or ""
        if ADDRESS.fullmatch(address):
            return address.lower()
        if SECRET_KEY.fullmatch(address):
            raise KeyRefused(
                "this has the length of a private key, not of an address: the monitor only reads and never "
                "takes one; if it is one, move the funds, for it has been written into a file"
            )
        raise KeyRefused("a Hyperliquid address is 0x and 40 hexadecimal digits")

    async def _check_mode(self) -> None:
        mode = await self._info.ask({"type": "userAbstraction", "user": self._address()}, str)
        try:
            checked_mode(mode)
        except UnsupportedMode:
            self._watch.is_supported = False
            raise
        self._watch.is_supported = True

    async def _dexes(self, every: bool) -> list[str]:
        """Where to look: everywhere now and then, else where something is held."""
        now_ns = self._clock.monotonic_ns()
        is_old = self._dexes_read_ns is None or now_ns - self._dexes_read_ns > DEX_ROUND_S * 1e9
        if not (every or is_old):
            return sorted(self._watch.dexes)
        named = await self._info.ask({"type": "perpDexs"}, tuple[PerpDex | None, ...])
        self._dexes_read_ns = now_ns
        return [MAIN_DEX, *(dex.name for dex in named if dex is not None)]

    async def _states(self, dexes: Sequence[str]) -> list[tuple[str, ClearinghouseState]]:
        states = await together(*(self._state(dex) for dex in dexes))
        return list(zip(dexes, states, strict=True))

    async def _state(self, dex: str) -> ClearinghouseState:
        question = {"type": "clearinghouseState", "user": self._address()}
        return await self._info.ask(question | ({"dex": dex} if dex else {}), ClearinghouseState)

    async def _is_confirmed(self, states: list[tuple[str, ClearinghouseState]]) -> bool:
        """Whether webData2 shows the same on the main dex, and a later read the same on the others."""
        question = {"type": "webData2", "user": self._address()}
        try:
            await asyncio.sleep(REREAD_S if len(states) > 1 else 0)
            main = (await self._info.ask(question, WebData)).clearinghouseState
            again = await self._states([dex for dex, _ in states if dex != MAIN_DEX])
        except VenueUnavailable:
            return False
        second = {MAIN_DEX: main, **dict(again)}
        return all(_agree(state, second[dex]) for dex, state in states)


def endpoint(account: Account, name: str) -> str:
    """The base URL of `rest` or `ws`, as the account's environment and overrides say."""
    default = ENDPOINTS.get(account.environment, ENDPOINTS["main"])[name]
    return account.endpoints.get(name, default).rstrip("/")


def _agree(one: ClearinghouseState, other: ClearinghouseState) -> bool:
    """Whether two reads tell of the same positions, and both of money or both of none."""
    has_money = [state.crossMarginSummary.accountValue != 0 for state in (one, other)]
    legs = [
        {entry.position.coin: entry.position.szi for entry in state.assetPositions} for state in (one, other)
    ]
    return has_money[0] == has_money[1] and legs[0] == legs[1]


def _subscribe(subscription: dict[str, str]) -> str:
    return json.dumps({"method": "subscribe", "subscription": subscription}, separators=(",", ":"))


class HyperliquidSpec:
    """The line of VENUES."""

    name = VENUE
    models: tuple[str, ...] = (MODEL,)
    needs_key = False
    keep_alive_every_s = KEEP_ALIVE_EVERY_S
    connects = CONNECTS

    def source(self, account: Account, clock: Clock, metrics: Metrics, gate: VenueGate) -> HyperliquidSource:
        """The REST side of an account."""
        return HyperliquidSource(account, clock, metrics, gate)

    def public_streams(self, account: Account, instruments: Sequence[InstrumentId]) -> tuple[Stream, ...]:
        """One connection with one subscription a coin; none while nothing is held."""
        if not instruments:
            return ()
        coins = (symbol_of(instrument) for instrument in instruments)
        return (
            Stream(
                name="public",
                url=endpoint(account, "ws") + "/ws",
                codec=HyperliquidMarkCodec(),
                subscribe=tuple(_subscribe({"type": "activeAssetCtx", "coin": coin}) for coin in coins),
                sends_per_s=SENDS_PER_S,
                heartbeat=PING,
                heartbeat_every_s=PING_EVERY_S,
            ),
        )


SPEC = HyperliquidSpec()
