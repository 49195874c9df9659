"""Bybit's linear tickers: one snapshot a symbol, then deltas as a busy minute has them."""

from __future__ import annotations

import json
import random

from adapters.bybit.codec import BybitLinearCodec
from tests.benchmarks.decode_peer import Comparison, compare, swap

SYMBOLS = [f"C{number}" for number in range(20)]
FIRST_MS = 1_780_000_000_000


def frames(count: int = 5_000, seed: int = 1) -> list[str]:
    """Frames in the documented shape; of ten deltas four carry the mark, as in a recorded connection."""
    rng = random.Random(seed)
    made = [_frame("snapshot", f"{base}USDT", _whole(rng), number) for number, base in enumerate(SYMBOLS)]
    for number in range(len(made), count):
        data = {"bid1Price": "64000.10", "bid1Size": "5.954", "ask1Price": "64000.20", "ask1Size": "10.470"}
        if rng.random() < 0.4:
            data |= {"markPrice": _price(rng), "openInterestValue": "3899995666.09"}
        if rng.random() < 0.2:
            data |= {"indexPrice": _price(rng)}
        made.append(_frame("delta", f"{rng.choice(SYMBOLS)}USDT", data, number))
    return made


def run() -> Comparison:
    """Ours beside ccxt.pro's."""
    url = "wss://stream.bybit.com/v5/public/linear"
    markets = [swap(f"{base}USDT", base, "USDT") for base in SYMBOLS]
    return compare("bybit", frames(), BybitLinearCodec(), "bybit", url, markets)


def _price(rng: random.Random) -> str:
    return f"{rng.uniform(63_000, 65_000):.2f}"


def _whole(rng: random.Random) -> dict[str, str]:
    return {
        "tickDirection": "PlusTick",
        "price24hPcnt": "0.001624",
        "lastPrice": _price(rng),
        "prevPrice24h": "65008.70",
        "highPrice24h": "65282.30",
        "lowPrice24h": "64694.40",
        "markPrice": _price(rng),
        "indexPrice": _price(rng),
        "openInterest": "59891.732",
        "turnover24h": "1142118412.9021",
        "volume24h": "17573.9120",
        "nextFundingTime": "1780012800000",
        "fundingRate": "0.0001",
        "bid1Price": "65114.20",
        "bid1Size": "5.954",
        "ask1Price": "65114.30",
        "ask1Size": "10.470",
    }


def _frame(kind: str, symbol: str, data: dict[str, str], number: int) -> str:
    message = {
        "topic": f"tickers.{symbol}",
        "type": kind,
        "data": {"symbol": symbol, **data},
        "cs": 753_843_900_397 + number,
        "ts": FIRST_MS + number,
    }
    return json.dumps(message, separators=(",", ":"))


if __name__ == "__main__":
    print(run(), f"{run().times:.1f} times")
