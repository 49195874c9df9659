"""Binance USD-M futures.

The venue's words: *wallet balance* is money without unrealised profit, *cross wallet* the part of it that
cross positions share, *isolated wallet* what one isolated position has; *margin balance* is wallet and
unrealised profit; *maintenance amount* or `cum` is the deduction of a bracket; *position side* BOTH is
one-way mode, LONG and SHORT are the legs of hedge mode. A pool is the cross wallet of one margin asset, one
isolated leg, or in multi-assets mode all of it.

Order loss is 0: open orders of this venue cost initial margin, and nothing of the margin balance.

Pages (developers.binance.com, USD-M futures; read 2026-11-22 through stored copies and through ccxt 4.5.90,
which follows them): market streams, user data streams, account and trade endpoints v3, error codes. Since
2026-04-23 streams live under /public, /market and /private; the undivided paths are gone. FAQs:
b3c689c1f50a44cabb3a84e663b81d93 (liquidation price), c983a9268cfa4e70a4916c276bb3b7bc (multi-assets mode).
"""

from __future__ import annotations

from collections.abc import Sequence

from adapters.binance_usdm.codec import BinanceCodec
from adapters.binance_usdm.layout import MODEL, MULTI_ASSETS_MODEL, VENUE
from adapters.binance_usdm.rest import BinanceSource, endpoints
from adapters.gate import ConnectLimit, VenueGate
from adapters.venue import SnapshotSource, Stream
from monitor.clock import Clock
from monitor.config import Account
from monitor.domain.identity import InstrumentId
from monitor.names import Metrics

SUBSCRIBE_MARKS = '{"method":"SUBSCRIBE","params":["!markPrice@arr@1s"],"id":1}'
SUBSCRIBE_ASSETS = '{"method":"SUBSCRIBE","params":["!assetIndex@arr"],"id":1}'


class BinanceUsdm:
    """The line of VENUES."""

    name = VENUE
    models: tuple[str, ...] = (MODEL, MULTI_ASSETS_MODEL)
    needs_key = True
    keep_alive_every_s = 600.0  # a listen key lives for 60 minutes
    connects = ConnectLimit(count=300, per_s=300.0)  # as documented for spot; the futures pages name none

    def source(self, account: Account, clock: Clock, metrics: Metrics, gate: VenueGate) -> SnapshotSource:
        """The REST side of an account."""
        return BinanceSource(account, clock, metrics, gate)

    def public_streams(self, account: Account, instruments: Sequence[InstrumentId]) -> tuple[Stream, ...]:
        """All marks on one connection, all collateral prices on another: each has its own silence."""
        url = f"{endpoints(account)['ws']}/market/ws"
        return (
            Stream(name="public", url=url, codec=BinanceCodec(), subscribe=(SUBSCRIBE_MARKS,)),
            Stream(
                name="public-assets",
                url=url,
                codec=BinanceCodec(),
                subscribe=(SUBSCRIBE_ASSETS,),
                carries_marks=False,  # only multi-assets pools read them, and each price has its age
            ),
        )


SPEC = BinanceUsdm()
