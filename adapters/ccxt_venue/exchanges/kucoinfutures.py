"""KuCoin Futures. An isolated position is liquidated when its `maintMargin` falls to `posMaint`; lower is
safer, 1.

Fields: GET /api/v1/positions (kucoin.com/docs-new, stored copies and the sample in ccxt 4.5.90, read
2026-11-23). As at BitMEX, whose words these are, `maintMargin` is posMargin + unrealisedPnl, that is
equity, and the requirement is `posMaint`: at the sample's liquidation price the one is the other to 0.2 %.
Of cross margin there is a `riskRatio` whose direction and threshold were found nowhere: not known.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from adapters.ccxt_venue.entry import Entry, Names, field
from adapters.ccxt_venue.told import Answers, Figure, Json, Told, number, quotient, shaped

RATIO = "posMaint / maintMargin"
CURRENCIES = ("USDT", "USDC", "BTC")


class Overview(msgspec.Struct):
    """One currency."""

    currency: str
    accountEquity: Figure = None


class Balance(msgspec.Struct):
    """The whole answer."""

    data: Overview


class Position(msgspec.Struct):
    """One position."""

    symbol: str
    settleCurrency: str
    crossMode: bool = False
    positionSide: str = "BOTH"
    maintMargin: Figure = None  # equity
    posMaint: Figure = None  # the requirement
    posInit: Figure = None


def read(answers: Answers) -> list[Told]:
    """A pool for each isolated position, and the rest of each currency."""
    positions = [shaped(info, Position, "positions") for info in answers.positions]
    isolated = [_isolated(position) for position in positions if not position.crossMode]
    crossed = {position.settleCurrency for position in positions if position.crossMode}
    untold = "kucoin's riskRatio of cross margin has no known direction and threshold"
    rest = [Told(f"cross-{currency}", currency, untold=untold) for currency in sorted(crossed)]
    for overview in (shaped(answer, Balance, "account-overview").data for answer in answers.balances):
        equity = number(overview.accountEquity)
        if overview.currency not in crossed and equity:
            pool = f"cross-{overview.currency}"
            rest.append(Told(pool, overview.currency, equity, Decimal(0), ratio_name=RATIO))
    return isolated + rest


def pool_of(info: Json, _: Names) -> str:
    """The isolated position's own pool, or cross of its currency."""
    position = shaped(info, Position, "positions")
    return f"cross-{position.settleCurrency}" if position.crossMode else _name(position)


def _name(position: Position) -> str:
    side = "" if position.positionSide == "BOTH" else f"-{position.positionSide.lower()}"
    return f"isolated-{position.symbol}{side}"


def _isolated(position: Position) -> Told:
    equity, maintenance = number(position.maintMargin), number(position.posMaint)
    ratio = quotient(maintenance, equity)
    unit, initial = position.settleCurrency, number(position.posInit)
    return Told(_name(position), unit, equity, maintenance, initial, ratio, RATIO, ratio)


ENTRY = Entry(
    read=read,
    pool_of=pool_of,
    liquidation_price=field("liquidationPrice"),
    source="ccxt 4.5.90 kucoin.py and a fixture of another project, reproduced, read 2026-11-23",
    balances=tuple({"type": "contract", "code": currency} for currency in CURRENCIES),
    posts=("/api/v1/bullet-private", "/api/v1/bullet-public"),
)
