"""The REST side of one Bybit account: reads only, through ccxt's raw endpoints of `bybit`."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from typing import Any, TypeVar

import structlog

from adapters.bybit.codec import MILLISECOND_NS, VENUE
from adapters.bybit.contracts import collateral_assets, instruments_of
from adapters.bybit.frames import (
    AccountInfo,
    Answer,
    ApiKey,
    CoinAmounts,
    CollateralRatio,
    Contract,
    FeeRate,
    Page,
    Position,
    RiskLimit,
    Wallet,
)
from adapters.bybit.judging import judge_of
from adapters.bybit.private import BybitPrivateCodec
from adapters.bybit.snapshot import Reading, account_snapshot, check_mode, is_confirmed
from adapters.bybit.state import SETTLE_COINS, Terms, unsupported
from adapters.gate import VenueGate
from adapters.numbers import BadNumber, fact
from adapters.rest import CcxtRest, ClockSkew, together
from adapters.venue import KeyRefused, Stream, UnsupportedMode, VenueUnavailable
from monitor.clock import Clock
from monitor.config import Account
from monitor.domain.event import AccountSnapshot, Instruments
from monitor.domain.identity import BadName, account_id
from monitor.names import Metrics

T = TypeVar("T")
log = structlog.get_logger()

MAIN = {"rest": "https://api.bybit.com", "ws": "wss://stream.bybit.com"}
TESTNET = {"rest": "https://api-testnet.bybit.com", "ws": "wss://stream-testnet.bybit.com"}
PING = '{"op":"ping"}'
PING_EVERY_S = 20.0
AUTH_FOR_MS = 60_000  # a signature that leaves with the next connection
TERMS_S = 3600.0  # fees and collateral lists change with notice
LARGEST_PAGE = 200
MOST_PAGES = 500


def endpoint(account: Account, name: str) -> str:
    """The base URL of `rest` or `ws`, as the account's environment and overrides say."""
    default = TESTNET if account.environment == "testnet" else MAIN
    return (account.endpoints or default)[name].rstrip("/")


