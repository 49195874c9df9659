"""The real command against a real store and the loopback exchange, through real ccxt."""

from __future__ import annotations

import signal
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from alerts.failpoints import EXECUTOR
from monitor.deleverage.request import DeleverageRequest, Outcome, client_order_id
from tests.support.executing import PREFIX, SECOND_NS, Stage, a_step, stage
from tests.support.waiting import eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.mark.parametrize("venue", ["binance_usdm", "bybit"])
async def test_a_request_becomes_one_order(tmp_path: Path, venue: str) -> None:
    """One signed request: one reduce-only order of the derived id, filled, and its result is told."""
    async with stage(tmp_path, venue) as desk:
        await desk.start()
        request = desk.now()
        await desk.ask(request)
        (result,) = await desk.result()
    assert (result.state, result.filled, result.guard) == (Outcome.DONE, "0.5", "")
    assert [order.client_id for order in desk.account.orders] == [client_order_id(request.id, 1)]
    assert desk.account.orders[0].is_reduce_only


Change = Callable[[Stage, DeleverageRequest], DeleverageRequest]


def _replaced(**changed: object) -> Change:
    return lambda _, request: msgspec.structs.replace(request, **changed)


def _step(**changed: object) -> Change:
    def change(_: Stage, request: DeleverageRequest) -> DeleverageRequest:
        step = msgspec.structs.replace(request.steps[0], **changed)
        return msgspec.structs.replace(request, steps=(step,))

    return change


def _expired(_: Stage, request: DeleverageRequest) -> DeleverageRequest:
    return msgspec.structs.replace(
        request, created_ns=request.created_ns - 60 * SECOND_NS, expires_ns=request.created_ns - SECOND_NS
    )


def _file(desk: Stage, request: DeleverageRequest) -> DeleverageRequest:
    (desk.folder / "executor" / "KILL").touch()
    return request


REFUSED: list[tuple[str, Change]] = [
    ("dry_run", _replaced(dry_run=True)),
    ("supported", _replaced(shard="other")),
    ("account", _replaced(account="binance_usdm/beta", pool="binance_usdm/beta/cross-USDT")),
    ("plan", _replaced(steps=())),
    ("plan", _step(quantity="nan")),
    ("plan", _step(limit_price="1e999999")),
    ("plan", _step(expected_position="9" * 41)),
    ("expiry", _expired),
    ("fence", _replaced(fence=0)),
    ("symbol", _step(symbol="XRPUSDT", instrument="binance_usdm:XRPUSDT")),
    ("reduce_only", _step(side="buy")),
    ("position", _step(expected_position="4")),
    ("slippage", _step(limit_price="100.0")),
    ("caps", _step(quantity="2")),
    ("ratio", _replaced(ratio_before=0.99)),
    ("kill_switch", _file),
]


async def test_each_refusal_names_its_guard_and_nothing_is_placed(tmp_path: Path) -> None:
    """What one guard refuses is told with its name; no order comes of any of them."""
    async with stage(tmp_path) as desk:
        await desk.start()
        for number, (guard, change) in enumerate(REFUSED):
            request = change(desk, desk.now(incident=number + 1))
            await desk.ask(request)
            result = (await desk.result(number + 1))[-1]
            assert (result.request, result.state, result.guard) == (request.id, Outcome.REFUSED, guard), (
                result
            )
    assert desk.account.orders == []


async def test_the_switches_in_the_store_stop_everything(tmp_path: Path) -> None:
    """An old epoch, the kill switch, and no epoch at all: refused; lifted, the next request is done."""
    async with stage(tmp_path) as desk:
        await desk.start()
        await desk.set_fence(3)
        await desk.ask(desk.now(incident=1, fence=2))
        await desk.store.ask("SET", f"{PREFIX}:deleverage:kill", "by a person")
        await desk.ask(desk.now(incident=2, fence=3))
        assert [result.guard for result in await desk.result(2)] == ["fence", "kill_switch"]
        await desk.store.ask("DEL", f"{PREFIX}:deleverage:kill")
        await desk.store.ask("DEL", f"{PREFIX}:deleverage:fence")
        await desk.ask(desk.now(incident=3, fence=3))
        assert (await desk.result(3))[-1].guard == "fence"
        assert desk.account.orders == []
        await desk.set_fence(3)
        await desk.ask(desk.now(incident=4, fence=3))
        assert (await desk.result(4))[-1].state is Outcome.DONE
        await desk.set_fence(2)  # the store has lost its memory: the journal has not
        await desk.ask(desk.now(incident=5, fence=2))
        assert (await desk.result(5))[-1].guard == "fence"
    assert len(desk.account.orders) == 1


