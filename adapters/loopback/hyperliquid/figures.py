"""One address on one dex in the venue's figures, at the marks of now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from adapters.loopback.amounts import ZERO
from adapters.loopback.holdings import Account, Contract, Position
from adapters.loopback.hyperliquid import margin
from adapters.loopback.hyperliquid.catalog import VENUE, dex_of, wallet_of
from adapters.loopback.world import World

LARGEST_DEFAULT_LEVERAGE = Decimal(20)
TRANSFER_SHARE = Decimal("0.1")  # of notional has to stay behind


@dataclass(frozen=True)
class LegFigures:
    """A position and what the venue says of it."""

    position: Position
    contract: Contract
    mark: Decimal
    leverage: Decimal
    liquidation_price: Decimal | None

    @property
    def is_cross(self) -> bool:
        """True unless it has cash of its own."""
        return self.position.isolated_wallet is None

    @property
    def signed_value(self) -> Decimal:
        """Size at mark, signed."""
        return self.position.quantity * self.mark

    @property
    def value(self) -> Decimal:
        """Size at mark."""
        return abs(self.signed_value)

    @property
    def profit(self) -> Decimal:
        """Unrealised."""
        return self.position.quantity * (self.mark - self.position.entry)

    @property
    def maintenance(self) -> Decimal:
        """At mark."""
        return margin.maintenance(self.value, self.contract.brackets)

    @property
    def raw_usd(self) -> Decimal:
        """An isolated position's own cash: what it has, less what the position cost."""
        return (self.position.isolated_wallet or ZERO) - self.position.quantity * self.position.entry

    @property
    def margin_used(self) -> Decimal:
        """Cross: value over leverage; isolated: all that it has."""
        return self.value / self.leverage if self.is_cross else self.raw_usd + self.signed_value


@dataclass(frozen=True)
class DexFigures:
    """The account's state on one dex."""

    dex: str
    cross_raw_usd: Decimal
    legs: tuple[LegFigures, ...]
    time_ms: int

    @property
    def cross(self) -> list[LegFigures]:
        """The cross positions."""
        return [leg for leg in self.legs if leg.is_cross]

    @property
    def isolated(self) -> list[LegFigures]:
        """The isolated positions."""
        return [leg for leg in self.legs if not leg.is_cross]

    @property
    def cross_value(self) -> Decimal:
        """Cross account value: cash and the signed notional together."""
        return self.cross_raw_usd + sum((leg.signed_value for leg in self.cross), ZERO)

    @property
    def cross_maintenance(self) -> Decimal:
        """Maintenance of the cross positions."""
        return sum((leg.maintenance for leg in self.cross), ZERO)

    @property
    def withdrawable(self) -> Decimal:
        """What is above the larger of initial margin and a tenth of the notional."""
        initial = sum((leg.margin_used for leg in self.cross), ZERO)
        notional = sum((leg.value for leg in self.cross), ZERO)
        return max(ZERO, self.cross_value - max(initial, TRANSFER_SHARE * notional))


def figures_of(world: World, account: Account, dex: str) -> DexFigures:
    """The state at the world's marks."""
    held = [position for position in account.positions.values() if dex_of(position.symbol) == dex]
    cross_cost = sum(
        (position.quantity * position.entry for position in held if position.isolated_wallet is None), ZERO
    )
    raw_usd = account.wallets.get(wallet_of(dex), ZERO) - cross_cost
    legs = [_leg(world, account, position, None) for position in held]
    bare = DexFigures(dex, raw_usd, tuple(legs), world.now_ms())
    room = bare.cross_value - bare.cross_maintenance
    priced = tuple(_leg(world, account, leg.position, _price(leg, room)) for leg in legs)
    return DexFigures(dex, raw_usd, priced, bare.time_ms)


def dexes_of(contracts: Sequence[Contract]) -> list[str]:
    """Every dex, the main one first."""
    return sorted({dex_of(contract.symbol) for contract in contracts})


def _leg(world: World, account: Account, position: Position, liquidation: Decimal | None) -> LegFigures:
    contract = world.contracts[VENUE, position.symbol]
    largest = contract.brackets[0].max_leverage
    leverage = account.leverages.get(position.symbol, min(largest, LARGEST_DEFAULT_LEVERAGE))
    mark = world.quote(VENUE, position.symbol).mark
    return LegFigures(position, contract, mark, leverage, liquidation)


def _price(leg: LegFigures, cross_room: Decimal) -> Decimal | None:
    room = cross_room if leg.is_cross else leg.margin_used - leg.maintenance
    return margin.liquidation_price(leg.position.quantity, leg.mark, room, leg.contract.brackets)
