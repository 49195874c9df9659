"""From Bybit's wallets to facts: balances, the USD prices that they imply, and the account's own figures."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from adapters.bybit.codec import VENUE
from adapters.bybit.frames import Coin, Position, Wallet
from adapters.bybit.state import (
    ISOLATED_MODEL,
    SETTLE_COINS,
    UNIFIED,
    UNIFIED_MODEL,
    USD,
    ZERO,
    Terms,
    figure,
    liquidation_prices,
)
from adapters.numbers import BadNumber, fact, price
from monitor.domain.assessment import VenueReported
from monitor.domain.event import AssetPrice, BalanceFact, PoolFact
from monitor.domain.identity import checked_part

RATIO_NAME = "accountMMRate"
DUST_USD = Decimal("0.0001")  # usdValue has eight decimals: below this it tells no price worth the name


def wallet_balances(wallet: Wallet, terms: Terms) -> list[BalanceFact]:
    """The coins of an account, in the pools that they count in; raises BadNumber or BadName.

    A coin that neither counts as collateral nor is owed has no place in the cross account, and often no
    price.
    """
    if terms.is_isolated:
        shown = [coin for coin in wallet.coin if coin.coin in SETTLE_COINS]
        return [BalanceFact(f"wallet-{coin.coin}", coin.coin, fact(coin.walletBalance)) for coin in shown]
    told = []
    for coin in wallet.coin:
        balance = _balance(coin, terms)
        matters = _matters(coin, balance)
        if matters or coin.coin in terms.coins:
            told.append(balance)
        if matters:
            terms.coins.add(coin.coin)
    return told


def nothing() -> BalanceFact:
    """Stands for a cross account without any coin that counts."""
    return BalanceFact(UNIFIED, USD, ZERO)


def wallet_prices(wallet: Wallet, venue_ns: int, received_ns: int) -> list[AssetPrice]:
    """USD prices as the account's own figures imply them; a coin of next to no value tells none."""
    prices = []
    for coin in wallet.coin:
        equity, worth = fact(coin.equity, empty=ZERO), fact(coin.usdValue, empty=ZERO)
        told = price(str(worth / equity)) if equity and abs(worth) >= DUST_USD else None
        if told is not None:
            prices.append(AssetPrice(VENUE, coin.coin, told, 0.0, 0.0, venue_ns, received_ns))
    return prices


def unified_pool(wallet: Wallet, positions: Iterable[Position]) -> PoolFact:
    """The cross account with the venue's own figures."""
    reported = VenueReported(
        equity=figure(wallet.totalMarginBalance),
        initial_margin=figure(wallet.totalInitialMargin),
        maintenance_margin=figure(wallet.totalMaintenanceMargin),
        ratio=figure(wallet.accountMMRate),
        ratio_name=RATIO_NAME,
        liquidation_prices=liquidation_prices(positions),
    )
    return PoolFact(UNIFIED, UNIFIED_MODEL, USD, reported)


def wallet_pool(coin: str) -> PoolFact:
    """A coin's whole wallet in isolated margin: nothing in it can be liquidated by itself."""
    return PoolFact(f"wallet-{coin}", ISOLATED_MODEL, coin)


def _balance(coin: Coin, terms: Terms) -> BalanceFact:
    wallet = fact(coin.walletBalance)
    borrowed = fact(coin.spotBorrow, empty=ZERO) + fact(coin.accruedInterest, empty=ZERO)
    counts = _is_collateral(coin, terms) if wallet or borrowed else True
    return BalanceFact(UNIFIED, checked_part(coin.coin), wallet, borrowed, collateral=counts)


def _matters(coin: Coin, balance: BalanceFact) -> bool:
    if balance.borrowed or balance.wallet < 0:
        return True
    if coin.coin in SETTLE_COINS:
        return balance.wallet != 0
    return balance.collateral and balance.wallet != 0 and abs(fact(coin.usdValue, empty=ZERO)) >= DUST_USD


def _is_collateral(coin: Coin, terms: Terms) -> bool:
    if coin.coin in SETTLE_COINS:
        return True
    if terms.collateral is not None and coin.coin not in terms.collateral:
        return False  # no published ratio, so nothing of it is counted
    if coin.marginCollateral is None or coin.collateralSwitch is None:
        raise BadNumber("collateral switch missing")
    return coin.marginCollateral and coin.collateralSwitch
