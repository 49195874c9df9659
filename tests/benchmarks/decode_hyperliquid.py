"""Hyperliquid's asset contexts: each frame is whole, and has no time of its own."""

from __future__ import annotations

import json
import random

from adapters.hyperliquid.codec import HyperliquidMarkCodec
from tests.benchmarks.decode_peer import Comparison, compare, swap

COINS = [f"C{number}" for number in range(20)]


def frames(count: int = 5_000, seed: int = 1) -> list[str]:
    """Frames in the documented shape."""
    rng = random.Random(seed)
    return [_frame(rng.choice(COINS), rng) for _ in range(count)]


def run() -> Comparison:
    """Ours beside ccxt.pro's."""
    markets = [swap(str(number), coin, "USDC", baseName=coin) for number, coin in enumerate(COINS)]
    url = "wss://api.hyperliquid.xyz/ws"
    return compare("hyperliquid", frames(), HyperliquidMarkCodec(), "hyperliquid", url, markets)


def _frame(coin: str, rng: random.Random) -> str:
    mark = rng.uniform(2_900, 3_100)
    context = {
        "funding": "0.0000125",
        "openInterest": "605822.2557",
        "prevDayPx": "2994.6",
        "dayNtlVlm": "591989409.93",
        "premium": "-0.0002824",
        "oraclePx": f"{mark * 1.0002:.1f}",
        "markPx": f"{mark:.1f}",
        "midPx": f"{mark:.2f}",
        "impactPxs": [f"{mark - 0.1:.2f}", f"{mark + 0.1:.2f}"],
        "dayBaseVlm": "281686.82",
    }
    return json.dumps(
        {"channel": "activeAssetCtx", "data": {"coin": coin, "ctx": context}}, separators=(",", ":")
    )


if __name__ == "__main__":
    print(run(), f"{run().times:.1f} times")
