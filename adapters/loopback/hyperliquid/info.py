"""What POST /info and the websocket have in common: every question about the world, answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from adapters.loopback.amounts import ZERO
from adapters.loopback.faults import Faults
from adapters.loopback.holdings import Account, Contract, Quote
from adapters.loopback.hyperliquid import answers
from adapters.loopback.hyperliquid.catalog import MAIN_DEX, VENUE
from adapters.loopback.hyperliquid.figures import DexFigures, dexes_of, figures_of
from adapters.loopback.world import World

Question = dict[str, Any]


class Unanswerable(Exception):
    """The venue can't read the question."""


class Oracle:
    """Answers from the world, through the faults."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self._faults = faults
        self._marks: dict[str, Quote] = {}

    # --- markets ----------------------------------------------------------------------------------

    def contracts(self, dex: str | None = None) -> list[Contract]:
        """The universe of one dex, or of all."""
        listed = self._world.contracts_of(VENUE)
        return listed if dex is None else answers.contracts_of_dex(listed, dex)

    def dexes(self) -> list[str]:
        """Every dex, the main one first."""
        return dexes_of(self._world.contracts_of(VENUE))

    def quote(self, contract: Contract) -> Quote:
        """The quote as published: while frozen, the mark is the one of before."""
        true = self._world.quote(VENUE, contract.symbol)
        if self._faults.of(VENUE).is_frozen(contract.symbol):
            return replace(true, mark=self._marks.setdefault(contract.symbol, replace(true)).mark)
        self._marks[contract.symbol] = replace(true)
        return true

    def context(self, contract: Contract) -> answers.Body:
        """The asset context as published."""
        return answers.context(contract, self.quote(contract))

    def meta(self, dex: str) -> answers.Body:
        """One dex's meta; its tables are its own."""
        return answers.meta(self.contracts(dex))

    # --- accounts ---------------------------------------------------------------------------------

    def account(self, address: str) -> Account | None:
        """Whose address it is; any other is an address that holds nothing."""
        for account in self._world.accounts_of(VENUE):
            if account.address == address.lower():
                return account
        return None

    def state(self, address: str, dex: str, endpoint: str = "account") -> answers.Body:
        """clearinghouseState as this endpoint tells it: "account" may lie alone."""
        nothing = DexFigures(dex, ZERO, (), self._time_ms())
        account = self.account(address)
        if account is None:
            return answers.state(nothing)
        lie = self._faults.of_account(account.id).zero_balances
        lies = lie in {"everywhere", endpoint}
        figures = nothing if lies else figures_of(self._world, account, dex)
        return answers.state(replace(figures, time_ms=self._time_ms()))

    def web_data(self, address: str) -> answers.Body:
        """What the venue's own page reads."""
        return {
            "clearinghouseState": self.state(address, MAIN_DEX, "webData2"),
            "user": address,
            "serverTime": self._time_ms(),
            "meta": self.meta(MAIN_DEX),
            "assetCtxs": [self.context(contract) for contract in self.contracts(MAIN_DEX)],
        }

    def all_states(self, address: str) -> answers.Body:
        """The states of all dexes, as the stream tells them."""
        states = [[dex, self.state(address, dex, "stream")] for dex in self.dexes()]
        return {"user": address, "clearinghouseStates": states}

    def abstraction(self, address: str) -> str:
        """How the account holds its collateral."""
        account = self.account(address)
        return "unifiedAccount" if account is not None and account.multi_assets else "default"

    # --- questions --------------------------------------------------------------------------------

    def answer(self, question: Question) -> Any:
        """The answer to one question of POST /info; raises Unanswerable."""
        make = self._answers().get(str(question.get("type")))
        if make is None:
            raise Unanswerable
        try:
            return make(question)
        except KeyError:
            raise Unanswerable from None

    def _answers(self) -> dict[str, Callable[[Question], Any]]:
        return {
            "meta": lambda q: self.meta(self._dex(q)),
            "metaAndAssetCtxs": lambda q: self._meta_and_contexts(self._dex(q)),
            "allPerpMetas": lambda _: [self.meta(dex) for dex in self.dexes()],
            "perpDexs": lambda _: answers.perp_dexs(self.dexes()),
            "allMids": lambda q: self._mids(self._dex(q)),
            "spotMeta": lambda _: answers.spot_meta(),
            "spotMetaAndAssetCtxs": lambda _: [answers.spot_meta(), []],
            "clearinghouseState": lambda q: self.state(q["user"], self._dex(q)),
            "spotClearinghouseState": lambda q: answers.spot_state(self.account(q["user"])),
            "webData2": lambda q: self.web_data(q["user"]),
            "userAbstraction": lambda q: self.abstraction(q["user"]),
            "userRole": lambda q: {"role": "user" if self.account(q["user"]) else "missing"},
            "openOrders": lambda _: [],
        }

    def _dex(self, question: Question) -> str:
        dex = str(question.get("dex") or MAIN_DEX)
        if dex not in self.dexes():
            raise Unanswerable
        return dex

    def _meta_and_contexts(self, dex: str) -> list[Any]:
        return [self.meta(dex), [self.context(contract) for contract in self.contracts(dex)]]

    def _mids(self, dex: str) -> dict[str, str]:
        return {
            contract.symbol: answers.number(self.quote(contract).mark) for contract in self.contracts(dex)
        }

    def _time_ms(self) -> int:
        state = self._faults.of(VENUE)
        return self._world.now_ms() + state.clock_ahead_ms - state.event_age_ms
