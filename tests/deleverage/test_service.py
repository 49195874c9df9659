"""From a pool in danger to a request that is asked once: over a real book, audit log and Redis."""

from __future__ import annotations

import asyncio

import pytest

from monitor.deleverage.audit import NAME
from monitor.deleverage.hooks import Answer, Taken
from tests.support.deleverage_stage import POOL, READY_S

pytestmark = pytest.mark.integration


async def test_a_critical_pool_becomes_one_request(stage):
    """The hook is asked once, with the plan; what it was asked is on the disk before it is asked."""
    stage.hook.on_ask = lambda: seen.append(len(stage.records("request")))
    seen: list[int] = []
    await stage.look()
    (request,) = stage.hook.asked
    assert seen == [1]
    assert (request.pool, request.dry_run, request.fence, request.attempt) == (POOL, False, 1, 1)
    assert [step.side for step in request.steps] == ["sell"]
    assert stage.records("request")[0].content["request"]["id"] == request.id
    for second in (1, 2, 3, 10):
        await stage.at(READY_S + second)
    assert len(stage.hook.asked) == 1


async def test_before_the_grace_and_without_a_person_nothing_is_asked(new):
    """Not armed at run time, then armed within the grace of the start: each is refused by its own guard."""
    made = new()
    await made.start()
    assert made.guards() == ["armed"]
    made.arm()
    await made.at(5)
    assert made.guards() == ["armed", "recovery"]
    await made.at(READY_S)
    assert len(made.hook.asked) == 1


async def test_a_dry_run_asks_and_says_so(new):
    """Without arming, confirming or caps the plan goes out as a dry run, again after the cooldown only."""
    made = new(dry_run=True, armed=False, most_action_usd=None)
    await made.start()
    assert [request.dry_run for request in made.hook.asked] == [True]
    assert any("armed" in word for word in made.records("request")[0].content["would_refuse"])
    await made.at(200)
    assert len(made.hook.asked) == 1
    await made.at(301)
    assert len(made.hook.asked) == 2
    assert made.actions.asked.pages.standing == {}


async def test_the_pool_is_not_asked_about_again_until_its_account_shows_the_end(stage):
    """After the request is void and the cooldown is over the next one is made, on the positions of then."""
    await stage.look()
    await stage.at(READY_S + 299)
    assert len(stage.hook.asked) == 1
    await stage.at(READY_S + 301)
    assert [request.attempt for request in stage.hook.asked] == [1, 2]
    assert len({request.id for request in stage.hook.asked}) == 2


async def test_a_stop_between_writing_and_sending_sends_nothing_twice(stage, monkeypatch):
    """What was written and never answered is of unknown end after a restart: looked for, not sent."""

    def dies(_: object) -> None:
        raise RuntimeError("killed here")

    monkeypatch.setattr(stage.actions, "_ask", dies)
    with pytest.raises(ExceptionGroup, match="unhandled"):
        await stage.look()
    assert len(stage.records("request")) == 1 and stage.hook.asked == []
    again = await stage.restarted()
    await again.start(READY_S + 1)
    again.arm()
    await again.at(READY_S + 130)
    (answer,) = again.records("answer")
    assert answer.content["state"] == "unknown"
    assert again.hook.asked == []
    assert again.guards()[-1] in ("in_flight", "cooldown")
    assert "unknown" in again.actions.asked.pages.standing[POOL].text
    await again.at(READY_S + 302)
    (second,) = again.hook.asked
    assert second.id != again.records("request")[0].content["request"]["id"]


async def test_an_unknown_answer_is_told_and_never_asked_again(stage):
    """A hook that may have acted is not asked again, and the desk is paged to look."""
    stage.hook.answer = Answer(Taken.UNKNOWN, "no answer within 5 s")
    await stage.look()
    await stage.at(READY_S + 10)
    assert len(stage.hook.asked) == 1
    assert "look before you act" in stage.actions.asked.pages.standing[POOL].text
    assert stage.metrics.registry.get_sample_value("margind_action_total", {"result": "unknown"}) == 1


@pytest.mark.parametrize(
    ("spoil", "guard"),
    [
        (lambda s: s.actions.known.kill_file.throw("test"), "kill"),
        (lambda s: setattr(s.actions, "armed", None), "armed"),
    ],
)
async def test_the_guards_are_asked_again_behind_the_disk(stage, monkeypatch, spoil, guard):
    """What changes while the request is written still stops it; it is written down as void."""
    write = stage.actions.known.trail.append

    async def writes(kind, by, content):
        record = await write(kind, by, content)
        if kind == "request":
            spoil(stage)
        return record

    monkeypatch.setattr(stage.actions.known.trail, "append", writes)
    await stage.look()
    assert stage.hook.asked == []
    assert [record.content["guard"] for record in stage.records("void")] == [guard]
    assert stage.actions.known.history.used(stage.clock.wall_ns(), 3600 * 10**9, "") == 0


async def test_without_redis_nothing_is_done(stage, store):
    """A frozen Redis is no right to act; when it is back, the grace begins anew."""
    store.freeze()
    await stage.look()
    assert stage.guards()[-1] in ("recovery", "fence")
    store.thaw()
    await stage.at(READY_S + 5)
    assert stage.hook.asked == []
    await stage.at(READY_S + 140)
    assert len(stage.hook.asked) == 1


