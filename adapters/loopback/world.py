"""What is true on the loopback exchange: contracts, prices and accounts. It speaks no venue's format.

Tests and the demo change the world through the setters below; each change is told at once to the faces, which
push it to their sockets as the venue would. One event loop owns a world: nothing here is safe for threads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from decimal import Decimal

from adapters.loopback.amounts import ZERO, Number, exact, to_step
from adapters.loopback.holdings import Account, AssetPrice, Cause, Change, Contract, Position, Quote, filled
from monitor.clock import Clock, SystemClock

MILLISECOND_NS = 1_000_000

Listener = Callable[[Change], None]


class World:
    """The state and its setters. Prices, amounts and quantities may be Decimal, int, str or float."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or SystemClock()
        self.contracts: dict[tuple[str, str], Contract] = {}
        self.quotes: dict[tuple[str, str], Quote] = {}
        self.assets: dict[tuple[str, str], AssetPrice] = {}
        self.accounts: dict[str, Account] = {}
        self._listeners: list[Listener] = []

    def now_ms(self) -> int:
        """The world's wall clock."""
        return self.clock.wall_ns() // MILLISECOND_NS

    def contracts_of(self, venue: str) -> list[Contract]:
        """All contracts of a venue, in the order of listing."""
        return [contract for (at, _), contract in self.contracts.items() if at == venue]

    def accounts_of(self, venue: str) -> list[Account]:
        """All accounts at a venue."""
        return [account for account in self.accounts.values() if account.venue == venue]

    def quote(self, venue: str, symbol: str) -> Quote:
        """The prices of a contract now."""
        return self.quotes[venue, symbol]

    def assets_of(self, venue: str) -> dict[str, AssetPrice]:
        """The collateral assets of a venue."""
        return {asset: price for (at, asset), price in self.assets.items() if at == venue}

    def account(self, account: Account | str) -> Account:
        """The account itself, from its id `venue/name`."""
        return account if isinstance(account, Account) else self.accounts[account]

    def listen(self, listener: Listener) -> None:
        """`listener` is called with every change of an account, at once."""
        self._listeners.append(listener)

    def list_contract(self, contract: Contract, mark: Number, funding_rate: Number = "0.0001") -> None:
        """Lists or replaces a contract."""
        price = to_step(mark, contract.mark_step)
        self.contracts[contract.venue, contract.symbol] = contract
        self.quotes[contract.venue, contract.symbol] = Quote(price, price, exact(funding_rate))

    def list_asset(self, venue: str, asset: str, price: AssetPrice) -> None:
        """Lists or replaces a collateral asset."""
        self.assets[venue, asset] = price

    def set_mark(
        self, symbol: str, price: Number, index: Number | None = None, venue: str | None = None
    ) -> None:
        """Sets mark and index (the same unless given), at one venue or at all that list the symbol."""
        for contract in self._listed(symbol, venue):
            quote = self.quotes[contract.venue, symbol]
            quote.mark = to_step(price, contract.mark_step)
            quote.index = to_step(price if index is None else index, contract.mark_step)

    def set_index(self, symbol: str, price: Number, venue: str | None = None) -> None:
        """Sets the index alone."""
        for contract in self._listed(symbol, venue):
            self.quotes[contract.venue, symbol].index = to_step(price, contract.mark_step)

    def set_underlying(self, underlying: str, price: Number) -> None:
        """Sets mark and index of every contract on it, and of the asset itself, at every venue."""
        for contract in self.contracts.values():
            if contract.underlying == underlying:
                self.set_mark(contract.symbol, price, venue=contract.venue)
        for (_, asset), held in self.assets.items():
            if asset == underlying:
                held.index = exact(price)

    def set_funding(self, symbol: str, rate: Number, venue: str | None = None) -> None:
        """Sets the rate of the next funding."""
        for contract in self._listed(symbol, venue):
            self.quotes[contract.venue, symbol].funding_rate = exact(rate)

    def set_asset_index(self, asset: str, index: Number, venue: str | None = None) -> None:
        """Sets the USD price of a collateral asset."""
        for (at, name), price in self.assets.items():
            if name == asset and venue in {None, at}:
                price.index = exact(index)

    def _listed(self, symbol: str, venue: str | None) -> list[Contract]:
        found = [
            contract
            for (at, name), contract in self.contracts.items()
            if name == symbol and venue in {None, at}
        ]
        if not found:
            raise KeyError(f"{symbol} is listed nowhere" if venue is None else f"{venue} lists no {symbol}")
        return found

    def add_account(
        self,
        venue: str,
        name: str,
        *,
        hedge: bool = False,
        multi_assets: bool = False,
        isolated_margin: bool = False,
        can_trade: bool = False,
        can_withdraw: bool = False,
        trading_key: bool = False,
    ) -> Account:
        """An empty account, with key, secret and address made from its name; and a second key that trades."""
        digest = hashlib.sha256(f"{venue}/{name}".encode()).hexdigest()
        account = Account(
            venue=venue,
            name=name,
            key=f"key{digest[:29]}",
            secret=f"secret{digest[:58]}",
            address=f"0x{digest[:40]}",
            can_trade=can_trade,
            can_withdraw=can_withdraw,
            hedge=hedge,
            multi_assets=multi_assets,
            isolated_margin=isolated_margin,
            updated_ms=self.now_ms(),
            trading_key=f"trade{digest[:27]}" if trading_key else "",
            trading_secret=f"trade{digest[:59]}" if trading_key else "",
        )
        self.accounts[account.id] = account
        return account

    def set_wallet(
        self, account: Account | str, asset: str, amount: Number, cause: Cause | None = None
    ) -> None:
        """Sets the cross wallet of an asset: a deposit or a withdrawal, unless `cause` says otherwise."""
        held = self.account(account)
        before = held.wallets.get(asset, ZERO)
        held.wallets[asset] = exact(amount)
        moved = held.wallets[asset] - before
        kind = cause or (Cause.DEPOSIT if moved >= 0 else Cause.WITHDRAWAL)
        outside = moved if kind in {Cause.DEPOSIT, Cause.WITHDRAWAL} else ZERO
        self._changed(held, kind, assets=(asset,), deposited=outside)

    def set_borrowed(self, account: Account | str, asset: str, amount: Number) -> None:
        """Sets what the account owes of an asset; the wallet is left as it is."""
        held = self.account(account)
        held.borrowed[asset] = exact(amount)
        self._changed(held, Cause.ORDER, assets=(asset,))

    def set_position(
        self,
        account: Account | str,
        symbol: str,
        quantity: Number,
        entry: Number | None = None,
        *,
        side: str = "",
        leverage: Number | None = None,
        isolated_wallet: Number | None = None,
        cause: Cause = Cause.ORDER,
    ) -> None:
        """Sets a leg as it stands, money untouched; quantity 0 closes it. Entry is the mark unless given."""
        held = self.account(account)
        self._check_leg(held, side, exact(quantity))
        if held.isolated_margin and isolated_wallet is None and exact(quantity):
            raise ValueError(f"{held.id} has isolated margin: a position needs its isolated_wallet")
        if leverage is not None:
            held.leverages[symbol] = exact(leverage)
        held.margin_modes[symbol] = "cross" if isolated_wallet is None else "isolated"
        price = self.quote(held.venue, symbol).mark if entry is None else exact(entry)
        wallet = None if isolated_wallet is None else exact(isolated_wallet)
        position = Position(symbol, side, exact(quantity), price, wallet, self.now_ms())
        self._place(held, position)
        asset = self.contracts[held.venue, symbol].margin_asset
        self._changed(held, cause, assets=(asset,), legs=(position,))

    def set_isolated(
        self, account: Account | str, symbol: str, isolated_wallet: Number, side: str = ""
    ) -> None:
        """Makes a leg isolated with this wallet; the money moves out of the cross wallet, or back."""
        held = self.account(account)
        position = held.positions[symbol, side]
        asset = self.contracts[held.venue, symbol].margin_asset
        was_cross = position.isolated_wallet is None
        moved = exact(isolated_wallet) - (position.isolated_wallet or ZERO)
        held.wallets[asset] = held.wallets.get(asset, ZERO) - moved
        position.isolated_wallet = exact(isolated_wallet)
        held.margin_modes[symbol] = "isolated"
        position.updated_ms = self.now_ms()
        cause = Cause.MARGIN_MODE if was_cross else Cause.MARGIN_TRANSFER
        self._changed(held, cause, assets=(asset,), legs=(position,))

    def trade(
        self, account: Account | str, symbol: str, quantity: Number, price: Number, side: str = ""
    ) -> None:
        """A fill without a fee: averages the entry, or realises profit into the wallet; may flip the side."""
        held = self.account(account)
        old = held.positions.get((symbol, side)) or Position(symbol, side, ZERO, ZERO)
        after, entry, profit = filled(old.quantity, old.entry, exact(quantity), exact(price))
        self._check_leg(held, side, after)
        position = Position(symbol, side, after, entry, old.isolated_wallet, self.now_ms())
        asset = self.contracts[held.venue, symbol].margin_asset
        if position.isolated_wallet is None:
            held.wallets[asset] = held.wallets.get(asset, ZERO) + profit
        else:
            position.isolated_wallet += profit
        self._place(held, position)
        self._changed(held, Cause.ORDER, assets=(asset,), legs=(position,))

    def charge_funding(self, symbol: str, venue: str | None = None) -> None:
        """Every position pays or receives quantity x mark x rate, from its own wallet."""
        for contract in self._listed(symbol, venue):
            quote = self.quotes[contract.venue, symbol]
            for account in self.accounts_of(contract.venue):
                for leg in [leg for leg in account.positions.values() if leg.symbol == symbol]:
                    self._pay(account, contract, leg, leg.quantity * quote.mark * quote.funding_rate)

    def _pay(self, account: Account, contract: Contract, leg: Position, amount: Decimal) -> None:
        asset = contract.margin_asset
        if leg.isolated_wallet is None:
            account.wallets[asset] = account.wallets.get(asset, ZERO) - amount
            self._changed(account, Cause.FUNDING, assets=(asset,))
        else:
            leg.isolated_wallet -= amount
            self._changed(account, Cause.FUNDING, assets=(asset,), legs=(leg,))

    def set_leverage(self, account: Account | str, symbol: str, leverage: Number) -> None:
        """The chosen leverage of a symbol."""
        held = self.account(account)
        held.leverages[symbol] = exact(leverage)
        legs = tuple(leg for leg in held.positions.values() if leg.symbol == symbol)
        self._changed(held, Cause.LEVERAGE, legs=legs or (Position(symbol, "", ZERO, ZERO),))

    def set_modes(
        self,
        account: Account | str,
        *,
        hedge: bool | None = None,
        multi_assets: bool | None = None,
        isolated_margin: bool | None = None,
    ) -> None:
        """Switches the account's modes."""
        held = self.account(account)
        held.hedge = held.hedge if hedge is None else hedge
        held.multi_assets = held.multi_assets if multi_assets is None else multi_assets
        held.isolated_margin = held.isolated_margin if isolated_margin is None else isolated_margin
        self._changed(held, Cause.ACCOUNT_MODE)

    def empty_account(self, account: Account | str) -> None:
        """Everything is closed and withdrawn, truly."""
        held = self.account(account)
        closed = [Position(leg.symbol, leg.side, ZERO, ZERO) for leg in held.positions.values()]
        assets = tuple(held.wallets)
        held.positions.clear()
        held.borrowed.clear()
        held.wallets = dict.fromkeys(assets, ZERO)
        self._changed(held, Cause.WITHDRAWAL, assets=assets, legs=tuple(closed))

    @staticmethod
    def _check_leg(account: Account, side: str, quantity: Decimal) -> None:
        if (side != "") != account.hedge:
            raise ValueError(f"{account.id}: side {side!r} does not fit its mode (hedge={account.hedge})")
        if quantity * (-1 if side == "short" else 1) < 0 and side:
            raise ValueError(f"a {side} leg can't hold {quantity}")

    @staticmethod
    def _place(account: Account, position: Position) -> None:
        if position.quantity:
            account.positions[position.key] = position
        else:
            account.positions.pop(position.key, None)

    def _changed(
        self,
        account: Account,
        cause: Cause,
        *,
        assets: Iterable[str] = (),
        legs: Iterable[Position] = (),
        deposited: Decimal = ZERO,
    ) -> None:
        account.updated_ms = self.now_ms()
        change = Change(account, cause, account.updated_ms, tuple(assets), tuple(legs), deposited)
        for listener in self._listeners:
            listener(change)
