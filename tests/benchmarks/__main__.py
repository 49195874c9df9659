"""`make bench`: each speed beside a peer or a limit of the same run. Read the ratios, not the absolutes."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime

from tests.benchmarks import decode_binance, decode_bybit, decode_hyperliquid

DECODE_LIMIT = 4.0  # times ccxt.pro


def main() -> None:
    """Prints the table."""
    print(
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    print("| what | ours | ccxt.pro | ratio | limit |\n|---|---|---|---|---|")
    for venue in (decode_binance, decode_bybit, decode_hyperliquid):
        found = venue.run()
        ratio = found.ours_per_s / found.ccxt_per_s
        print(
            f"| decode and merge, {found.venue} | {found.ours_per_s:,.0f} frames/s | "
            f"{found.ccxt_per_s:,.0f} frames/s | {ratio:.1f} | at least {DECODE_LIMIT:g} |"
        )


if __name__ == "__main__":
    main()
