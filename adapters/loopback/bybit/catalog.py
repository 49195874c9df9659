"""The contracts, tiers and collateral assets that the venue lists at the start."""

from __future__ import annotations

from decimal import Decimal
from importlib.resources import files

import msgspec

from adapters.loopback.amounts import ZERO
from adapters.loopback.holdings import AssetPrice, Bracket, CollateralStep, Contract
from adapters.loopback.world import World

VENUE = "bybit"
LEVERAGE_STEP = Decimal("0.01")


class AssetRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[assets.NAME]; a step is coins from, ratio."""

    index: Decimal
    steps: tuple[tuple[Decimal, Decimal], ...]


class ContractRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """[contracts.SYMBOL]; a tier is upper bound, maintenance rate, initial rate."""

    underlying: str
    margin_asset: str
    tick: Decimal
    step: Decimal
    mark_step: Decimal
    mark: Decimal
    first_risk_id: int
    tiers: tuple[tuple[Decimal, Decimal, Decimal], ...]


class Catalog(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """contracts.toml"""

    taker_fee: Decimal
    assets: dict[str, AssetRow]
    contracts: dict[str, ContractRow]


def read_catalog() -> Catalog:
    """The packaged file, checked."""
    return msgspec.toml.decode(files(__package__).joinpath("contracts.toml").read_bytes(), type=Catalog)


def list_all(world: World) -> None:
    """Lists every contract and asset of the venue in the world."""
    catalog = read_catalog()
    for asset, row in catalog.assets.items():
        steps = tuple(CollateralStep(floor, ratio) for floor, ratio in row.steps)
        world.list_asset(VENUE, asset, AssetPrice(row.index, steps=steps))
    for symbol, contract in catalog.contracts.items():
        world.list_contract(_contract(catalog, symbol, contract), contract.mark)


def brackets_of(row: ContractRow) -> tuple[Bracket, ...]:
    """Tiers with floors and deductions: each continues the one before."""
    brackets: list[Bracket] = []
    floor = before = deduction = ZERO
    for number, (cap, rate, initial) in enumerate(row.tiers, row.first_risk_id):
        deduction += floor * (rate - before) if brackets else ZERO
        leverage = (1 / initial).quantize(LEVERAGE_STEP)
        brackets.append(Bracket(floor, cap, rate, deduction, leverage, number))
        floor, before = cap, rate
    return tuple(brackets)


def _contract(catalog: Catalog, symbol: str, row: ContractRow) -> Contract:
    return Contract(
        venue=VENUE,
        symbol=symbol,
        underlying=row.underlying,
        margin_asset=row.margin_asset,
        tick=row.tick,
        step=row.step,
        mark_step=row.mark_step,
        taker_fee=catalog.taker_fee,
        brackets=brackets_of(row),
    )
