"""The REST face: routes, and which answer belongs to which."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from adapters.loopback.binance_usdm import account_answers, market_answers, position_answers
from adapters.loopback.binance_usdm.auth import Doorkeeper, Refused, answer, error
from adapters.loopback.binance_usdm.catalog import VENUE
from adapters.loopback.binance_usdm.figures import AccountFigures, figures_of
from adapters.loopback.binance_usdm.listen_keys import ListenKeys
from adapters.loopback.binance_usdm.orders import NOT_KNOWN, OrderDesk
from adapters.loopback.faults import Faults
from adapters.loopback.gate import reset
from adapters.loopback.holdings import Account, Contract, Quote
from adapters.loopback.world import World

Parameters = dict[str, str]
PublicAnswer = Callable[[Parameters], Any]
SignedAnswer = Callable[[Account, Parameters], Any]
Handler = Callable[[web.Request], Awaitable[web.Response]]

NO_LISTEN_KEY = Refused(400, -1125, "This listenKey does not exist.")


class RestFace:
    """All REST paths of the venue."""

    def __init__(
        self, world: World, faults: Faults, keys: ListenKeys, published: Callable[[Contract], Quote]
    ) -> None:
        self._world = world
        self._faults = faults
        self._keys = keys
        self._published = published
        self._door = Doorkeeper(VENUE, world, faults)
        self._orders = OrderDesk(world, faults)

    def add_routes(self, application: web.Application) -> None:
        """Every path that we serve; the rest is 404, as on the venue."""
        for path, public in self._public().items():
            application.router.add_get(path, self._public_handler(public))
        for path, signed in self._signed().items():
            application.router.add_get(path, self._signed_handler(signed))
        application.router.add_post("/fapi/v1/order", self._place_order)
        for method, change in (("POST", self._obtain), ("PUT", self._extend), ("DELETE", self._drop)):
            application.router.add_route(method, "/fapi/v1/listenKey", self._keyed_handler(change))

    def _public(self) -> dict[str, PublicAnswer]:
        return {
            "/fapi/v1/ping": lambda _: {},
            "/fapi/v1/time": lambda _: {"serverTime": self._door.venue_ms()},
            "/fapi/v1/exchangeInfo": lambda _: market_answers.exchange_info(self._world),
            "/fapi/v1/premiumIndex": self._premium_index,
            "/fapi/v1/fundingRate": self._funding_rate,
            "/fapi/v1/fundingInfo": lambda _: [],
            "/fapi/v1/assetIndex": self._asset_index,
        }

    def _signed(self) -> dict[str, SignedAnswer]:
        return {
            "/fapi/v1/leverageBracket": self._brackets,
            "/fapi/v3/account": lambda who, _: account_answers.account_v3(self._told(who, "account")),
            "/fapi/v2/account": lambda who, _: account_answers.account_v2(
                self._world, self._told(who, "account")
            ),
            "/fapi/v3/balance": self._balance,
            "/fapi/v2/balance": self._balance,
            "/fapi/v3/positionRisk": self._risk_v3,
            "/fapi/v2/positionRisk": self._risk_v2,
            "/fapi/v1/positionSide/dual": lambda who, _: {"dualSidePosition": who.hedge},
            "/fapi/v1/multiAssetsMargin": lambda who, _: {"multiAssetsMargin": who.multi_assets},
            "/fapi/v1/accountConfig": lambda who, _: account_answers.account_config(who),
            "/fapi/v1/symbolConfig": self._symbol_config,
            "/fapi/v1/order": self._orders.find,
            "/sapi/v1/account/apiRestrictions": lambda who, _: api_restrictions(who),
            "/sapi/v1/account/info": lambda _, __: {"isPortfolioMarginRetailEnabled": False},
            "/sapi/v1/capital/config/getall": lambda _, __: [],
            "/sapi/v1/margin/allPairs": lambda _, __: [],
            "/sapi/v1/margin/isolated/allPairs": lambda _, __: [],
        }

    # --- handlers ---------------------------------------------------------------------------------

    def _public_handler(self, make: PublicAnswer) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            try:
                return self._good(make(dict(request.query)))
            except Refused as refused:
                return error(refused.status, refused.code, refused.words)

        return handle

    def _signed_handler(self, make: SignedAnswer) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            try:
                account, parameters = await self._door.account_of_signature(request)
                return self._good(make(account, parameters))
            except Refused as refused:
                return error(refused.status, refused.code, refused.words)

        return handle

    async def _place_order(self, request: web.Request) -> web.StreamResponse:
        try:
            account, parameters = await self._door.account_of_signature(request)
            placed = self._orders.place(account, parameters)
            if self._orders.matching.is_due("cut_answers", account):
                return await reset(request)
            if self._orders.matching.is_due("lost_answers", account):
                raise NOT_KNOWN
            return self._good(placed)
        except Refused as refused:
            return error(refused.status, refused.code, refused.words)

    def _keyed_handler(self, make: Callable[[Account], Any]) -> Handler:
        async def handle(request: web.Request) -> web.Response:
            try:
                return self._good(make(self._door.account_of_key(request)))
            except Refused as refused:
                return error(refused.status, refused.code, refused.words)

        return handle

    @staticmethod
    def _good(body: Any) -> web.Response:
        return answer(body, headers={"X-MBX-USED-WEIGHT-1M": "1"})

    # --- market -----------------------------------------------------------------------------------

    def _contracts(self, parameters: Parameters) -> list[Contract]:
        symbol = parameters.get("symbol")
        if symbol is None:
            return self._world.contracts_of(VENUE)
        if (VENUE, symbol) not in self._world.contracts:
            raise Refused(400, -1121, "Invalid symbol.")
        return [self._world.contracts[VENUE, symbol]]

    def _premium_index(self, parameters: Parameters) -> Any:
        now_ms = self._door.venue_ms()
        rows = [
            market_answers.premium_index(one, self._published(one), now_ms)
            for one in self._contracts(parameters)
        ]
        return rows[0] if "symbol" in parameters else rows

    def _funding_rate(self, parameters: Parameters) -> Any:
        now_ms = self._door.venue_ms()
        return [
            market_answers.funding_rate(one, self._published(one), now_ms)
            for one in self._contracts(parameters)
        ]

    def _asset_index(self, parameters: Parameters) -> Any:
        assets = self._world.assets_of(VENUE)
        if "symbol" not in parameters:
            return [market_answers.asset_index(self._world, asset) for asset in assets]
        asset = parameters["symbol"].removesuffix("USD")
        if asset not in assets:
            raise Refused(400, -1121, "Invalid symbol.")
        return market_answers.asset_index(self._world, asset)

    # --- account ----------------------------------------------------------------------------------

    def _brackets(self, _: Account, parameters: Parameters) -> Any:
        return [market_answers.leverage_bracket(contract) for contract in self._contracts(parameters)]

    def _told(self, account: Account, endpoint: str) -> AccountFigures:
        """The figures of an account as this endpoint tells them."""
        figures = figures_of(self._world, account)
        lie = self._faults.of_account(account.id).zero_balances
        return account_answers.empty_figures(figures) if lie in {endpoint, "everywhere"} else figures

    def _balance(self, account: Account, _: Parameters) -> Any:
        figures = self._told(account, "balance")
        return [account_answers.balance(figures, asset) for asset in figures.assets]

    def _risk_v3(self, account: Account, parameters: Parameters) -> Any:
        symbols = {contract.symbol for contract in self._contracts(parameters)}
        legs = self._told(account, "positionRisk").legs
        times = self._faults.of_account(account.id).orders.position
        return [
            position_answers.position_risk_v3(leg, times) for leg in legs if leg.position.symbol in symbols
        ]

    def _risk_v2(self, account: Account, parameters: Parameters) -> Any:
        figures = self._told(account, "positionRisk")
        return [
            row
            for contract in self._contracts(parameters)
            for row in position_answers.position_risk_v2(self._world, figures, contract)
        ]

    def _symbol_config(self, account: Account, parameters: Parameters) -> Any:
        return [
            account_answers.symbol_config(self._world, account, contract)
            for contract in self._contracts(parameters)
        ]

    # --- listen keys ------------------------------------------------------------------------------

    def _obtain(self, account: Account) -> Any:
        if self._faults.of_account(account.id).listen_key_refused:
            raise NO_LISTEN_KEY
        return {"listenKey": self._keys.obtain(account.id)}

    def _extend(self, account: Account) -> Any:
        if self._faults.of_account(account.id).listen_key_refused or not self._keys.extend(account.id):
            raise NO_LISTEN_KEY
        return {"listenKey": self._keys.obtain(account.id)}

    def _drop(self, account: Account) -> Any:
        self._keys.drop(account.id)
        return {}


def api_restrictions(account: Account) -> dict[str, Any]:
    """GET /sapi/v1/account/apiRestrictions: what the key may do"""
    return {
        "ipRestrict": True,
        "createTime": account.updated_ms,
        "enableReading": True,
        "enableWithdrawals": account.can_withdraw,
        "enableInternalTransfer": False,
        "enableMargin": False,
        "enableFutures": account.can_trade,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enableSpotAndMarginTrading": False,
        "enablePortfolioMarginTrading": False,
    }
