"""Binance's array of all marks, as it comes every second: some 700 symbols in one frame."""

from __future__ import annotations

import json
import random

from adapters.binance_usdm.codec import BinanceCodec
from tests.benchmarks.decode_peer import Comparison, compare, swap

SYMBOLS = [f"C{number}" for number in range(700)]
FIRST_MS = 1_780_000_000_000
NEXT_FUNDING_MS = 1_780_012_800_000


def frames(count: int = 40, seed: int = 1) -> list[str]:
    """Frames in the documented shape, each with a new price of every symbol."""
    rng = random.Random(seed)
    return [json.dumps(_marks(rng, number), separators=(",", ":")) for number in range(count)]


def run() -> Comparison:
    """Ours beside ccxt.pro's; a frame is all symbols."""
    url = "wss://fstream.binance.com/market/ws"
    markets = [swap(f"{base}USDT", base, "USDT") for base in SYMBOLS]
    return compare("binance_usdm", frames(), BinanceCodec(), "binanceusdm", url, markets)


def _marks(rng: random.Random, number: int) -> list[dict[str, object]]:
    return [
        {
            "e": "markPriceUpdate",
            "E": FIRST_MS + 1_000 * number,
            "s": f"{base}USDT",
            "p": f"{rng.uniform(10, 20):.8f}",
            "ap": f"{rng.uniform(10, 20):.8f}",
            "P": f"{rng.uniform(10, 20):.8f}",
            "i": f"{rng.uniform(10, 20):.8f}",
            "r": "0.00010000",
            "T": NEXT_FUNDING_MS,
        }
        for base in SYMBOLS
    ]


if __name__ == "__main__":
    print(run(), f"{run().times:.1f} times")
