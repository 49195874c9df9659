"""The coins and margin tables that the venue lists at the start."""

from __future__ import annotations

from decimal import Decimal
from importlib.resources import files

import msgspec

from adapters.loopback.amounts import ZERO
from adapters.loopback.holdings import AssetPrice, Bracket, Contract
from adapters.loopback.world import World

VENUE = "hyperliquid"
MAIN_DEX = ""
USDC = "USDC"
PRICE_DECIMALS = 6  # a price has at most 6 - szDecimals decimals
NO_CAP = Decimal("1e18")


class CoinRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[coins.NAME]; a tier is notional from, highest leverage."""

    size_decimals: int
    mark: Decimal
    tiers: tuple[tuple[Decimal, Decimal], ...]


class Catalog(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """contracts.toml"""

    taker_fee: Decimal
    funding_rate: Decimal
    coins: dict[str, CoinRow]


def read_catalog() -> Catalog:
    """The packaged file, checked."""
    return msgspec.toml.decode(files(__package__).joinpath("contracts.toml").read_bytes(), type=Catalog)


def list_all(world: World) -> None:
    """Lists every coin of every dex, and USDC, in the world."""
    catalog = read_catalog()
    world.list_asset(VENUE, USDC, AssetPrice(Decimal(1)))
    for coin, row in catalog.coins.items():
        world.list_contract(_contract(catalog, coin, row), row.mark, catalog.funding_rate)


def dex_of(coin: str) -> str:
    """The dex that lists a coin: "xyz:TSLA" is of xyz, "BTC" of the main one."""
    return coin.partition(":")[0] if ":" in coin else MAIN_DEX


def wallet_of(dex: str) -> str:
    """The name of a dex's wallet in the world: each dex holds collateral of its own."""
    return f"{USDC}:{dex}" if dex else USDC


def brackets_of(tiers: tuple[tuple[Decimal, Decimal], ...]) -> tuple[Bracket, ...]:
    """Tiers with rates and deductions: the rate is 1 / (2 x leverage), each tier continues the one before."""
    brackets: list[Bracket] = []
    before = deduction = ZERO
    for number, (floor, leverage) in enumerate(tiers, 1):
        rate = 1 / (2 * leverage)
        deduction += floor * (rate - before)
        cap = tiers[number][0] if number < len(tiers) else NO_CAP
        brackets.append(Bracket(floor, cap, rate, deduction, leverage, number))
        before = rate
    return tuple(brackets)


def _contract(catalog: Catalog, coin: str, row: CoinRow) -> Contract:
    price_step = Decimal(1).scaleb(row.size_decimals - PRICE_DECIMALS)
    return Contract(
        venue=VENUE,
        symbol=coin,
        underlying=coin.rpartition(":")[2],
        margin_asset=wallet_of(dex_of(coin)),
        tick=price_step,
        step=Decimal(1).scaleb(-row.size_decimals),
        mark_step=price_step,
        taker_fee=catalog.taker_fee,
        brackets=brackets_of(row.tiers),
    )
