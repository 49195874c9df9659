"""From the account endpoints to one snapshot. Pure: the answers come in as structs, whole."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

import msgspec

from adapters.binance_usdm.answers import AccountAsset, AccountInfo, AssetIndex, Balance, PositionRisk
from adapters.binance_usdm.codec import MILLISECOND_NS, asset_price
from adapters.binance_usdm.layout import (
    MODEL,
    MULTI_ASSETS,
    MULTI_ASSETS_MODEL,
    MULTI_ASSETS_UNIT,
    SIDES,
    VENUE,
    Layout,
    isolated_pool,
)
from adapters.venue import UnsupportedMode, VenueUnavailable
from monitor.domain.assessment import VenueReported
from monitor.domain.event import AccountSnapshot, AssetPrice, BalanceFact, PoolFact, PositionFact
from monitor.domain.identity import AccountId, InstrumentId, instrument_id

ZERO = Decimal(0)
RATIO_NAME = "margin ratio (maintenance margin / margin balance)"
LAG_NS = 30_000_000_000  # how long a REST answer may lag behind the stream before it is believed over it


class Reading(msgspec.Struct, frozen=True):
    """What was read of an account, an endpoint a field. `server_ns` is the venue's clock before all."""

    info: AccountInfo
    risks: tuple[PositionRisk, ...]
    server_ns: int
    balances: tuple[Balance, ...] | None = None  # the second endpoint, when it was asked
    indexes: tuple[AssetIndex, ...] = ()  # in multi-assets mode


def account_snapshot(
    account: AccountId, reading: Reading, layout: Layout, leverages: Mapping[str, Decimal], received_ns: int
) -> AccountSnapshot:
    """The snapshot of a reading; raises UnsupportedMode where a mode is unknown or contradicts another."""
    held = [risk for risk in reading.risks if risk.positionAmt]
    strange = sorted({risk.positionSide for risk in held} - set(SIDES))
    if strange:
        raise UnsupportedMode(f"position side {', '.join(strange)} is none that this adapter knows")
    build = _multi_assets if layout.multi_assets else _single_asset
    pools, balances = build(reading.info, held)
    return AccountSnapshot(
        account=account,
        pools=tuple(pools),
        balances=tuple(balances),
        positions=tuple(_position(risk, layout, leverages.get(risk.symbol)) for risk in held),
        marks={_instrument(risk.symbol): float(risk.markPrice) for risk in held if risk.markPrice > 0},
        venue_ns=snapshot_version(reading, layout.told_ns),
        received_ns=received_ns,
        confirmed=reading.balances is not None and agree(reading.info, reading.balances),
        prices=_prices(reading.indexes, received_ns),
    )


def check_one_epoch(info: AccountInfo, risks: Iterable[PositionRisk]) -> None:
    """Two endpoints are read one after the other: if they tell different positions, the account moved."""
    first = {(p.symbol, p.positionSide): p.positionAmt for p in info.positions if p.positionAmt}
    second = {(p.symbol, p.positionSide): p.positionAmt for p in risks if p.positionAmt}
    if first != second:
        raise VenueUnavailable("account and positionRisk tell different positions")


def agree(info: AccountInfo, balances: Iterable[Balance]) -> bool:
    """Whether /balance tells the same wallets as /account; what one leaves out has to be 0 in the other."""
    first = {found.asset: (found.walletBalance, found.crossWalletBalance) for found in info.assets}
    second = {found.asset: (found.balance, found.crossWalletBalance) for found in balances}
    nothing = (ZERO, ZERO)
    return all(first.get(asset, nothing) == second.get(asset, nothing) for asset in {*first, *second})


def snapshot_version(reading: Reading, told_ns: int) -> int:
    """The venue time that the reading speaks for: what the stream tells later wins over it.

    That is the venue's clock before the reading began. But its REST side may lag behind the stream in bad
    hours (the venue's own warning): when the stream told of a change that no figure of the reading is as new
    as, the reading is only as new as its own newest figure. After 30 s it is believed: nothing sticks.
    """
    updates = [asset.updateTime for asset in reading.info.assets]
    updates += [position.updateTime for position in reading.info.positions]
    newest_ns = max(updates, default=0) * MILLISECOND_NS
    lags = 0 < newest_ns < told_ns <= reading.server_ns and reading.server_ns - told_ns < LAG_NS
    return newest_ns if lags else reading.server_ns


