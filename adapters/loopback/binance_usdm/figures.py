"""One account in the venue's figures at the marks of now: all answers and user events are made from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from adapters.loopback.amounts import ZERO
from adapters.loopback.binance_usdm import margin
from adapters.loopback.binance_usdm.catalog import VENUE
from adapters.loopback.holdings import Account, AssetPrice, Position, legs_by_symbol
from adapters.loopback.world import World

DEFAULT_LEVERAGE = Decimal(20)
MARGIN_CALL_RATIO = Decimal("0.8")  # maintenance / margin balance, from which MARGIN_CALL is pushed
USD = AssetPrice(Decimal(1))


@dataclass(frozen=True)
class LegFigures:
    """A position and what the venue says of it."""

    position: Position
    margin_asset: str
    mark: Decimal
    notional: Decimal  # signed
    profit: Decimal
    leverage: Decimal
    initial: Decimal
    maintenance: Decimal
    max_notional: Decimal  # at the chosen leverage
    liquidation_price: Decimal | None

    @property
    def is_cross(self) -> bool:
        """True unless it has a wallet of its own."""
        return self.position.isolated_wallet is None

    @property
    def isolated_wallet(self) -> Decimal:
        """Its own wallet, 0 when cross."""
        return self.position.isolated_wallet or ZERO

    @property
    def isolated_margin(self) -> Decimal:
        """Wallet and unrealised profit together, 0 when cross."""
        return ZERO if self.is_cross else self.isolated_wallet + self.profit


@dataclass(frozen=True)
class AssetFigures:
    """One margin asset, in its own units."""

    asset: str
    cross_wallet: Decimal
    isolated_wallets: Decimal
    cross_profit: Decimal
    profit: Decimal
    initial: Decimal
    maintenance: Decimal  # of cross and isolated positions together, as the venue adds them
    cross_initial: Decimal
    cross_maintenance: Decimal

    @property
    def wallet(self) -> Decimal:
        """Cross and isolated together."""
        return self.cross_wallet + self.isolated_wallets

    @property
    def cross_balance(self) -> Decimal:
        """Equity of the cross pool."""
        return self.cross_wallet + self.cross_profit

    @property
    def available(self) -> Decimal:
        """What is free for new positions in single-asset mode."""
        return max(ZERO, self.cross_balance - self.cross_initial)


@dataclass(frozen=True)
class AccountFigures:
    """All of it."""

    account: Account
    legs: tuple[LegFigures, ...]
    assets: tuple[AssetFigures, ...]
    prices: dict[str, AssetPrice]

    def bid(self, asset: str) -> Decimal:
        """USD for one of the asset as collateral."""
        price = self.prices.get(asset, USD)
        return price.index * (1 - price.bid_buffer)

    def ask(self, asset: str) -> Decimal:
        """USD for one of the asset as a debt or a requirement."""
        price = self.prices.get(asset, USD)
        return price.index * (1 + price.ask_buffer)

    @property
    def equity_usd(self) -> Decimal:
        """Margin balance of multi-assets mode."""
        return sum((self.value_usd(asset) for asset in self.assets), ZERO)

    @property
    def maintenance_usd(self) -> Decimal:
        """Maintenance margin of multi-assets mode."""
        return sum((asset.cross_maintenance * self.ask(asset.asset) for asset in self.assets), ZERO)

    @property
    def initial_usd(self) -> Decimal:
        """Initial margin of multi-assets mode."""
        return sum((asset.cross_initial * self.ask(asset.asset) for asset in self.assets), ZERO)

    def value_usd(self, asset: AssetFigures) -> Decimal:
        """An asset's cross balance after its haircut, or its debt with the surcharge."""
        return margin.collateral_value(asset.cross_balance, self.bid(asset.asset), self.ask(asset.asset))

    def asset(self, name: str) -> AssetFigures:
        """One asset, empty when it is not held."""
        found = [asset for asset in self.assets if asset.asset == name]
        return found[0] if found else AssetFigures(name, *([ZERO] * 8))


def figures_of(world: World, account: Account) -> AccountFigures:
    """Everything about an account at the world's marks."""
    bare = AccountFigures(
        account=account,
        legs=tuple(_leg(world, account, position, None) for position in account.positions.values()),
        assets=(),
        prices=world.assets_of(VENUE),
    )
    with_assets = AccountFigures(account, bare.legs, _assets(account, bare.legs), bare.prices)
    return AccountFigures(account, _with_prices(world, with_assets), with_assets.assets, bare.prices)


