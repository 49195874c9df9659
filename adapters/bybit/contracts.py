"""From Bybit's contracts, risk limits and collateral ratios to definitions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

import structlog

from adapters.bybit.codec import VENUE
from adapters.bybit.frames import CollateralRatio, CollateralStep, Contract, RiskLimit
from adapters.bybit.state import Terms
from adapters.numbers import BadNumber, fact
from monitor.domain.identity import instrument_id
from monitor.domain.instrument import (
    BadSchedule,
    CollateralAsset,
    Instrument,
    Kind,
    MarginTier,
    TierSchedule,
    checked_schedule,
    collateral_schedule,
)

log = structlog.get_logger()

HOUR_MINUTES = 60
LINEAR = ("LinearPerpetual", "LinearFutures")
STABLECOINS = frozenset({"USDT", "USDC", "DAI", "USDE", "FDUSD", "PYUSD", "TUSD", "USD1", "USDD", "USDTB"})
COLLATERAL_DIGITS = 8
PRICE_CADENCE_S = 45.0  # a snapshot tells the price; the spot tickers tell some of them every second
RATE_TOLERANCE = Decimal("0.02")  # maxLeverage is printed with two decimals
ZERO, ONE, PERCENT = Decimal(0), Decimal(1), Decimal(100)


def instruments_of(
    contracts: Iterable[Contract], limits: Iterable[RiskLimit], terms: Terms
) -> list[Instrument]:
    """Linear contracts with their tiers; one whose table makes no sense is left out, and shows as UNKNOWN."""
    by_symbol: defaultdict[str, list[RiskLimit]] = defaultdict(list)
    for limit in limits:
        by_symbol[limit.symbol].append(limit)
    found = []
    for contract in contracts:
        if contract.contractType not in LINEAR:
            continue
        try:
            schedule = schedule_of(by_symbol.get(contract.symbol, []), contract.symbol)
            found.append(_instrument(contract, schedule, terms.taker_fee(contract.symbol)))
        except (BadSchedule, BadNumber) as fault:
            log.warning("instrument_left_out", venue=VENUE, symbol=contract.symbol, why=str(fault))
    return found


def schedule_of(limits: list[RiskLimit], symbol: str) -> TierSchedule:
    """The tiers of one symbol; raises BadSchedule or BadNumber. Upper bounds become floors."""
    source = f"{VENUE} risk-limit {symbol}"
    tiers: list[MarginTier] = []
    floor = deduction = rate = ZERO
    for limit in sorted(limits, key=lambda limit: fact(limit.riskLimitValue)):
        scale = _scale(limit, source)
        before, rate = rate, fact(str(limit.maintenanceMargin)) / scale
        deduction += floor * (rate - before) if tiers else ZERO
        # The lowest tier has none, and whole tables come without: then it follows from continuity.
        deduction = fact(limit.mmDeduction, empty=deduction)
        tiers.append(MarginTier(floor, rate, fact(str(limit.initialMargin)) / scale, deduction))
        floor = fact(limit.riskLimitValue)
    return checked_schedule(TierSchedule(tuple(tiers), source))


def collateral_assets(ratios: Iterable[CollateralRatio]) -> list[CollateralAsset]:
    """Collateral with its value ratios: floors are amounts of the coin, the rate is the share that counts."""
    found = []
    for ratio in ratios:
        try:
            schedule = _collateral_schedule(ratio)
        except (BadSchedule, BadNumber) as fault:
            log.warning("collateral_left_out", venue=VENUE, asset=ratio.currency, why=str(fault))
            continue
        found.append(
            CollateralAsset(
                venue=VENUE,
                asset=ratio.currency,
                underlying="" if ratio.currency in STABLECOINS else ratio.currency,
                digits=COLLATERAL_DIGITS,
                tiers=schedule,
                price_cadence_s=PRICE_CADENCE_S,
            )
        )
    return found


def digits_of(step: str) -> int:
    """Decimals of a tick or lot size: 2 for "0.05", 0 for "10"."""
    exponent = fact(step).normalize().as_tuple().exponent
    return max(0, -int(exponent))


def _instrument(contract: Contract, schedule: TierSchedule, taker_fee: Decimal) -> Instrument:
    return Instrument(
        id=instrument_id(VENUE, contract.symbol),
        kind=Kind.LINEAR,
        underlying=contract.baseCoin,
        settle_asset=contract.settleCoin,
        multiplier=ONE,
        taker_fee=taker_fee,
        price_digits=digits_of(contract.priceFilter.tickSize),
        quantity_digits=digits_of(contract.lotSizeFilter.qtyStep),
        tiers=schedule,
        funding_hours=contract.fundingInterval / HOUR_MINUTES if contract.fundingInterval else None,
    )


def _scale(limit: RiskLimit, source: str) -> Decimal:
    """1 where rates are fractions, 100 where they are per cent; initial rate x leverage tells."""
    product = fact(str(limit.initialMargin)) * fact(limit.maxLeverage)
    for scale in (ONE, PERCENT):
        if abs(product - scale) <= RATE_TOLERANCE * scale:
            return scale
    raise BadSchedule(
        f"{source}: initialMargin {limit.initialMargin} and maxLeverage {limit.maxLeverage} agree neither "
        "as a fraction nor as per cent"
    )


def _collateral_schedule(ratio: CollateralRatio) -> TierSchedule:
    """What of so many coins counts; raises BadSchedule or BadNumber."""
    shares = [(_floor(step), fact(step.collateralRatio)) for step in ratio.collateralRatioList]
    rows = [(floor, share, share) for floor, share in sorted(shares)]
    return collateral_schedule(rows, f"{VENUE} collateral ratio {ratio.currency}")


def _floor(step: CollateralStep) -> Decimal:
    return fact(step.minQty)