class BybitSource:
    """One account. `terms` are shared with the codec of its stream."""

    def __init__(self, account: Account, clock: Clock, metrics: Metrics, gate: VenueGate) -> None:
        self._id = account_id(VENUE, account.name)
        self._account = account
        self._clock = clock
        self._terms = Terms()
        self._terms_ns: int | None = None
        self._rest = CcxtRest(
            "bybit",
            VENUE,
            account.credentials,
            lambda _, __: endpoint(account, "rest"),
            judge_of(gate, metrics),
            clock,
            metrics,
            gate,
        )

    async def check_key(self) -> None:
        """Raises KeyRefused unless the key is read-only, or UnsupportedMode where no model covers it."""
        await self._measure_clock()
        key = (await self._call("privateGetV5UserQueryApi", Answer[ApiKey])).result
        if key.readOnly != 1:
            rights = [f"{kind} ({', '.join(names)})" for kind, names in key.permissions.items() if names]
            listed = "; ".join(sorted(rights)) or "no permission listed"
            raise KeyRefused(
                f"the key may do more than read: readOnly is 0 with {listed}; make a read-only one"
            )
        await self._read_mode()

    async def instruments(self) -> Instruments:
        """Contracts with their tiers, and what counts as collateral."""
        contracts, limits, ratios, fees = await together(
            self._pages("publicGetV5MarketInstrumentsInfo", Contract, {"category": "linear", "limit": 1000}),
            self._pages("publicGetV5MarketRiskLimit", RiskLimit, {"category": "linear"}),
            self._pages("publicGetV5SpotMarginTradeCollateral", CollateralRatio, {}),
            self._fees(),
        )
        found = instruments_of(contracts, limits, Terms(taker_fees=fees))
        assets = collateral_assets(ratios)
        return Instruments(VENUE, tuple(found), tuple(assets), self._clock.monotonic_ns())

    async def snapshot(self, confirm: bool = False) -> AccountSnapshot:
        """The whole account; with `confirm` the asset endpoint and the wallet's own margins have to agree."""
        await self._read_mode()
        await self._read_terms()
        reading = await self._read_whole()
        agreed = confirm and await self._is_confirmed(reading)
        try:
            return account_snapshot(self._id, reading, self._terms, self._clock.monotonic_ns(), agreed)
        except (BadNumber, BadName) as fault:
            raise VenueUnavailable(f"{VENUE} account: impossible value: {fault}") from None

    async def private_stream(self) -> Stream:
        """Signs in anew for each connection, and reads the mode that the codec must know."""
        await self._read_mode()
        await self._read_terms()
        return Stream(
            name="private",
            url=endpoint(self._account, "ws") + "/v5/private",
            codec=BybitPrivateCodec(self._id, self._terms),
            subscribe=(self._sign_in(), '{"op":"subscribe","args":["wallet","position"]}'),
            heartbeat=PING,
            heartbeat_every_s=PING_EVERY_S,
            data_deadline_s=None,  # a quiet account says nothing for days: pings show whether it lives
        )

    async def keep_alive(self) -> None:
        """Nothing expires: each connection signs in by itself."""

    async def close(self) -> None:
        """Lets go of connections."""
        await self._rest.close()

    async def _read_mode(self) -> None:
        info = (await self._call("privateGetV5AccountInfo", Answer[AccountInfo])).result
        self._terms.is_isolated = check_mode(info)

    async def _read_terms(self) -> None:
        """What changes seldom: the account's fees, and which coins have a value ratio."""
        now_ns = self._clock.monotonic_ns()
        if self._terms_ns is not None and now_ns - self._terms_ns < TERMS_S * 1e9:
            return
        ratios, fees = await together(
            self._pages("publicGetV5SpotMarginTradeCollateral", CollateralRatio, {}), self._fees()
        )
        self._terms.collateral = frozenset(asset.asset for asset in collateral_assets(ratios))
        self._terms.taker_fees = fees
        self._terms_ns = now_ns

    async def _read_whole(self) -> Reading:
        """Wallet and positions at (nearly) one moment; refuses what no model covers."""
        wallets, *pages = await together(
            self._call("privateGetV5AccountWalletBalance", Answer[Page[Wallet]], {"accountType": "UNIFIED"}),
            *(self._positions("linear", {"settleCoin": coin}) for coin in SETTLE_COINS),
            self._positions("inverse", {}),
            self._positions("option", {}),
        )
        unified = [wallet for wallet in wallets.result.list if wallet.accountType == "UNIFIED"]
        if len(unified) != 1:
            raise VenueUnavailable(f"{VENUE} wallet-balance: {len(unified)} unified wallets")
        *linear, inverse, options = pages
        for category, held in (("inverse", inverse), ("option", options)):
            if held:
                raise UnsupportedMode(unsupported(category, held[0].symbol))
        positions = [position for page in linear for position in page]
        legs = {(position.symbol, position.positionIdx) for position in positions}
        if len(legs) != len(positions):
            raise VenueUnavailable(f"{VENUE} position/list: a leg twice, the pages are not of one moment")
        return Reading(unified[0], tuple(positions), wallets.time)

    async def _positions(self, category: str, which: Mapping[str, str]) -> list[Position]:
        """Open positions of a category, whole."""
        asked = {"category": category, "limit": LARGEST_PAGE, **which}
        found = await self._pages("privateGetV5PositionList", Position, asked)
        try:
            return [position for position in found if position.size and fact(position.size)]
        except BadNumber as fault:
            raise VenueUnavailable(f"{VENUE} position/list: size {fault}") from None

    async def _is_confirmed(self, reading: Reading) -> bool:
        try:
            second = await self._call(
                "privateGetV5AssetTransferQueryAccountCoinsBalance",
                Answer[CoinAmounts],
                {"accountType": "UNIFIED"},
            )
            return is_confirmed(reading, second.result)
        except (VenueUnavailable, KeyRefused, BadNumber) as failed:
            log.warning("snapshot_not_confirmed", account=self._id, error=str(failed))
            return False

    async def _fees(self) -> dict[str, Any]:
        fees = await self._pages("privateGetV5AccountFeeRate", FeeRate, {"category": "linear"})
        try:
            return {fee.symbol: fact(fee.takerFeeRate) for fee in fees}
        except BadNumber as fault:
            raise VenueUnavailable(f"{VENUE} fee-rate: {fault}") from None

    async def _pages(self, name: str, row: type[T], asked: Mapping[str, Any]) -> list[T]:
        """All rows, or an exception: never the first pages only."""
        rows: list[T] = []
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            more = {"cursor": cursor} if cursor else {}
            page = (await self._call(name, Answer[Page[row]], {**asked, **more})).result  # type: ignore[valid-type]
            rows.extend(page.list)
            if not page.list or not page.nextPageCursor:
                return rows
            if page.nextPageCursor == cursor:
                break
            cursor = page.nextPageCursor
        raise VenueUnavailable(f"{VENUE} {name}: the pages do not end")

    async def _call(self, name: str, shape: type[T], asked: Mapping[str, Any] | None = None) -> T:
        try:
            return await self._rest.call(name, shape, asked)
        except ClockSkew:
            await self._measure_clock()
        return await self._rest.call(name, shape, asked)

    async def _measure_clock(self) -> None:
        asked_ns = self._clock.wall_ns()
        answer = await self._rest.call("publicGetV5MarketTime", Answer[object])
        self._rest.set_server_time(answer.time, asked_ns, self._clock.wall_ns())

    def _sign_in(self) -> str:
        credentials = self._account.credentials
        if credentials is None:
            raise KeyRefused("a Bybit account needs a key")
        expires_ms = self._clock.wall_ns() // MILLISECOND_NS + AUTH_FOR_MS
        secret = credentials.secret.reveal().encode()
        signature = hmac.new(secret, f"GET/realtime{expires_ms}".encode(), "sha256").hexdigest()
        return json.dumps({"op": "auth", "args": [credentials.key.reveal(), expires_ms, signature]})
