"""What Bybit is to the daemon: the line of VENUES."""

from __future__ import annotations

import json
from collections.abc import Sequence

from adapters.bybit.codec import VENUE, BybitLinearCodec, BybitSpotCodec
from adapters.bybit.rest import PING, PING_EVERY_S, BybitSource, endpoint
from adapters.bybit.state import ISOLATED_MODEL, UNIFIED_MODEL
from adapters.gate import ConnectLimit, VenueGate
from adapters.venue import Stream
from monitor.clock import Clock
from monitor.config import Account
from monitor.domain.identity import InstrumentId, symbol_of
from monitor.names import Metrics

CONNECTS = ConnectLimit(count=500, per_s=300.0)
KEEP_ALIVE_EVERY_S = 300.0
SENDS_PER_S = 50.0
# The commonest collateral, by the spot pair whose ticker tells its USD price. USDT has no such pair.
SPOT_PAIRS = {f"{coin}USDT": coin for coin in ("BTC", "ETH", "SOL", "XRP", "USDC", "MNT", "BNB", "USDE")}


class BybitSpec:
    """The line of VENUES."""

    name = VENUE
    models: tuple[str, ...] = (UNIFIED_MODEL, ISOLATED_MODEL)
    needs_key = True
    keep_alive_every_s = KEEP_ALIVE_EVERY_S
    connects = CONNECTS

    def source(self, account: Account, clock: Clock, metrics: Metrics, gate: VenueGate) -> BybitSource:
        """The REST side of an account."""
        return BybitSource(account, clock, metrics, gate)

    def public_streams(self, account: Account, instruments: Sequence[InstrumentId]) -> tuple[Stream, ...]:
        """Marks of what is held, and USD prices of collateral; nothing while nothing is held."""
        if not instruments:
            return ()
        base = endpoint(account, "ws")
        linear = Stream(
            name="public",
            url=f"{base}/v5/public/linear",
            codec=BybitLinearCodec(),
            subscribe=tuple(_tickers(symbol_of(instrument)) for instrument in instruments),
            sends_per_s=SENDS_PER_S,
            heartbeat=PING,
            heartbeat_every_s=PING_EVERY_S,
        )
        spot = Stream(
            name="public_spot",
            url=f"{base}/v5/public/spot",
            codec=BybitSpotCodec(SPOT_PAIRS),
            subscribe=tuple(_tickers(symbol) for symbol in SPOT_PAIRS),
            sends_per_s=SENDS_PER_S,
            heartbeat=PING,
            heartbeat_every_s=PING_EVERY_S,
            carries_marks=False,
        )
        return (linear, spot)


def _tickers(symbol: str) -> str:
    return json.dumps({"op": "subscribe", "args": [f"tickers.{symbol}"]}, separators=(",", ":"))


SPEC = BybitSpec()
