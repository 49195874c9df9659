"""The contracts and collateral assets that the venue lists at the start."""

from __future__ import annotations

from decimal import Decimal
from importlib.resources import files

import msgspec

from adapters.loopback.holdings import AssetPrice, Bracket, Contract
from adapters.loopback.world import World

VENUE = "binance_usdm"


class AssetRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[assets.NAME]"""

    index: Decimal
    bid_buffer: Decimal
    ask_buffer: Decimal


class ContractRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[contracts.SYMBOL]; a bracket is floor, cap, rate, deduction, highest leverage."""

    underlying: str
    margin_asset: str
    tick: Decimal
    step: Decimal
    mark: Decimal
    brackets: tuple[tuple[Decimal, Decimal, Decimal, Decimal, Decimal], ...]


class Catalog(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """contracts.toml"""

    taker_fee: Decimal
    mark_step: Decimal
    assets: dict[str, AssetRow]
    contracts: dict[str, ContractRow]


def read_catalog() -> Catalog:
    """The packaged file, checked."""
    return msgspec.toml.decode(files(__package__).joinpath("contracts.toml").read_bytes(), type=Catalog)


def list_all(world: World) -> None:
    """Lists every contract and asset of the venue in the world."""
    catalog = read_catalog()
    for asset, row in catalog.assets.items():
        world.list_asset(VENUE, asset, AssetPrice(row.index, row.bid_buffer, row.ask_buffer))
    for symbol, contract in catalog.contracts.items():
        world.list_contract(_contract(catalog, symbol, contract), contract.mark)


def _contract(catalog: Catalog, symbol: str, row: ContractRow) -> Contract:
    return Contract(
        venue=VENUE,
        symbol=symbol,
        underlying=row.underlying,
        margin_asset=row.margin_asset,
        tick=row.tick,
        step=row.step,
        mark_step=catalog.mark_step,
        taker_fee=catalog.taker_fee,
        brackets=tuple(Bracket(*bracket, number=number) for number, bracket in enumerate(row.brackets, 1)),
    )
