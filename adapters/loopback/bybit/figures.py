"""One account in the venue's figures at the marks of now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from adapters.loopback.amounts import ZERO
from adapters.loopback.bybit import margin
from adapters.loopback.bybit.catalog import VENUE
from adapters.loopback.holdings import Account, AssetPrice, Position, legs_by_symbol
from adapters.loopback.world import World

DEFAULT_LEVERAGE = Decimal(10)
USD = AssetPrice(Decimal(1))


@dataclass(frozen=True)
class LegFigures:
    """A position and what the venue says of it, in its settle coin."""

    position: Position
    coin: str
    mark: Decimal
    leverage: Decimal
    profit: Decimal
    initial: Decimal  # with the fee to close
    maintenance: Decimal  # with the fee to close
    balance: Decimal  # of an isolated position: its wallet and the fee to close
    risk_id: int
    risk_limit: Decimal
    liquidation_price: Decimal | None


@dataclass(frozen=True)
class CoinFigures:
    """One coin of the wallet."""

    coin: str
    price: AssetPrice
    wallet: Decimal
    borrowed: Decimal
    profit: Decimal
    initial: Decimal
    maintenance: Decimal

    @property
    def equity(self) -> Decimal:
        """Wallet, less what is owed, with unrealised profit."""
        return self.wallet - self.borrowed + self.profit

    @property
    def counted_usd(self) -> Decimal:
        """What counts of the wallet as collateral."""
        return margin.collateral_value(self.wallet - self.borrowed, self.price.index, self.price.steps)


@dataclass(frozen=True)
class AccountFigures:
    """All of it."""

    account: Account
    legs: tuple[LegFigures, ...]
    coins: tuple[CoinFigures, ...]

    @property
    def profit_usd(self) -> Decimal:
        """Unrealised profit of all positions."""
        return sum((coin.profit * coin.price.index for coin in self.coins), ZERO)

    @property
    def wallet_usd(self) -> Decimal:
        """Wallets after their haircuts."""
        return sum((coin.counted_usd for coin in self.coins), ZERO)

    @property
    def equity_usd(self) -> Decimal:
        """Everything at its full price."""
        return sum((coin.equity * coin.price.index for coin in self.coins), ZERO)

    @property
    def margin_balance_usd(self) -> Decimal:
        """What stands against the margins."""
        return self.wallet_usd + self.profit_usd

    @property
    def initial_usd(self) -> Decimal:
        """Initial margin of all positions."""
        return sum((coin.initial * coin.price.index for coin in self.coins), ZERO)

    @property
    def maintenance_usd(self) -> Decimal:
        """Maintenance margin of all positions."""
        return sum((coin.maintenance * coin.price.index for coin in self.coins), ZERO)


def figures_of(world: World, account: Account) -> AccountFigures:
    """Everything about an account at the world's marks."""
    legs = tuple(_leg(world, account, position, None) for position in account.positions.values())
    figures = AccountFigures(account, legs, _coins(world, account, legs))
    prices = _liquidation_prices(world, figures)
    priced = tuple(_leg(world, account, leg.position, prices[leg.position.key]) for leg in legs)
    return AccountFigures(account, priced, figures.coins)


def formula_leg(world: World, account: Account, position: Position) -> margin.Leg:
    """A position for the formulas: at mark in cross margin, at entry in isolated margin."""
    contract = world.contracts[VENUE, position.symbol]
    mark = world.quote(VENUE, position.symbol).mark
    return margin.Leg(
        quantity=position.quantity,
        entry=position.entry,
        price=position.entry if account.isolated_margin else mark,
        leverage=leverage_of(account, position.symbol),
        fee_rate=contract.taker_fee,
        brackets=contract.brackets,
    )


def leverage_of(account: Account, symbol: str) -> Decimal:
    """The chosen leverage, or the venue's default."""
    return account.leverages.get(symbol, DEFAULT_LEVERAGE)


def _leg(world: World, account: Account, position: Position, liquidation: Decimal | None) -> LegFigures:
    leg = formula_leg(world, account, position)
    mark = world.quote(VENUE, position.symbol).mark
    bracket = margin.bracket_of(leg.value, leg.brackets)
    wallet = position.isolated_wallet
    return LegFigures(
        position=position,
        coin=world.contracts[VENUE, position.symbol].margin_asset,
        mark=mark,
        leverage=leg.leverage,
        profit=position.quantity * (mark - position.entry),
        initial=leg.initial + leg.fee_to_close,
        maintenance=leg.maintenance + leg.fee_to_close,
        balance=ZERO if wallet is None else wallet + leg.fee_to_close,
        risk_id=bracket.number,
        risk_limit=bracket.cap,
        liquidation_price=liquidation,
    )


def _coins(world: World, account: Account, legs: Sequence[LegFigures]) -> tuple[CoinFigures, ...]:
    names = dict.fromkeys([*account.wallets, *account.borrowed, *(leg.coin for leg in legs)])
    prices = world.assets_of(VENUE)
    found = []
    for name in names:
        here = [leg for leg in legs if leg.coin == name]
        isolated = sum((leg.position.isolated_wallet or ZERO for leg in here), ZERO)
        found.append(
            CoinFigures(
                coin=name,
                price=prices.get(name, USD),
                wallet=account.wallets.get(name, ZERO) + isolated,
                borrowed=account.borrowed.get(name, ZERO),
                profit=sum((leg.profit for leg in here), ZERO),
                initial=sum((leg.initial for leg in here), ZERO),
                maintenance=sum((leg.maintenance for leg in here), ZERO),
            )
        )
    return tuple(found)


def _liquidation_prices(world: World, figures: AccountFigures) -> dict[tuple[str, str], Decimal | None]:
    account = figures.account
    prices: dict[tuple[str, str], Decimal | None] = {}
    headroom_usd = figures.margin_balance_usd - figures.maintenance_usd
    for symbol, positions in legs_by_symbol(account):
        legs = [formula_leg(world, account, position) for position in positions]
        if account.isolated_margin:
            for position, leg in zip(positions, legs, strict=True):
                price = margin.isolated_price(leg, position.isolated_wallet or ZERO)
                prices[position.key] = price if price > 0 else None
            continue
        coin = world.contracts[VENUE, symbol].margin_asset
        index = world.assets_of(VENUE).get(coin, USD).index
        price_ = margin.cross_price(legs, headroom_usd, index)
        prices |= dict.fromkeys((position.key for position in positions), price_)
    return prices
