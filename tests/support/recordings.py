"""Recordings for tests, written line by line."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

BYBIT_URL = "wss://stream.bybit.com/v5/public/linear"


def ticker(symbol: str, at_s: float, mark: float | None, url: str = BYBIT_URL) -> dict[str, Any]:
    """A line with one of Bybit's tickers; a mark of None is a delta that leaves it out."""
    data = {"symbol": symbol} | ({} if mark is None else {"markPrice": str(mark), "indexPrice": str(mark)})
    message = {"topic": f"tickers.{symbol}", "type": "delta", "data": data, "cs": 1, "ts": int(at_s * 1000)}
    return {"t": at_s, "url_or_channel": url, "frame": json.dumps(message)}


def written(path: Path, lines: Iterable[dict[str, Any]]) -> Path:
    """A packed recording of these lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    return path


def lines_of(path: Path) -> list[dict[str, Any]]:
    """All lines of a recording."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]
