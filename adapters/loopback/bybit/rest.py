"""The REST face: routes, pages, and which answer belongs to which."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web

from adapters.loopback.amounts import ZERO, fixed, plain
from adapters.loopback.bybit import account_answers, market_answers
from adapters.loopback.bybit.auth import Doorkeeper, Refused, answer
from adapters.loopback.bybit.catalog import VENUE
from adapters.loopback.bybit.figures import AccountFigures, figures_of
from adapters.loopback.bybit.orders import NOT_KNOWN, OrderDesk
from adapters.loopback.faults import Faults
from adapters.loopback.gate import reset
from adapters.loopback.holdings import Account, Contract, Position, Quote
from adapters.loopback.world import World

Parameters = dict[str, str]
PublicAnswer = Callable[[Parameters], Any]
SignedAnswer = Callable[[Account, Parameters], Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

DEFAULT_ROWS, LARGEST_ROWS = 20, 200
CONTRACT_ROWS = 500
SYMBOLS_PER_PAGE = 15  # of risk-limit


class Cut(Exception):
    """The fault of a page that does not come: the connection is torn."""


class RestFace:
    """All REST paths of the venue."""

    def __init__(
        self, world: World, faults: Faults, door: Doorkeeper, published: Callable[[Contract], Quote]
    ) -> None:
        self._world = world
        self._faults = faults
        self._door = door
        self._published = published
        self._orders = OrderDesk(world, faults)

    def add_routes(self, application: web.Application) -> None:
        """Every path that we serve; the rest is 404."""
        for path, public in self._public().items():
            application.router.add_get(path, self._public_handler(public))
        for path, signed in self._signed().items():
            application.router.add_get(path, self._signed_handler(signed))
        application.router.add_post("/v5/order/create", self._create_order)

    def _public(self) -> dict[str, PublicAnswer]:
        return {
            "/v5/market/time": self._time,
            "/v5/market/instruments-info": self._instruments,
            "/v5/market/risk-limit": self._risk_limits,
            "/v5/market/tickers": self._tickers,
            "/v5/spot-margin-trade/collateral": self._collateral_ratios,
        }

    def _signed(self) -> dict[str, SignedAnswer]:
        return {
            "/v5/account/wallet-balance": self._wallet,
            "/v5/account/info": lambda who, _: account_answers.account_info(who),
            "/v5/account/collateral-info": self._collateral_info,
            "/v5/account/fee-rate": self._fee_rates,
            "/v5/spot-margin-trade/state": self._spot_margin_state,
            "/v5/position/list": self._positions,
            "/v5/order/realtime": self._orders.find,
            "/v5/order/history": self._orders.find,
            "/v5/user/query-api": lambda who, _: account_answers.api_key(who),
            "/v5/asset/transfer/query-account-coins-balance": self._coins_balance,
            "/v5/asset/coin/query-info": lambda _, __: {"rows": []},
        }

    # --- handlers ---------------------------------------------------------------------------------

    def _public_handler(self, make: PublicAnswer) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            return self._answered(lambda: make(dict(request.query)), request)

        return handle

    def _signed_handler(self, make: SignedAnswer) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            return self._answered(
                lambda: make(self._door.account_of_request(request), dict(request.query)), request
            )

        return handle

    async def _create_order(self, request: web.Request) -> web.StreamResponse:
        body = await request.text()
        try:
            account = self._door.account_of_request(request, body)
            placed = self._orders.place(account, body)
        except Refused as refused:
            return answer({}, self._door.venue_ms(), refused.code, refused.words)
        if self._orders.matching.is_due("cut_answers", account):
            return await reset(request)
        if self._orders.matching.is_due("lost_answers", account):
            return answer({}, self._door.venue_ms(), NOT_KNOWN.code, NOT_KNOWN.words)
        return answer(placed, self._door.venue_ms())

    def _answered(self, make: Callable[[], Any], request: web.Request) -> web.StreamResponse:
        now_ms = self._door.venue_ms()
        try:
            return answer(make(), now_ms)
        except Refused as refused:
            return answer({}, now_ms, refused.code, refused.words)
        except Cut:
            if request.transport is not None:
                request.transport.abort()
            return web.Response()

    def _paged(self, rows: Sequence[Any], parameters: Parameters, default: int, largest: int) -> Any:
        """A page of rows and the cursor of the next one; an odd cursor is refused."""
        asked, cursor = parameters.get("limit", str(default)), parameters.get("cursor", "0")
        if not asked.isdigit() or not cursor.isdigit():
            raise Refused(10001, "params error: cursor or limit")
        short = self._faults.of(VENUE).rows_per_page
        size = min(int(asked), largest) if short is None else short
        start = int(cursor)
        more = start + size < len(rows)
        page: dict[str, Any] = {
            "list": list(rows[start : start + size]),
            "nextPageCursor": str(start + size) if more else "",
        }
        return page | ({"category": parameters["category"]} if "category" in parameters else {})

    # --- market -----------------------------------------------------------------------------------

    def _time(self, _: Parameters) -> Any:
        now_ms = self._door.venue_ms()
        return {"timeSecond": str(now_ms // 1000), "timeNano": str(now_ms * 1_000_000)}

    def _contracts(self, parameters: Parameters) -> list[Contract]:
        """The linear contracts that a call means; other categories have none."""
        category = parameters.get("category")
        if category not in {"linear", "spot", "inverse", "option"}:
            raise Refused(10001, "params error: Category is invalid")
        if category != "linear":
            return []
        symbol = parameters.get("symbol")
        found = [one for one in self._world.contracts_of(VENUE) if symbol in {None, one.symbol}]
        if not found:
            raise Refused(10001, "params error: Symbol Is Invalid")
        return found

    def _spot_assets(self, parameters: Parameters) -> list[str]:
        symbol = parameters.get("symbol")
        assets = [asset for asset in self._world.assets_of(VENUE) if asset != "USDT"]
        return [asset for asset in assets if symbol in {None, f"{asset}USDT"}]

    def _instruments(self, parameters: Parameters) -> Any:
        if parameters.get("category") == "spot":
            rows = [market_answers.spot_pair(asset) for asset in self._spot_assets(parameters)]
        else:
            rows = [market_answers.contract(one) for one in self._contracts(parameters)]
        return self._paged(rows, parameters, CONTRACT_ROWS, 1000)

    def _risk_limits(self, parameters: Parameters) -> Any:
        """Pages of whole symbols."""
        rows = [market_answers.risk_limits(one) for one in self._contracts(parameters)]
        page = self._paged(
            rows, {**parameters, "limit": str(SYMBOLS_PER_PAGE)}, SYMBOLS_PER_PAGE, SYMBOLS_PER_PAGE
        )
        return {**page, "list": [row for symbol in page["list"] for row in symbol]}

    def _tickers(self, parameters: Parameters) -> Any:
        now_ms = self._door.venue_ms()
        if parameters.get("category") == "spot":
            assets = self._world.assets_of(VENUE)
            rows = [
                market_answers.spot_ticker(asset, assets[asset], assets["USDT"])
                for asset in self._spot_assets(parameters)
            ]
        else:
            contracts = self._contracts(parameters)
            rows = [market_answers.ticker(one, self._published(one), now_ms) for one in contracts]
        return {"category": parameters.get("category"), "list": rows}

    def _collateral_ratios(self, parameters: Parameters) -> Any:
        currency = parameters.get("currency")
        assets = self._world.assets_of(VENUE).items()
        return {
            "list": [
                market_answers.collateral_ratio(asset, price)
                for asset, price in assets
                if price.steps and currency in {None, asset}
            ]
        }

    # --- account ----------------------------------------------------------------------------------

    def _told(self, account: Account, everywhere: bool = False) -> AccountFigures:
        """The figures of an account as an endpoint tells them: wallet and positions may lie, or all may."""
        lie = self._faults.of_account(account.id).zero_balances
        if lie == "everywhere" or (lie and not everywhere):
            return AccountFigures(account, (), ())
        return figures_of(self._world, account)

    def _wallet(self, account: Account, parameters: Parameters) -> Any:
        if parameters.get("accountType") != "UNIFIED":
            raise Refused(10001, "accountType only support UNIFIED.")
        figures = self._told(account)
        wanted = parameters.get("coin", "")
        names = set(wanted.split(",")) if wanted else {coin.coin for coin in figures.coins}
        coins = tuple(coin for coin in figures.coins if coin.coin in names)
        return {"list": [account_answers.wallet(figures, coins)]}

    def _positions(self, account: Account, parameters: Parameters) -> Any:
        contracts = {one.symbol: one for one in self._contracts(parameters)}
        if parameters["category"] == "linear" and not {"symbol", "settleCoin"} & set(parameters):
            raise Refused(10001, "Missing some parameters that must be filled in, symbol or settleCoin")
        cut = self._faults.of_account(account.id).cut_after_pages
        rows_per_page = self._faults.of(VENUE).rows_per_page or DEFAULT_ROWS
        if cut is not None and int(parameters.get("cursor", "0")) >= cut * rows_per_page:
            raise Cut
        coin, times = parameters.get("settleCoin"), self._faults.of_account(account.id).orders.position
        rows = [
            account_answers.lied_about(account_answers.position(leg, streamed=False), times)
            for leg in self._told(account).legs
            if leg.position.symbol in contracts and coin in {None, leg.coin}
        ]
        if "symbol" in parameters and contracts and not rows:
            nothing = Position(parameters["symbol"], "", ZERO, ZERO)
            rows = [account_answers.empty_position(self._world, account, nothing, streamed=False)]
        return self._paged(rows, parameters, DEFAULT_ROWS, LARGEST_ROWS)

    def _collateral_info(self, _: Account, parameters: Parameters) -> Any:
        currency = parameters.get("currency")
        assets = self._world.assets_of(VENUE).items()
        return {
            "list": [
                market_answers.collateral_info(asset, price)
                for asset, price in assets
                if price.steps and currency in {None, asset}
            ]
        }

    def _fee_rates(self, _: Account, parameters: Parameters) -> Any:
        return {
            "list": [
                {
                    "symbol": one.symbol,
                    "baseCoin": "",
                    "takerFeeRate": plain(one.taker_fee),
                    "makerFeeRate": "0.0002",
                }
                for one in self._contracts(parameters)
            ]
        }

    def _spot_margin_state(self, account: Account, _: Parameters) -> Any:
        borrows = any(account.borrowed.values())
        return {
            "spotLeverage": "10",
            "spotMarginMode": "1" if borrows else "0",
            "effectiveLeverage": "1" if borrows else "0",
        }

    def _coins_balance(self, account: Account, _: Parameters) -> Any:
        return {
            "memberId": "1",
            "accountType": "UNIFIED",
            "balance": [
                {
                    "coin": coin.coin,
                    "walletBalance": fixed(coin.wallet, 8),
                    "transferBalance": fixed(coin.wallet, 8),
                    "bonus": "",
                }
                for coin in self._told(account, everywhere=True).coins
            ],
        }
