"""A fresh codec of each venue by the name that golden frames give to its stream, for the contract suite."""

from __future__ import annotations

from collections.abc import Callable

from adapters.binance_usdm.codec import BinanceCodec
from adapters.binance_usdm.layout import Layout
from adapters.bybit.codec import BybitLinearCodec, BybitSpotCodec
from adapters.bybit.private import BybitPrivateCodec
from adapters.bybit.state import Terms
from adapters.hyperliquid.codec import HyperliquidAccountCodec, HyperliquidMarkCodec
from adapters.hyperliquid.state import Watch
from adapters.venue import Codec
from monitor.domain.identity import account_id

HYPERLIQUID_ADDRESS = "0x00000000000000000000000000000000000000AA"


def _binance(multi_assets: bool) -> Codec:
    layout = Layout(multi_assets=multi_assets, margin_assets={"ETHUSDT": "USDT"})
    return BinanceCodec(account_id("binance_usdm", "desk"), layout)


CODECS: dict[str, dict[str, Callable[[], Codec]]] = {
    "binance_usdm": {
        "public": BinanceCodec,
        "private": lambda: _binance(multi_assets=False),
        "multi": lambda: _binance(multi_assets=True),
    },
    "bybit": {
        "linear": BybitLinearCodec,
        "spot": lambda: BybitSpotCodec({"BTCUSDT": "BTC", "ETHUSDT": "ETH"}),
        "private": lambda: BybitPrivateCodec(account_id("bybit", "desk"), Terms()),
        "isolated": lambda: BybitPrivateCodec(account_id("bybit", "desk"), Terms(is_isolated=True)),
    },
    "hyperliquid": {
        "public": HyperliquidMarkCodec,
        "private": lambda: HyperliquidAccountCodec(
            account_id("hyperliquid", "desk"), HYPERLIQUID_ADDRESS, Watch()
        ),
    },
}