async def test_a_forged_request_is_not_read_and_a_copy_is_not_done_again(tmp_path: Path) -> None:
    """Another key's signature gets no answer; the same request twice gets the same result, and one order."""
    async with stage(tmp_path) as desk:
        await desk.start()
        request = desk.now()
        await desk.ask(request, key=b"somebody else's")
        await desk.ask(request)
        await desk.ask(request)
        await desk.ask(msgspec.structs.replace(request, reason="the same id, another plan"))
        await desk.ask(desk.now(incident=2))
        first, again, other = await desk.result(3)
    assert first == again
    assert first.state is Outcome.DONE
    assert other.guard == "position"  # half a bitcoin less than the second plan expects
    assert len(desk.account.orders) == 1


@pytest.mark.parametrize("cut", [False, True])
async def test_an_unknown_outcome_is_asked_for(tmp_path: Path, cut: bool) -> None:
    """Taken, and the answer lost: found by its id, told as done, and there once."""
    async with stage(tmp_path) as desk:
        desk.exchange.faults.lose_order_answers(desk.account.id, cut=cut)
        await desk.start()
        await desk.ask(desk.now())
        (result,) = await desk.result()
    assert result.state is Outcome.DONE
    assert len(desk.account.orders) == 1


async def test_an_order_that_never_came_is_not_sent_again(tmp_path: Path) -> None:
    """Lost on the way: refused once the venue would no longer take it, and no other is sent."""
    async with stage(tmp_path) as desk:
        desk.exchange.faults.lose_orders(desk.account.id)
        await desk.start()
        await desk.ask(desk.now())
        (result,) = await desk.result()
        posts = desk.exchange.gate("binance_usdm").requests["POST /fapi/v1/order"]
    assert (result.state, result.guard, result.why) == (
        Outcome.REFUSED,
        "venue",
        "the order never came to the venue",
    )
    assert (desk.account.orders, posts) == ([], 1)


async def test_steps_wait_for_each_other(tmp_path: Path) -> None:
    """A step that was filled in part ends the plan: the rest is refused with the guard that says so."""
    async with stage(tmp_path) as desk:
        desk.exchange.faults.fill_orders(desk.account.id, "0.5")
        await desk.start()
        request = desk.now()
        second = msgspec.structs.replace(request.steps[0], number=2, expected_position="1.5")
        await desk.ask(msgspec.structs.replace(request, steps=(*request.steps, second)))
        first, second_result = await desk.result(2)
    assert (first.state, first.filled) == (Outcome.PARTLY, "0.25")
    assert second_result.guard == "former_step"
    assert len(desk.account.orders) == 1


async def test_two_steps_are_two_orders_in_their_order(tmp_path: Path) -> None:
    """Each step beside the position that the one before has left."""
    async with stage(tmp_path) as desk:
        await desk.start()
        request = desk.now()
        second = msgspec.structs.replace(request.steps[0], number=2, expected_position="1.5")
        await desk.ask(msgspec.structs.replace(request, steps=(*request.steps, second)))
        results = await desk.result(2)
    assert [(result.step, result.state) for result in results] == [(1, Outcome.DONE), (2, Outcome.DONE)]
    assert desk.account.positions["BTCUSDT", ""].quantity == 1


async def test_a_fill_that_can_not_be_locks_the_account(tmp_path: Path) -> None:
    """More filled than was asked for: nothing more is done until a person releases the account."""
    async with stage(tmp_path) as desk:
        desk.exchange.faults.fill_orders(desk.account.id, 2)
        await desk.start()
        await desk.ask(desk.now())
        assert [result.guard for result in await desk.result()] == ["fill"]
        desk.exchange.faults.fill_orders(desk.account.id, 1)
        await desk.ask(desk.now(incident=2))
        assert (await desk.result(2))[-1].guard == "account"
    assert len(desk.account.orders) == 1


