"""Which notices leave next, and which together."""

from __future__ import annotations

from alerts.alert import AlertKey, Condition, Incident, Kind, Level, Notice
from alerts.group import arranged
from monitor.domain.identity import PoolId

TOLD_NS = 1


def _notice(
    pool: str,
    level: Level,
    kind: Kind = Kind.RAISED,
    *,
    condition: Condition = Condition.MARGIN,
    number: int = 1,
    occasion: int = 1,
    desk: str = "basis",
    received_ns: int | None = None,
) -> Notice:
    key = AlertKey(PoolId(f"binance_usdm/{pool}"), condition)
    return Notice(Incident(key, number, level, occasion, TOLD_NS, TOLD_NS), kind, desk, "", received_ns)


def _same(_: Notice) -> object:
    return "everybody"


def test_the_worst_leaves_first() -> None:
    """Level decides, then who came first."""
    notices = [
        _notice("a/x", Level.WARNING),
        _notice("b/x", Level.LIQUIDATION),
        _notice("c/x", Level.CRITICAL),
        _notice("d/x", Level.CRITICAL),
    ]
    order = [group[0].key.pool[-3] for group in arranged(notices, _same)]
    assert order == ["b", "c", "d", "a"]


def test_an_older_notice_of_a_key_never_leaves_after_a_newer_one() -> None:
    """The end of incident 1 leaves before the beginning of incident 2, though an end is the mildest thing."""
    notices = [
        _notice("a/x", Level.CLEAR, Kind.RESOLVED, occasion=2),
        _notice("a/x", Level.CRITICAL, number=2),
        _notice("b/x", Level.MARGIN_CALL),
    ]
    told = [(notice.key.pool[-3], notice.kind) for (notice,) in arranged(notices, _same)]
    assert told == [("a", Kind.RESOLVED), ("a", Kind.RAISED), ("b", Kind.RAISED)]


def test_what_a_newer_notice_says_as_well_is_not_told() -> None:
    """Raised and escalated before anybody was told is one page: at the worse level, of the first frame."""
    notices = [
        _notice("a/x", Level.WARNING, received_ns=5),
        _notice("a/x", Level.CRITICAL, Kind.ESCALATED, occasion=2, received_ns=9),
    ]
    ((told,),) = arranged(notices, _same)
    assert (told.kind, told.incident.level, told.incident.occasion) == (Kind.RAISED, Level.CRITICAL, 2)
    assert told.received_ns == 5


def test_an_end_does_not_hide_what_it_ends() -> None:
    """Raised and resolved in one breath is told as both, in this order."""
    notices = [
        _notice("a/x", Level.CRITICAL),
        _notice("a/x", Level.CLEAR, Kind.RESOLVED, occasion=2),
    ]
    assert [notice.kind for (notice,) in arranged(notices, _same)] == [Kind.RAISED, Kind.RESOLVED]


def test_pools_that_one_fault_made_unknown_leave_together() -> None:
    """Three or more of one venue and desk are one message; two are two; margin pages never share one."""
    unknown = [_notice(f"{name}/x", Level.CRITICAL, condition=Condition.UNKNOWN) for name in "abcd"]
    margin = [_notice(f"{name}/x", Level.CRITICAL) for name in "abcd"]
    assert sorted(map(len, arranged(unknown + margin, _same))) == [1, 1, 1, 1, 4]
    assert [len(group) for group in arranged(unknown[:2], _same)] == [1, 1]


def test_only_what_goes_to_the_same_people_leaves_together() -> None:
    """Another desk, or other receivers, is another message."""
    mine = [_notice(f"{name}/x", Level.CRITICAL, condition=Condition.UNKNOWN) for name in "abc"]
    theirs = [
        _notice(f"{name}/x", Level.CRITICAL, condition=Condition.UNKNOWN, desk="arbitrage") for name in "def"
    ]
    groups = arranged(mine + theirs, _same)
    assert [{notice.desk for notice in group} for group in groups] == [{"basis"}, {"arbitrage"}]
    assert len(arranged(mine, lambda notice: notice.key.pool)) == 3
