"""The REST side of one Binance USD-M account: reads only, through ccxt's raw endpoints of `binanceusdm`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
import structlog

from adapters.binance_usdm.answers import (
    AccountConfig,
    AccountInfo,
    AccountInformation,
    AssetIndex,
    Balance,
    ExchangeInfo,
    ListenKey,
    PositionRisk,
    ServerTime,
    SymbolConfig,
)
from adapters.binance_usdm.codec import BinanceCodec
from adapters.binance_usdm.contracts import collateral_assets, contracts
from adapters.binance_usdm.layout import VENUE, Layout
from adapters.binance_usdm.state import Reading, account_snapshot, check_one_epoch
from adapters.gate import VenueGate
from adapters.rest import MILLISECOND_NS, CcxtRest, ClockSkew
from adapters.venue import KeyRefused, RateLimited, Stream, StreamExpired, UnsupportedMode, VenueUnavailable
from monitor.clock import Clock
from monitor.config import Account
from monitor.domain.event import AccountSnapshot, Instruments
from monitor.domain.identity import account_id
from monitor.names import Metrics

T = TypeVar("T")
log = structlog.get_logger()

MAIN = {
    "rest": "https://fapi.binance.com",
    "sapi": "https://api.binance.com",
    "ws": "wss://fstream.binance.com",
}
# The venue's demo: its own hosts, no sapi. As in ccxt 4.5.90.
TESTNET = {
    "rest": "https://demo-fapi.binance.com",
    "sapi": "https://demo-api.binance.com",
    "ws": "wss://fstream.binancefuture.com",
}
MAY_BE_ON = frozenset(
    {"enableReading", "enableFixReadOnly", "ipRestrict"}
)  # every other right is one too many
LISTEN_KEY_S = 55 * 60.0  # valid for 60 minutes; an old one is used again while REST does not answer
MODE_S = 600.0  # the stream tells when the account's mode changes; looked at anyway
LEVERAGES_S = 300.0
TRIES = 3  # readings of an account that moves while it is read
TRY_AGAIN_S = 0.3

BAD_KEY = {-2014, -2015, -1022}
BAD_TIME = -1021
TOO_MANY = -1003
TOO_MANY_PAUSE_S = 30.0  # where it comes without a status that says how long
NO_LISTEN_KEY = -1125


class NoListenKey(VenueUnavailable):
    """-1125: the listen key is gone."""


def endpoints(account: Account) -> dict[str, str]:
    """Base URLs of an account: its own where it names any, so that its key never goes elsewhere."""
    if account.endpoints:
        rest = account.endpoints["rest"]
        return {
            "rest": rest.rstrip("/"),
            "sapi": account.endpoints.get("sapi", rest).rstrip("/"),
            "ws": account.endpoints["ws"].rstrip("/"),
        }
    return TESTNET if account.environment == "testnet" else MAIN


def judge(status: int, _: Mapping[str, str], body: str) -> Exception | None:
    """What an error answer means, by the venue's code (developers.binance.com, USD-M error codes)."""
    if status < 400:
        return None
    code = _code(body)
    if code == BAD_TIME:
        return ClockSkew(f"{VENUE}: our timestamp is refused ({code})")
    if code == TOO_MANY:
        return RateLimited(f"{VENUE}: too many requests ({code})", TOO_MANY_PAUSE_S)
    if code == NO_LISTEN_KEY:
        return NoListenKey(f"{VENUE}: listen key gone ({code})")
    if code in BAD_KEY or status in {401, 403}:
        return KeyRefused(
            f"{VENUE} refuses the key ({status}, code {code}): key, address or permission is wrong"
        )
    return VenueUnavailable(f"{VENUE} answered {status}, code {code}")