@pytest.mark.parametrize("lie", ["balances", "positions"])
async def test_a_venue_that_lies_is_not_acted_on(tmp_path: Path, lie: str) -> None:
    """Balances that are gone, positions of another size: refused, by name."""
    async with stage(tmp_path) as desk:
        if lie == "balances":
            desk.exchange.faults.zero_balances(desk.account.id, everywhere=True)
        else:
            desk.exchange.faults.lie_about_positions(desk.account.id, "0.5")
        await desk.start()
        await desk.ask(desk.now())
        (result,) = await desk.result()
    assert result.guard in {"ratio", "reduce_only", "position"}
    assert desk.account.orders == []


async def test_what_is_left_of_a_position_is_all_that_is_cut(tmp_path: Path) -> None:
    """A position that became smaller meanwhile is closed, and not turned over."""
    async with stage(tmp_path) as desk:
        desk.exchange.world.set_position(desk.account, "BTCUSDT", "0.48", leverage=20)
        await desk.start()
        request = desk.now(ratio_before=0.01)
        await desk.ask(_step(expected_position="0.5", quantity="0.5")(desk, request))
        (result,) = await desk.result()
    assert (result.state, result.filled) == (Outcome.DONE, "0.48")
    assert desk.account.positions == {}


async def test_a_store_that_is_gone_stops_everything_and_comes_back(tmp_path: Path) -> None:
    """No store, no action; when it answers again, requests are taken again."""
    async with stage(tmp_path) as desk:
        await desk.start()
        await desk.ask(desk.now())
        await desk.result()
        await desk.store.kill()
        await desk.store.start()
        await desk.set_fence(1)

        async def is_back() -> bool:
            groups = await desk.store.ask("EXISTS", f"{PREFIX}:executor")
            return bool(groups)

        await eventually(is_back, "the executor's group")
        step = a_step(expected_position="1.5", limit_price=desk.now().steps[0].limit_price)
        await desk.ask(desk.now(incident=2, steps=(step,)))
        (result,) = await desk.result()
        assert result.state is Outcome.DONE
    assert len(desk.account.orders) == 2


@pytest.mark.parametrize("failpoint", EXECUTOR)
async def test_a_kill_at_any_place_leaves_one_order(tmp_path: Path, failpoint: str) -> None:
    """SIGKILL there, and a start: at most one order of the id, exactly one unless the kill came between the
    intent and the sending, where nobody can know; and the result tells which."""
    async with stage(tmp_path) as desk:
        await desk.start(f"{failpoint}:kill")
        request = desk.now()
        await desk.ask(request)
        assert await desk.ended() == -signal.SIGKILL
        await desk.start()
        results = await desk.result()
        await desk.stop()
        held = desk.account.positions["BTCUSDT", ""].quantity
    orders = desk.account.orders_of(client_order_id(request.id, 1))
    is_lost = failpoint in {"intent_written", "order_sent"}
    assert len(orders) == (0 if is_lost else 1)
    assert {result.state for result in results} == {Outcome.REFUSED if is_lost else Outcome.DONE}
    assert held == (2 if is_lost else Decimal("1.5"))


async def test_two_executors_do_a_request_once(tmp_path: Path) -> None:
    """A second executor with a journal of its own that gets a copy leaves it to the first."""
    async with stage(tmp_path) as desk:
        first = await desk.start()
        request = desk.now()
        await desk.ask(request)
        await desk.result()
        text = desk.config.read_text().replace('"executor"', '"executor-2"')
        desk.config.write_text(text)
        await desk.stop()
        await desk.start()
        await desk.ask(request)
        await desk.ask(desk.now(incident=2, dry_run=True))
        results = await desk.result(2)
    assert first.returncode == 0
    assert [result.guard for result in results] == ["", "dry_run"]
    assert len(desk.account.orders) == 1
