"""Binance USD-M. Its ratio is maintenance margin / margin balance, lower is safer, liquidation at 1.

Fields: GET /fapi/v3/account and /fapi/v3/positionRisk (developers.binance.com, USD-M futures, account and
trade; stored copies and the samples in ccxt 4.5.90, read 2026-11-23). Threshold:
binance.com/en/support/faq/ b3c689c1f50a44cabb3a84e663b81d93. There is no field with the ratio itself: it
is the quotient of two told sums. The sums of the account mix cross with isolated positions, so cross is
added up from the told positions.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from adapters.ccxt_venue.entry import Entry, Names, Rights, field
from adapters.ccxt_venue.told import Answers, Figure, Json, Told, number, quotient, shaped, total

RATIO = "maintMargin / marginBalance"
MULTI_ASSETS = "multi-assets"
READING = frozenset({"enableReading", "enableFixReadOnly", "ipRestrict"})


class Asset(msgspec.Struct):
    """One asset of the account."""

    asset: str
    crossWalletBalance: Figure = None


class Account(msgspec.Struct):
    """The whole account; its totals are in USD."""

    totalMarginBalance: Figure = None
    totalWalletBalance: Figure = None
    totalMaintMargin: Figure = None
    totalInitialMargin: Figure = None
    assets: list[Asset] = []


class Risk(msgspec.Struct):
    """One position."""

    symbol: str
    marginAsset: str
    positionSide: str = "BOTH"
    unRealizedProfit: Figure = None
    maintMargin: Figure = None
    initialMargin: Figure = None
    isolatedMargin: Figure = None  # with unrealised profit (MARGIN section 1)


class Mode(msgspec.Struct):
    """GET /fapi/v1/accountConfig."""

    multiAssetsMargin: bool


def read(answers: Answers) -> list[Told]:
    """A pool for each isolated position, and one for each margin asset, or one for all of them together."""
    account = shaped(answers.balances[0], Account, "account")
    risks = [shaped(info, Risk, "positionRisk") for info in answers.positions]
    if shaped(answers.extras[0], Mode, "accountConfig").multiAssetsMargin:
        balance, maintenance = number(account.totalMarginBalance), number(account.totalMaintMargin)
        initial = number(account.totalInitialMargin)
        told = _told(MULTI_ASSETS, "USD", balance, maintenance, initial)
        return [msgspec.structs.replace(told, wallet=number(account.totalWalletBalance))]
    isolated = [_isolated(risk) for risk in risks if _is_isolated(risk)]
    wallets = {found.asset: number(found.crossWalletBalance) for found in account.assets}
    cross = [risk for risk in risks if not _is_isolated(risk)]
    used = {asset for asset, wallet in wallets.items() if wallet} | {risk.marginAsset for risk in cross}
    return isolated + [_cross(asset, wallets.get(asset), cross) for asset in sorted(used)]


def pool_of(info: Json, names: Names) -> str:
    """The isolated position's own pool, that of its margin asset, or the one of all of them."""
    risk = shaped(info, Risk, "positionRisk")
    if MULTI_ASSETS in names:
        return MULTI_ASSETS
    return _isolated_name(risk) if _is_isolated(risk) else f"cross-{risk.marginAsset}"


def _is_isolated(risk: Risk) -> bool:
    return bool(number(risk.isolatedMargin))


def _isolated_name(risk: Risk) -> str:
    side = "" if risk.positionSide == "BOTH" else f"-{risk.positionSide.lower()}"
    return f"isolated-{risk.symbol}{side}"


def _isolated(risk: Risk) -> Told:
    margin = number(risk.isolatedMargin)
    figures = (margin, number(risk.maintMargin), number(risk.initialMargin))
    return _told(_isolated_name(risk), risk.marginAsset, *figures)


def _cross(asset: str, wallet: Decimal | None, risks: list[Risk]) -> Told:
    mine = [risk for risk in risks if risk.marginAsset == asset]
    equity = total([wallet, *(number(risk.unRealizedProfit) for risk in mine)])
    maintenance = total([number(risk.maintMargin) for risk in mine])
    initial = total([number(risk.initialMargin) for risk in mine])
    told = _told(f"cross-{asset}", asset, equity, maintenance, initial)
    return msgspec.structs.replace(told, wallet=wallet)


def _told(
    pool: str, unit: str, equity: Decimal | None, maintenance: Decimal | None, initial: Decimal | None
) -> Told:
    ratio = quotient(maintenance, equity)
    return Told(pool, unit, equity, maintenance, initial, ratio, RATIO, ours=ratio)


def too_many(answer: Json) -> list[str]:
    """Every right that is on but reading (GET /sapi/v1/account/apiRestrictions)."""
    rights = (name for name, on in answer.items() if name.startswith(("enable", "permits")) and on is True)
    return sorted(name for name in rights if name not in READING)


ENTRY = Entry(
    read=read,
    pool_of=pool_of,
    liquidation_price=field("liquidationPrice"),
    source="binance.com/en/support/faq/b3c689c1f50a44cabb3a84e663b81d93, read 2026-11-22",
    extras=("fapiPrivateGetAccountConfig",),
    posts=("/fapi/v1/listenKey",),
    rights=Rights("sapiGetAccountApiRestrictions", too_many),
)