def leverage_of(account: Account, symbol: str) -> Decimal:
    """The chosen leverage, or the venue's default."""
    return account.leverages.get(symbol, DEFAULT_LEVERAGE)


def max_notional_of(world: World, account: Account, symbol: str) -> Decimal:
    """The largest notional that the chosen leverage allows."""
    leverage = leverage_of(account, symbol)
    brackets = world.contracts[VENUE, symbol].brackets
    return max((row.cap for row in brackets if row.max_leverage >= leverage), default=brackets[0].cap)


def _formula_leg(world: World, position: Position) -> margin.Leg:
    contract = world.contracts[VENUE, position.symbol]
    mark = world.quote(VENUE, position.symbol).mark
    return margin.Leg(position.quantity, position.entry, mark, contract.brackets)


def _leg(world: World, account: Account, position: Position, liquidation: Decimal | None) -> LegFigures:
    leg = _formula_leg(world, position)
    leverage = leverage_of(account, position.symbol)
    return LegFigures(
        position=position,
        margin_asset=world.contracts[VENUE, position.symbol].margin_asset,
        mark=leg.mark,
        notional=leg.notional,
        profit=leg.profit,
        leverage=leverage,
        initial=abs(leg.notional) / leverage,
        maintenance=leg.maintenance,
        max_notional=max_notional_of(world, account, position.symbol),
        liquidation_price=liquidation,
    )


def _assets(account: Account, legs: Sequence[LegFigures]) -> tuple[AssetFigures, ...]:
    names = dict.fromkeys([*account.wallets, *(leg.margin_asset for leg in legs)])
    return tuple(_asset(account, name, [leg for leg in legs if leg.margin_asset == name]) for name in names)


def _asset(account: Account, name: str, legs: Sequence[LegFigures]) -> AssetFigures:
    cross = [leg for leg in legs if leg.is_cross]
    return AssetFigures(
        asset=name,
        cross_wallet=account.wallets.get(name, ZERO),
        isolated_wallets=sum((leg.isolated_wallet for leg in legs), ZERO),
        cross_profit=sum((leg.profit for leg in cross), ZERO),
        profit=sum((leg.profit for leg in legs), ZERO),
        initial=sum((leg.initial for leg in legs), ZERO),
        maintenance=sum((leg.maintenance for leg in legs), ZERO),
        cross_initial=sum((leg.initial for leg in cross), ZERO),
        cross_maintenance=sum((leg.maintenance for leg in cross), ZERO),
    )


def _with_prices(world: World, figures: AccountFigures) -> tuple[LegFigures, ...]:
    """The legs with their liquidation prices, which need the whole account."""
    found: dict[tuple[str, str], Decimal | None] = {}
    for _, positions in legs_by_symbol(figures.account):
        cross = [position for position in positions if position.isolated_wallet is None]
        price = _cross_price(world, figures, cross) if cross else None
        for position in positions:
            if position.isolated_wallet is None:
                found[position.key] = price
            else:
                around = margin.Surroundings(position.isolated_wallet)
                found[position.key] = margin.liquidation_price([_formula_leg(world, position)], around)
    return tuple(_leg(world, figures.account, leg.position, found[leg.position.key]) for leg in figures.legs)


def _cross_price(world: World, figures: AccountFigures, positions: Sequence[Position]) -> Decimal | None:
    keys = {position.key for position in positions}
    here = [leg for leg in figures.legs if leg.position.key in keys]
    asset = figures.asset(here[0].margin_asset)
    own_maintenance = sum((leg.maintenance for leg in here), ZERO)
    wallet = asset.cross_balance - sum((leg.profit for leg in here), ZERO)
    others = asset.cross_maintenance - own_maintenance
    around = margin.Surroundings(wallet, others)
    if figures.account.multi_assets:
        ask = figures.ask(asset.asset)
        around = margin.Surroundings(
            wallet=wallet,
            other_maintenance=figures.maintenance_usd - own_maintenance * ask,
            other_equity=figures.equity_usd - figures.value_usd(asset),
            bid=figures.bid(asset.asset),
            ask=ask,
        )
    return margin.liquidation_price([_formula_leg(world, position) for position in positions], around)
