"""Each fault of a call does to a client what its name says."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from adapters.loopback import LoopbackExchange, World, standard_world
from monitor.clock import ManualClock
from tests.support.binance_calls import VENUE, Caller

pytestmark = pytest.mark.integration


@pytest.fixture
def caller(exchange: LoopbackExchange, http: aiohttp.ClientSession, world: World) -> Caller:
    """Signed calls for an account with one cross long."""
    account = world.add_account(VENUE, "alpha")
    world.set_wallet(account, "USDT", 10_000)
    world.set_position(account, "BTCUSDT", "0.5", 95_000)
    return Caller(exchange, http, account)


async def test_too_many_requests_become_a_ban(http: aiohttp.ClientSession) -> None:
    """A10: 429, then 418 for who goes on; calls in that time are counted; then it is over."""
    clock = ManualClock()
    async with LoopbackExchange(standard_world(VENUE, clock=clock), cadence=False) as exchange:
        caller = Caller(exchange, http, exchange.world.add_account(VENUE, "alpha"))
        exchange.faults.rate_limit(VENUE, retry_after_s=10)
        assert (await caller.get("/fapi/v3/account"))[0] == 429
        assert exchange.gate(VENUE).requests_while_blocked == 0
        clock.advance_s(9)
        assert (await caller.get("/fapi/v3/account"))[0] == 418
        clock.advance_s(19)
        assert (await caller.get("/fapi/v3/account"))[0] == 418
        assert exchange.gate(VENUE).requests_while_blocked == 2
        clock.advance_s(1)
        assert (await caller.get("/fapi/v3/account"))[0] == 200


async def test_refusals_carry_retry_after(caller: Caller, http: aiohttp.ClientSession) -> None:
    """Both refusals say in a header how many seconds to wait."""
    caller.exchange.faults.rate_limit(VENUE, retry_after_s=7)
    url = caller.exchange.endpoints(VENUE)["rest"] + "/fapi/v1/ping"
    for status, seconds in ((429, "7"), (418, "14")):
        async with http.get(url) as response:
            assert (response.status, response.headers["Retry-After"]) == (status, seconds)
            assert (await response.json())["code"] == -1003


async def test_a_broken_backend_answers_with_its_status(caller: Caller) -> None:
    """5xx until ended."""
    caller.exchange.faults.fail(VENUE, 502)
    assert (await caller.get("/fapi/v3/account"))[0] == 502
    caller.exchange.faults.fail(VENUE, None)
    assert (await caller.get("/fapi/v3/account"))[0] == 200


async def test_slow_answers_outlast_a_deadline(caller: Caller) -> None:
    """A delayed answer does not come in time."""
    caller.exchange.faults.slow(VENUE, 5.0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await caller.get("/fapi/v3/account")


async def test_a_cut_answer_breaks_off(caller: Caller) -> None:
    """A1: the body ends in the middle; the next one is whole."""
    caller.exchange.faults.cut_answers(VENUE)
    with pytest.raises(aiohttp.ClientError):
        await caller.get("/fapi/v3/account")
    assert (await caller.get("/fapi/v3/account"))[0] == 200


async def test_zero_balances_are_a_lie_of_one_endpoint(caller: Caller) -> None:
    """A2: the account endpoint shows nothing, the others the truth; or all of them lie."""

    async def told() -> tuple[str, int, str, int]:
        account = (await caller.get("/fapi/v3/account"))[1]
        balance = (await caller.get("/fapi/v3/balance"))[1]
        risk = (await caller.get("/fapi/v3/positionRisk"))[1]
        return account["totalWalletBalance"], len(account["positions"]), balance[0]["balance"], len(risk)

    truth, nothing = "10000.00000000", "0.00000000"
    caller.exchange.faults.zero_balances(caller.account.id)
    assert await told() == (nothing, 0, truth, 1)
    caller.exchange.faults.zero_balances(caller.account.id, everywhere=True)
    assert await told() == (nothing, 0, nothing, 0)
    caller.exchange.faults.true_balances(caller.account.id)
    assert await told() == (truth, 1, truth, 1)


async def test_a_rejected_key_hurts_one_account(
    caller: Caller, exchange: LoopbackExchange, http: aiohttp.ClientSession
) -> None:
    """A8: -2015 for this account, none of it for another."""
    other = Caller(exchange, http, exchange.world.add_account(VENUE, "beta"))
    exchange.faults.reject_key(caller.account.id)
    status, body = await caller.get("/fapi/v3/account")
    assert (status, body["code"]) == (401, -2015)
    assert (await other.get("/fapi/v3/account"))[0] == 200
