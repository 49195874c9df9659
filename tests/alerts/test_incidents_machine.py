"""The rules of incidents against random lives of two pools, restarts and crashes among them.

The oracle knows no incidents: it keeps what every condition wanted, second by second, and what the desk
was told.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from alerts.alert import Ack, AlertKey, Condition, Kind, Level, Notice, notification_id
from alerts.holding import INHIBITED, INHIBITING, Holding
from alerts.incidents import Incidents
from alerts.levels import OF_POOLS, levels_of
from alerts.route import Routing
from alerts.silences import Silences, silence_of
from monitor.config import Alerts
from monitor.config_duty import Escalation
from monitor.domain.assessment import RiskBand
from monitor.domain.identity import PoolId
from monitor.domain.turn import PoolState
from tests.support.alerting import ALPHA, BETA, SECOND_NS, a_state

TIMES = Alerts(resolve_after_s=30, repeat_after_s=600, unknown_after_s=9)
START_NS = 1_793_588_400 * SECOND_NS
HOLD_NS = 30 * SECOND_NS
STEPS_S = (100, 400)
ROUTING = Routing((), [Escalation(after_s, ("next",)) for after_s in STEPS_S])
known_bands = st.sampled_from([band for band in RiskBand if band is not RiskBand.UNKNOWN])
pools = st.sampled_from([ALPHA, BETA])


class Lives(RuleBasedStateMachine):
    """Two pools, a clock, a ledger that is a dictionary, and a desk with a good memory."""

    @initialize()
    def begin(self) -> None:
        """A first start with an empty ledger."""
        self.now_ns = 0
        self.states: dict[PoolId, PoolState] = {}
        self.kept: dict[AlertKey, Any] = {}  # the ledger: the newest incident of each key
        self.told: dict[AlertKey, list[Notice]] = {}
        self.ids: dict[str, Notice] = {}
        self.lost: set[str] = set()  # ids that a crash took before anybody was told
        self.wants: dict[AlertKey, list[tuple[int, Level | None]]] = {}  # since the start of this run
        self.had: dict[AlertKey, Ack] = {}  # the ledger: the newest acknowledgement of each key
        self.had_at: dict[AlertKey, int] = {}  # how much was told of it by then
        self.quiet: list[tuple[PoolId, int, int]] = []  # of which pool, from when to when
        self.silences = Silences()
        self._start()

    def _start(self) -> None:
        open_ = [incident for incident in self.kept.values() if incident.level > Level.CLEAR]
        numbers = {key: incident.number for key, incident in self.kept.items()}
        acks = self.had.values()
        self.incidents = Incidents(TIMES, open_, numbers, acks=acks, holding=Holding(self.silences, ROUTING))
        self.wants = {}
        self.started_ns = self.now_ns

    def _observe(self, state: PoolState) -> list[Notice]:
        self.states[state.pool] = state
        for condition, wanted in levels_of(state).items():
            key = AlertKey(state.pool, condition)
            self.wants.setdefault(key, []).append((self.now_ns, wanted))
        return self.incidents.observe(state, self.now_ns, START_NS + self.now_ns)

    def _tell(self, notices: list[Notice]) -> None:
        for notice in notices:
            self._judge(notice)
            self.kept[notice.key] = notice.incident
            self.told.setdefault(notice.key, []).append(notice)
            self.ids[notification_id(notice.incident)] = notice

    def _judge(self, notice: Notice) -> None:
        id_ = notification_id(notice.incident)
        assert id_ not in self.ids, "one id twice"
        if notice.kind in (Kind.RAISED, Kind.ESCALATED, Kind.REPEATED):
            assert self.wants[notice.key][-1][1] == notice.incident.level, "a level that is not so"
        elif notice.kind is Kind.UNACKNOWLEDGED:
            self._judge_unanswered(notice)
        else:
            self._judge_better(notice)
        before = self.kept.get(notice.key)
        level_before = before.level if before is not None else Level.CLEAR
        if notice.kind is not Kind.RESOLVED:
            assert not self._is_quiet(notice.key, notice.incident.level), "what a silence hides"
        if notice.kind not in (Kind.RESOLVED, Kind.EASED):
            assert not self._is_inhibited(notice.key, notice.incident.level), "less than what is told"
        ack = self.had.get(notice.key)
        if notice.kind is Kind.REPEATED and ack is not None and ack.number == notice.incident.number:
            assert any(  # something worse was told since, and nobody has that
                told.incident.told_ns >= ack.at_ns and told.incident.level > ack.level
                for told in self.told[notice.key]
            ), "what somebody has"
        rises = notice.kind in (Kind.RAISED, Kind.ESCALATED)
        assert (notice.incident.level > level_before) is rises
        assert (notice.kind is Kind.RAISED) is (rises and level_before is Level.CLEAR)

    def _judge_better(self, notice: Notice) -> None:
        """Held for all of the hold, or the first word of this run about it."""
        history = self.wants[notice.key]
        first_known = next((at for at, wanted in history if wanted is not None), None)
        if notice.key.condition is Condition.UNKNOWN:
            first_known = next((at for at, wanted in history if not wanted), None)
        if self.kept[notice.key].told_ns <= START_NS + self.started_ns and first_known == self.now_ns:
            return
        since_ns = self.now_ns - HOLD_NS
        assert since_ns >= self.started_ns
        earlier = [wanted for at, wanted in history if at <= since_ns][-1:]
        held = earlier + [wanted for at, wanted in history if at > since_ns]
        assert held and all(wanted is not None and wanted <= notice.incident.level for wanted in held)

    def _judge_unanswered(self, notice: Notice) -> None:
        """The next step, no sooner than its wait after the level was told, and nobody has it."""
        incident, before = notice.incident, self.kept[notice.key]
        assert incident.level == before.level >= Level.CRITICAL
        assert incident.reached_s == min(step for step in STEPS_S if step > before.reached_s)
        assert self._waits_s(notice.key) >= incident.reached_s, "too early"
        assert not self._is_had(notice.key), "what somebody has"

    def _waits_s(self, key: AlertKey) -> float:
        rises = [told for told in self.told[key] if told.kind in (Kind.RAISED, Kind.ESCALATED)]
        return (START_NS + self.now_ns - rises[-1].incident.told_ns) / SECOND_NS

    def _is_had(self, key: AlertKey) -> bool:
        ack, kept = self.had.get(key), self.kept[key]
        if ack is None or ack.number != kept.number or ack.level < kept.level:
            return False
        return all(told.incident.level <= ack.level for told in self.told[key][self.had_at[key] :])

    def _is_inhibited(self, key: AlertKey, level: Level) -> bool:
        others = (self.kept.get(AlertKey(key.pool, each)) for each in INHIBITING if each is not key.condition)
        worse = any(other is not None and other.level > level for other in others)
        return key.condition in INHIBITED and worse

    def _is_quiet(self, key: AlertKey, level: Level) -> bool:
        lasting = [pool for pool, from_ns, to_ns in self.quiet if from_ns <= self.now_ns < to_ns]
        return level < Level.CRITICAL and key.pool in lasting

    @rule(pool=pools, condition=st.sampled_from(OF_POOLS))
    def somebody_has_it(self, pool: PoolId, condition: Condition) -> None:
        """What is open is acknowledged; what is not can't be."""
        key = AlertKey(pool, condition)
        ack = self.incidents.acknowledge(key, "kim", START_NS + self.now_ns)
        kept = self.kept.get(key)
        assert (ack is not None) is (kept is not None and kept.level > Level.CLEAR)
        if ack is not None and kept is not None:
            assert (ack.number, ack.level) == (kept.number, kept.level)
            self.had[key] = ack
            self.had_at[key] = len(self.told[key])

    @rule(pool=pools, seconds=st.sampled_from([1, 35, 700]))
    def hush(self, pool: PoolId, seconds: int) -> None:
        """Somebody wants to hear nothing of a pool."""
        number, wall_ns = len(self.quiet), START_NS + self.now_ns
        words = (f"pool={pool}",), "kim", "known", seconds
        self.silences.put(silence_of(f"s{number}", *words, longest_s=3_600, wall_ns=wall_ns))
        self.quiet.append((pool, self.now_ns, self.now_ns + seconds * SECOND_NS))

    @precondition(lambda self: self.quiet)
    @rule(data=st.data())
    def end_a_silence(self, data: st.DataObject) -> None:
        """Before its time; a silence that has ended can't be ended."""
        number = data.draw(st.integers(0, len(self.quiet) - 1))
        pool, from_ns, to_ns = self.quiet[number]
        ended = self.silences.ended(f"s{number}", START_NS + self.now_ns)
        assert (ended is not None) is (self.now_ns < to_ns)
        if ended is not None:
            self.silences.put(ended)
            self.quiet[number] = (pool, from_ns, self.now_ns)
            self._tell(self.incidents.tick(self.now_ns, START_NS + self.now_ns))

    @rule(
        pool=pools,
        band=known_bands,
        deficit=st.booleans(),
        margin_error=st.booleans(),
        venue=known_bands,
    )
    def become_known(
        self, pool: PoolId, band: RiskBand, deficit: bool, margin_error: bool, venue: RiskBand
    ) -> None:
        """The pool stands somewhere."""
        self._tell(
            self._observe(
                a_state(pool, band, deficit=deficit, margin_error_open=margin_error, venue_band=venue)
            )
        )

    @rule(pool=pools, age_s=st.integers(0, 30))
    def become_unknown(self, pool: PoolId, age_s: int) -> None:
        """Nothing can be said of the pool; an UNKNOWN that goes on keeps its beginning."""
        held = self.states.get(pool)
        if held is None or held.band is not RiskBand.UNKNOWN:
            began_ns = self.now_ns - age_s * SECOND_NS
            held = a_state(pool, RiskBand.UNKNOWN, unknown_since_ns=began_ns, unknown_seen_ns=self.now_ns)
        self._tell(self._observe(held))

    @rule(tenths=st.sampled_from([1, 10, 40, 90, 100, 290, 300, 310, 6000]))
    def let_time_pass(self, tenths: int) -> None:
        """And look, as the service does four times a second."""
        end_ns = self.now_ns + tenths * SECOND_NS // 10
        while self.now_ns < end_ns:
            self.now_ns = min(end_ns, self.now_ns + 10 * SECOND_NS)
            self._tell(self.incidents.tick(self.now_ns, START_NS + self.now_ns))

    @rule()
    def restart(self) -> None:
        """With everything as it was, and everything written: not a word."""
        self._start()
        for state in list(self.states.values()):
            inhibited = {each for each in self.kept if self._is_inhibited(each, self.kept[each].level)}
            open_before = {key for key, incident in self.kept.items() if incident.level > Level.CLEAR}
            notices = self._observe(state)
            self._tell(notices)
            for notice in notices:  # only what was being held back before may come out now
                expected = (Kind.RESOLVED, Kind.EASED, Kind.RAISED)
                assert notice.kind in expected or notice.key in inhibited
                if notice.kind is Kind.RAISED:
                    assert notice.key not in open_before
        self._tell(self.incidents.tick(self.now_ns, START_NS + self.now_ns))

    @rule(pool=pools, band=known_bands)
    def crash_before_it_is_written(self, pool: PoolId, band: RiskBand) -> None:
        """What was decided and not recorded is decided again, raised and resolved under the same id."""
        lost = self._observe(a_state(pool, band))
        self._start()
        again: list[Notice] = []
        for state in list(self.states.values()):
            again += self._observe(state)
        said = {notification_id(notice.incident) for notice in again}
        for notice in lost:
            if notice.kind is not Kind.EASED:
                assert notification_id(notice.incident) in said
        self._tell(again)
        self._tell(self.incidents.tick(self.now_ns, START_NS + self.now_ns))

    @rule(pool=pools)
    def vanish(self, pool: PoolId) -> None:
        """The pool is gone: every open incident of it is resolved, and nothing else is said."""
        open_ = {i.key for i in self.incidents.open if i.key.pool == pool}
        notices = self.incidents.forget(pool, "gone", START_NS + self.now_ns)
        assert {notice.key for notice in notices} == open_
        for notice in notices:
            assert notice.kind is Kind.RESOLVED
            self.kept[notice.key] = notice.incident
            self.ids[notification_id(notice.incident)] = notice
        self.states.pop(pool, None)
        for condition in OF_POOLS:
            self.wants.pop(AlertKey(pool, condition), None)

    @invariant()
    def worse_is_never_late(self) -> None:
        """The desk has been told of every level that is so now, or of a worse one."""
        for key, history in self.wants.items():
            at_ns, wanted = history[-1]
            if not wanted:
                continue
            told = self.kept.get(key)
            if key.condition is Condition.UNKNOWN and not self._is_due(key):
                continue
            if self._is_quiet(key, wanted) or self._is_inhibited(key, wanted):
                continue
            assert told is not None and told.level >= wanted, f"{key} wants {wanted} since {at_ns}"

    def _is_due(self, key: AlertKey) -> bool:
        state = self.states[key.pool]
        assert state.unknown_since_ns is not None and state.unknown_seen_ns is not None
        due_ns = max(state.unknown_since_ns + 9 * SECOND_NS, state.unknown_seen_ns + 4 * SECOND_NS)
        return self.now_ns >= due_ns

    @invariant()
    def nobody_waits_for_an_answer_in_vain(self) -> None:
        """What is critical and acknowledged by nobody is with everybody whose wait is over."""
        for key, incident in self.kept.items():
            history = self.wants.get(key)
            if incident.level < Level.CRITICAL or not history or self._is_had(key):
                continue
            if self._is_inhibited(key, incident.level):  # the worse one has steps of its own
                continue
            wanted = history[-1][1]
            if wanted is not None and wanted != incident.level:
                continue
            overdue = [step for step in STEPS_S if step <= self._waits_s(key)]
            assert incident.reached_s >= max(overdue, default=0), key

    @invariant()
    def what_is_open_is_what_was_told(self) -> None:
        """Open incidents are those whose newest notice was no resolution."""
        kept = {key for key, incident in self.kept.items() if incident.level > Level.CLEAR}
        assert {incident.key for incident in self.incidents.open} == kept


TestLives = Lives.TestCase