class BinanceSource:
    """One account. `layout` is shared with the codec of its stream."""

    def __init__(self, account: Account, clock: Clock, metrics: Metrics, gate: VenueGate) -> None:
        self._id = account_id(VENUE, account.name)
        self._account = account
        self._clock = clock
        self._endpoints = endpoints(account)
        self._rest = CcxtRest(
            "binanceusdm", VENUE, account.credentials, self._address, judge, clock, metrics, gate
        )
        self._layout = Layout()
        self._listen_key: tuple[str, int] | None = None  # and when it was made or renewed, monotonic
        self._mode_ns: int | None = None
        self._leverages_ns: int | None = None

    async def check_key(self) -> None:
        """Raises KeyRefused unless the key can read and nothing else; the demo has no list of rights."""
        if self._account.environment == "testnet":
            return
        rights = await self._call("sapiGetAccountApiRestrictions", dict[str, Any])
        too_many = sorted(name for name, on in rights.items() if on is True and _is_right(name))
        if too_many:
            raise KeyRefused(
                f"the key may do more than read: {', '.join(too_many)}; make one that only reads"
            )
        if rights.get("enableReading") is not True:
            raise KeyRefused("the key may not read: enableReading is off")
        if rights.get("ipRestrict") is not True:
            log.warning("key_not_bound_to_addresses", account=self._id)

    async def instruments(self) -> Instruments:
        """Contracts with brackets, and what counts as collateral."""
        info = await self._call("fapiPublicGetExchangeInfo", ExchangeInfo)
        brackets = await self._call("fapiPrivateGetLeverageBracket", tuple[msgspec.Raw, ...])
        index = await self._call("fapiPublicGetAssetIndex", tuple[AssetIndex, ...])
        found = contracts(info.symbols, brackets)
        for symbol, reason in found.refused.items():
            log.warning("instrument_refused", venue=VENUE, symbol=symbol, reason=reason)
        if found.own:  # and yet they are read once for all accounts of the venue
            log.warning("brackets_of_one_account", account=self._id, symbols=found.own)
        return Instruments(VENUE, found.instruments, collateral_assets(index), self._clock.monotonic_ns())

    async def snapshot(self, confirm: bool = False) -> AccountSnapshot:
        """Account and positions, which have to agree; with `confirm` the balance endpoint has to as well."""
        await self._read_mode()
        reading = await self._read_whole(confirm)
        leverages = await self._leverages(risk.symbol for risk in reading.risks if risk.positionAmt)
        self._layout.margin_assets.update((risk.symbol, risk.marginAsset) for risk in reading.risks)
        return account_snapshot(self._id, reading, self._layout, leverages, self._clock.monotonic_ns())

    async def private_stream(self) -> Stream:
        """Makes the listen key, or gets it again by the same call, and reads the mode for the codec."""
        self._mode_ns = None  # a new connection starts from what is true now
        try:
            await self._read_mode()
            answer = await self._call("fapiPrivatePostListenKey", ListenKey)
            self._listen_key = (answer.listenKey, self._clock.monotonic_ns())
        except NoListenKey:
            self._listen_key = None
            raise
        except VenueUnavailable:
            if self._listen_key is None or self._age_s(self._listen_key[1]) > LISTEN_KEY_S:
                raise
        key = self._listen_key[0]
        return Stream(
            name="private",
            url=f"{self._endpoints['ws']}/private/ws?listenKey={key}",
            codec=BinanceCodec(self._id, self._layout),
            data_deadline_s=None,  # a quiet account says nothing for days: pings show whether it lives
        )

    async def keep_alive(self) -> None:
        """Gives the listen key another 60 minutes; raises StreamExpired when the venue knows none."""
        if self._listen_key is None:
            return
        try:
            await self._call("fapiPrivatePutListenKey", dict[str, Any])
        except NoListenKey as gone:
            self._listen_key = None
            raise StreamExpired(str(gone)) from None
        self._listen_key = (self._listen_key[0], self._clock.monotonic_ns())

    async def close(self) -> None:
        """Lets go of connections."""
        await self._rest.close()

    async def _read_whole(self, confirm: bool) -> Reading:
        """Reads until two endpoints agree on positions; one that tells none is left to the book's doubt."""
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(TRY_AGAIN_S)
            reading = await self._read(confirm)
            try:
                check_one_epoch(reading.info, reading.risks)
            except VenueUnavailable:
                continue
            return reading
        if not reading.risks or not reading.info.positions:
            return nothing_told(reading)
        raise VenueUnavailable(f"{VENUE}: account and positionRisk tell different positions")

    async def _read(self, confirm: bool) -> Reading:
        server_ms = await self._server_ms()
        info = await self._call("fapiPrivateV3GetAccount", AccountInfo)
        risks = await self._call("fapiPrivateV3GetPositionRisk", tuple[PositionRisk, ...])
        balances = await self._call("fapiPrivateV3GetBalance", tuple[Balance, ...]) if confirm else None
        indexes: tuple[AssetIndex, ...] = ()
        if self._layout.multi_assets:
            indexes = await self._call("fapiPublicGetAssetIndex", tuple[AssetIndex, ...])
        return Reading(info, risks, server_ms * MILLISECOND_NS, balances, indexes)

    async def _server_ms(self) -> int:
        """The venue's clock; also what our signatures are timed by."""
        asked_ns = self._clock.wall_ns()
        server_ms = (await self._rest.call("fapiPublicGetTime", ServerTime)).serverTime
        self._rest.set_server_time(server_ms, asked_ns, self._clock.wall_ns())
        return server_ms

    async def _read_mode(self) -> None:
        if self._mode_ns is not None and self._age_s(self._mode_ns) < MODE_S:
            return
        config = await self._call("fapiPrivateGetAccountConfig", AccountConfig)
        self._layout.multi_assets = config.multiAssetsMargin
        self._mode_ns = self._clock.monotonic_ns()

    async def _leverages(self, symbols: Iterable[str]) -> Mapping[str, Decimal]:
        """The chosen leverage of each symbol: version 3 of positionRisk leaves it out."""
        known = self._layout.leverages
        is_old = self._leverages_ns is None or self._age_s(self._leverages_ns) > LEVERAGES_S
        if is_old or any(symbol not in known for symbol in symbols):
            rows = await self._call("fapiPrivateGetSymbolConfig", tuple[SymbolConfig, ...])
            known.update((row.symbol, row.leverage) for row in rows)
            self._leverages_ns = self._clock.monotonic_ns()
        return known

    async def _call(self, endpoint: str, shape: type[T]) -> T:
        try:
            return await self._rest.call(endpoint, shape)
        except ClockSkew:
            await self._server_ms()
            return await self._rest.call(endpoint, shape)
        except KeyRefused as refused:
            if endpoint.startswith("fapi"):
                await self._check_portfolio_margin()
            raise refused from None

    async def _check_portfolio_margin(self) -> None:
        """The futures side refuses keys of Portfolio Margin accounts, which the other side still answers."""
        try:
            info = await self._rest.call("sapiGetAccountInfo", AccountInformation)
        except (KeyRefused, VenueUnavailable):
            return
        if info.isPortfolioMarginRetailEnabled:
            raise UnsupportedMode(
                "Portfolio Margin (uniMMR) is on: no model covers it "
                "(binance.com/en/support/faq/4868b2f1, portfolio margin liquidation)"
            )

    def _address(self, name: str, url: str) -> str:
        side = "sapi" if name.startswith("sapi") else "rest"
        return self._endpoints[side] + urlsplit(url).path

    def _age_s(self, since_ns: int) -> float:
        return (self._clock.monotonic_ns() - since_ns) / 1e9


def nothing_told(reading: Reading) -> Reading:
    """The emptier of two answers that contradict each other: the book doubts it, and shows that it doubts."""
    info = msgspec.structs.replace(reading.info, assets=(), positions=())
    return msgspec.structs.replace(reading, info=info, risks=(), balances=None)


def _is_right(name: str) -> bool:
    return name not in MAY_BE_ON and name.startswith(("enable", "permits"))


def _code(body: str) -> int | None:
    try:
        found = msgspec.json.decode(body, type=dict[str, Any]).get("code")
    except (msgspec.DecodeError, RecursionError):
        return None
    return found if isinstance(found, int) else None
