"""How an account is cut into pools, and what stream and snapshot must know of each other to cut it alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from monitor.domain.identity import PART

VENUE = "binance_usdm"
MULTI_ASSETS = "multi-assets"
MODEL, MULTI_ASSETS_MODEL = "tiered", "multi_assets"
MULTI_ASSETS_UNIT = "USD"
SIDES = {"BOTH": "", "LONG": "long", "SHORT": "short"}
LONGEST_SYMBOL = 48  # with "isolated-" and a side it has to fit the 64 characters of a name


@dataclass(slots=True)
class Layout:
    """Shared by the snapshot source of one account and the codec of its stream, so that both cut it alike."""

    multi_assets: bool = False
    margin_assets: dict[str, str] = field(default_factory=dict)  # by symbol
    leverages: dict[str, Decimal] = field(default_factory=dict)  # by symbol; the codec keeps them current
    told_ns: int = 0  # the newest transaction that the stream told of

    def cross_pool(self, asset: str) -> str:
        """`cross-USDT`, or the one pool of multi-assets mode."""
        return MULTI_ASSETS if self.multi_assets else f"cross-{asset}"


def isolated_pool(symbol: str, side: str) -> str:
    """`isolated-BTCUSDT`, with `-long` or `-short` in hedge mode, where each leg has its own wallet."""
    name = f"isolated-{name_part(symbol)}"
    return f"{name}-{side}" if side else name


def name_part(symbol: str) -> str:
    """The symbol, if it may stand in a pool's name; one in another script is spelled out as code points."""
    if PART.fullmatch(symbol) and len(symbol) <= LONGEST_SYMBOL:
        return symbol
    spelled = "".join(
        letter if letter.isascii() and letter.isalnum() else f"u{ord(letter):x}" for letter in symbol
    )
    return spelled[:LONGEST_SYMBOL] or "u0"