def _single_asset(
    info: AccountInfo, held: Sequence[PositionRisk]
) -> tuple[list[PoolFact], list[BalanceFact]]:
    cross: defaultdict[str, list[PositionRisk]] = defaultdict(list)
    pools: list[PoolFact] = []
    balances: list[BalanceFact] = []
    for risk in held:
        if not is_isolated(risk):
            cross[risk.marginAsset].append(risk)
            continue
        pool = isolated_pool(risk.symbol, SIDES[risk.positionSide])
        wallet = isolated_wallet(risk)
        reported = _reported([risk], wallet)
        pools.append(PoolFact(pool, MODEL, risk.marginAsset, reported, is_isolated=True))
        balances.append(BalanceFact(pool, risk.marginAsset, wallet))
    wallets = {asset.asset: asset.crossWalletBalance for asset in info.assets if asset.crossWalletBalance}
    for name in {**wallets, **cross}:
        wallet = wallets.get(name, ZERO)
        pools.append(PoolFact(f"cross-{name}", MODEL, name, _reported(cross.get(name, []), wallet)))
        balances.append(BalanceFact(f"cross-{name}", name, wallet))
    return pools, balances


def _multi_assets(
    info: AccountInfo, held: Sequence[PositionRisk]
) -> tuple[list[PoolFact], list[BalanceFact]]:
    isolated = sorted(risk.symbol for risk in held if is_isolated(risk))
    if isolated:
        raise UnsupportedMode(
            f"isolated position in {', '.join(isolated)} while multi-assets mode is on: the venue says that "
            "they exclude each other (binance.com/en/support/faq/c983a9268cfa4e70a4916c276bb3b7bc)"
        )
    balance, maintenance = info.totalMarginBalance, info.totalMaintMargin
    reported = VenueReported(
        equity=float(balance),
        initial_margin=float(info.totalInitialMargin),
        maintenance_margin=float(maintenance),
        ratio=float(maintenance / balance) if balance > 0 else None,
        ratio_name=RATIO_NAME,
        liquidation_prices=_liquidation_prices(held),
    )
    counted = [asset for asset in info.assets if _counts(asset, held)]
    balances = [BalanceFact(MULTI_ASSETS, asset.asset, asset.crossWalletBalance) for asset in counted]
    return [PoolFact(MULTI_ASSETS, MULTI_ASSETS_MODEL, MULTI_ASSETS_UNIT, reported)], balances


def _counts(asset: AccountAsset, held: Sequence[PositionRisk]) -> bool:
    return bool(asset.crossWalletBalance) or any(risk.marginAsset == asset.asset for risk in held)


def is_isolated(risk: PositionRisk) -> bool:
    """Whether the position has a wallet of its own; version 3 of the endpoint says it by the wallet alone."""
    return bool(risk.isolatedWallet or risk.isolatedMargin)


def isolated_wallet(risk: PositionRisk) -> Decimal:
    """The wallet without unrealised profit: `isolatedMargin` contains it (MARGIN section 1)."""
    return risk.isolatedWallet or risk.isolatedMargin - risk.unRealizedProfit


def _reported(risks: Sequence[PositionRisk], wallet: Decimal) -> VenueReported:
    """The venue's figures of one pool, added up from its positions: its own sums mix cross with isolated."""
    equity = wallet + sum((risk.unRealizedProfit for risk in risks), ZERO)
    maintenance = sum((risk.maintMargin for risk in risks), ZERO)
    return VenueReported(
        equity=float(equity),
        initial_margin=float(sum((risk.initialMargin for risk in risks), ZERO)),
        maintenance_margin=float(maintenance),
        ratio=float(maintenance / equity) if equity > 0 else None,
        ratio_name=RATIO_NAME,
        liquidation_prices=_liquidation_prices(risks),
    )


def _liquidation_prices(risks: Iterable[PositionRisk]) -> dict[str, float]:
    prices = {}
    for risk in risks:
        side = SIDES[risk.positionSide]
        key = _instrument(risk.symbol) + (f"/{side}" if side else "")
        if risk.liquidationPrice > 0:
            prices[key] = float(risk.liquidationPrice)
    return prices


def _position(risk: PositionRisk, layout: Layout, leverage: Decimal | None) -> PositionFact:
    side = SIDES[risk.positionSide]
    pool = isolated_pool(risk.symbol, side) if is_isolated(risk) else layout.cross_pool(risk.marginAsset)
    return PositionFact(
        pool=pool,
        instrument=_instrument(risk.symbol),
        side=side,
        quantity=risk.positionAmt,
        entry_price=risk.entryPrice,
        leverage=leverage,
    )


def _prices(indexes: Iterable[AssetIndex], received_ns: int) -> tuple[AssetPrice, ...]:
    found = (
        asset_price(
            entry.symbol,
            entry.index,
            entry.bidBuffer,
            entry.askBuffer,
            max(0, entry.time) * MILLISECOND_NS,
            received_ns,
        )
        for entry in indexes
    )
    return tuple(entry for entry in found if entry is not None)


def _instrument(symbol: str) -> InstrumentId:
    return instrument_id(VENUE, symbol)