async def test_two_daemons_do_not_both_act(stage, new, tmp_path):
    """The one without the lease is refused by the fence, however ready it is."""
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    other = new(other_folder)
    await other.start()
    other.arm()
    other.desk_at(READY_S)
    await asyncio.gather(stage.look(), other.look())
    assert len(stage.hook.asked) + len(other.hook.asked) == 1
    assert "fence" in other.guards() or "recovery" in other.guards()


async def test_a_stale_venue_triggers_nothing(stage):
    """Prices of before beside an account of now: the pool is UNKNOWN, nothing is planned on it, and the desk
    hears why."""
    await stage.at(READY_S + 60, reads=False)
    assert stage.hook.asked == []
    assert stage.guards() == ["armed", "band"]
    assert "UNKNOWN" in stage.actions.asked.pages.standing[POOL].text


async def test_a_mark_that_leaves_its_index_triggers_nothing(stage):
    """A fall that only the mark shows and the index does not is refused by the second source."""
    stage.price = 59_400.0
    await stage.at(READY_S, index=59_990.0)
    assert stage.hook.asked == []
    assert stage.guards()[-1] == "second_source"


async def test_a_pool_that_is_well_again_has_no_standing_page(stage):
    """What stood of a pool ends when it is out of danger."""
    stage.hook.answer = Answer(Taken.REFUSED, "HTTP 500")
    await stage.look()
    assert POOL in stage.actions.asked.pages.standing
    stage.money = "5000"
    await stage.at(READY_S + 10)
    assert stage.actions.asked.pages.standing == {}


async def test_a_damaged_audit_log_stops_everything(stage):
    """With a log that is not what was written no request is made, and that is told."""
    path = stage.folder / NAME
    stage.actions.known.trail._log.close()
    damaged = bytearray(path.read_bytes())
    damaged[30] ^= 1
    path.write_bytes(bytes(damaged))
    again = await stage.restarted()
    await again.start(READY_S)
    again.arm()
    await again.at(READY_S + 130)
    assert again.hook.asked == []
    texts = [word.text for word in again.actions.asked.pages.standing.values()]
    assert any("line 1" in text for text in texts)


async def test_the_caps_hold_over_requests_and_restarts(new):
    """What was asked for within the hour counts, also after a restart; the next plan fits into the rest."""
    made = new(most_hour_usd=40_000.0, most_action_usd=30_000.0, cooldown_s=60.0)
    made.money = "601"
    await made.ready()
    await made.look()
    again = await made.restarted()
    again.money = "601"
    await again.start(READY_S + 60)
    again.arm()
    for second in (200, 400, 600):
        await again.at(READY_S + second)
    asked = [sum(step.notional for step in r.steps) for r in (*made.hook.asked, *again.hook.asked)]
    assert len(asked) >= 2 and sum(asked) <= 40_000


async def test_an_unknown_end_is_looked_for(stage):
    """A stream can be asked: found there it is taken, and what is void and not there never arrived."""
    stage.hook.answer = Answer(Taken.UNKNOWN, "Redis broke off")
    stage.hook.arrived = False
    await stage.look()
    await stage.at(READY_S + 10)
    assert [record.content["state"] for record in stage.records("answer")] == ["unknown"]
    await stage.at(READY_S + 31)
    assert [record.content["state"] for record in stage.records("answer")] == ["unknown", "refused"]
    stage.hook.arrived = True
    await stage.at(READY_S + 301)
    await stage.at(READY_S + 302)
    states = [record.content["state"] for record in stage.records("answer")]
    assert states == ["unknown", "refused", "unknown", "taken"]
    assert len({request.id for request in stage.hook.asked}) == len(stage.hook.asked) == 2


async def test_a_hook_that_says_no_is_not_asked_twice_a_second(stage):
    """After a refusal by everybody the cooldown holds as after a request that was taken."""
    stage.hook.answer = Answer(Taken.REFUSED, "HTTP 400")
    for second in (0, 1, 2, 10, 299):
        await stage.at(READY_S + second)
    assert len(stage.hook.asked) == 1
    assert stage.actions.known.history.used(stage.clock.wall_ns(), 3600 * 10**9, "") == 0


async def test_a_second_fall_within_the_cooldown_is_told_again(stage):
    """A page that ended with the danger comes again with the next one, whatever was written of the first."""
    stage.actions.known.kill_file.throw("test")
    await stage.at(READY_S + 2)
    stage.money = "5000"
    await stage.at(READY_S + 4)
    assert stage.actions.asked.pages.standing == {}
    stage.money = "690"
    await stage.at(READY_S + 6)
    assert "kill" in stage.actions.asked.pages.standing[POOL].text
    assert stage.guards().count("kill") == 2


async def test_a_record_that_is_not_understood_stops_requests_and_not_the_daemon(stage):
    """A log of another release is trouble that is told, not a crash at each start."""
    await stage.actions.known.trail.append("request", "margind", {"request": {"id": 7}})
    again = await stage.restarted()
    await again.start(READY_S)
    again.arm()
    await again.at(READY_S + 130)
    assert again.hook.asked == []
    assert "not understood" in again.actions.known.trail.trouble
