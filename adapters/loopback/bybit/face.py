"""Bybit v5 on the loopback exchange: REST, websockets and publication over one world."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from adapters.loopback.bybit import account_answers
from adapters.loopback.bybit.auth import BybitRefusals, Doorkeeper
from adapters.loopback.bybit.catalog import VENUE
from adapters.loopback.bybit.figures import AccountFigures, figures_of
from adapters.loopback.bybit.publication import Publication
from adapters.loopback.bybit.rest import RestFace
from adapters.loopback.bybit.streams import StreamFace
from adapters.loopback.faults import Faults
from adapters.loopback.gate import Refusals
from adapters.loopback.holdings import Cause, Change, Position
from adapters.loopback.sockets import Hub
from adapters.loopback.world import World


class BybitFace:
    """The face that `server` serves."""

    venue = VENUE
    cadence_s = 0.1
    ping_every_s = 3600.0  # the venue never pings: it answers ours

    def __init__(self, world: World, faults: Faults, hub: Hub) -> None:
        self._world = world
        self._door = Doorkeeper(VENUE, world, faults)
        self._publication = Publication(world, faults)
        self._streams = StreamFace(hub, world, faults, self._door, self._publication)
        self._rest = RestFace(world, faults, self._door, self._publication.quote)
        self.refusals: Refusals = BybitRefusals()

    def add_routes(self, application: web.Application) -> None:
        """REST and websocket paths."""
        self._rest.add_routes(application)
        self._streams.add_routes(application)

    def endpoints(self, port: int) -> dict[str, str]:
        """What stands for api.bybit.com and stream.bybit.com."""
        return {"rest": f"http://127.0.0.1:{port}", "ws": f"ws://127.0.0.1:{port}"}

    def publish(self, symbols: Sequence[str] | None = None) -> None:
        """Sends the tickers of now."""
        self._streams.publish(self._publication.frames(symbols))

    def on_change(self, change: Change) -> None:
        """Pushes positions, then the wallet with the coins that changed; a switch of modes pushes nothing."""
        if change.cause is Cause.ACCOUNT_MODE:
            return
        figures = figures_of(self._world, change.account)
        if change.legs:
            status = "Adl" if change.cause is Cause.DELEVERAGED else "Normal"
            rows = [{**self._position(figures, leg), "positionStatus": status} for leg in change.legs]
            self._streams.tell(change.account.id, "position", rows)
        coins = tuple(coin for coin in figures.coins if coin.coin in change.assets)
        if coins:
            row = account_answers.wallet(figures, coins)
            self._streams.tell(change.account.id, "wallet", [row])

    def expire_stream_key(self, account: str) -> None:
        """The venue has none: each connection signs in by itself."""

    def _position(self, figures: AccountFigures, leg: Position) -> account_answers.Body:
        for held in figures.legs:
            if held.position.key == leg.key:
                return account_answers.position(held, streamed=True)
        return account_answers.empty_position(self._world, figures.account, leg, streamed=True)
