"""Silences: what matchers match, what is refused, what a silence hides and until when."""

from __future__ import annotations

import pytest

from alerts.alert import AlertKey, Condition, Level
from alerts.silences import BadSilence, Silence, Silences, labels_of, matcher_of, silence_of
from monitor.domain.identity import PoolId
from tests.support.alerting import SECOND_NS

KEY = AlertKey(PoolId("bybit/bravo/unified"), Condition.MARGIN)
LABELS = labels_of(KEY, "carry", Level.WARNING)
DAY_S = 86_400


def asked(*matchers: str, seconds: float = 3_600, **changes: str) -> Silence:
    """A silence from the second 1,000 on."""
    words = {"author": "kim", "reason": "moving collateral"} | changes
    return silence_of("a1", matchers, **words, seconds=seconds, longest_s=DAY_S, wall_ns=1_000 * SECOND_NS)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("venue=bybit", True),
        ('venue="bybit"', True),
        ("venue=byb", False),
        ("venue!=bybit", False),
        ("venue!=okx", True),
        ('account =~ "bybit/.*"', True),
        ("account=~bravo", False),  # the whole value
        ("account!~bybit/(alpha|beta)", True),
        ("pool=bybit/bravo/unified", True),
        ("desk=carry", True),
        ("condition=margin", True),
        ("level=~warning|margin_call", True),
        ("level!=warning", False),
    ],
)
def test_a_matcher_compares_or_matches_the_whole_value(text: str, holds: bool) -> None:
    """The four signs of Alertmanager, quoted or not."""
    assert matcher_of(text).holds(LABELS) is holds
    assert matcher_of(str(matcher_of(text))) == matcher_of(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("bybit", "is no matcher: write"),
        ("", "is no matcher"),
        ("colour=red", "colour is no label of an alert: there are venue, account, pool"),
        ("account=~[", "is no regular expression"),
        ("account=~(a+)+b", "branches too much"),
        ("account=~.*.*.*.*x", "branches too much"),
        ("pool=~" + "a?" * 28 + "a" * 28, "branches too much"),
        ("pool=~" + "(a|a)" * 26 + "b", "branches too much"),
        ("venue=" + "x" * 300, "is no matcher"),
    ],
)
def test_what_is_no_matcher_is_refused(text: str, words: str) -> None:
    """With what would be right; and nothing that could keep the daemon busy for hours."""
    with pytest.raises(BadSilence, match=words):
        matcher_of(text)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"author": " "}, "needs its author"),
        ({"reason": ""}, "needs its reason"),
        ({"reason": "x" * 201}, "needs its reason, in at most 200"),
        ({"seconds": 0.0}, "lasts at most 86400 seconds"),
        ({"seconds": DAY_S + 1.0}, "alerts.silence_longest_s"),
        ({"seconds": float("nan")}, "lasts at most"),
    ],
)
def test_a_silence_has_author_reason_and_end(change: dict[str, object], words: str) -> None:
    """Each is asked for, and no silence is longer than the config lets it be."""
    with pytest.raises(BadSilence, match=words):
        asked("venue=bybit", **change)  # type: ignore[arg-type]


def test_a_silence_of_everything_is_refused() -> None:
    """There is a matcher at least."""
    with pytest.raises(BadSilence, match="give a matcher"):
        asked()


def test_it_hides_what_fits_all_matchers_while_it_lasts() -> None:
    """From its beginning up to its end, which is outside."""
    silences = Silences([asked("venue=bybit", "condition=margin", seconds=10)])
    seconds = (999, 1_000, 1_009.9, 1_010)
    found = [silences.hiding(KEY, "carry", Level.WARNING, round(at * SECOND_NS)) for at in seconds]
    assert [silence is not None for silence in found] == [False, True, True, False]
    other = AlertKey(KEY.pool, Condition.UNKNOWN)
    assert silences.hiding(other, "carry", Level.WARNING, 1_001 * SECOND_NS) is None


@pytest.mark.parametrize("may", [False, True])
def test_what_is_critical_is_hidden_where_the_config_says_so(may: bool) -> None:
    """Not by default, whatever the matchers say."""
    silences = Silences([asked("venue=bybit")], may_hide_critical=may)
    for level in (Level.CRITICAL, Level.LIQUIDATION):
        assert (silences.hiding(KEY, "carry", level, 1_001 * SECOND_NS) is not None) is may


def test_one_that_is_ended_hides_nothing_more() -> None:
    """And can't be ended twice; one that has ended is forgotten."""
    silences = Silences([asked("venue=bybit")])
    now_ns = 1_005 * SECOND_NS
    ended = silences.ended("a1", now_ns)
    assert ended is not None and ended.ends_ns == now_ns
    silences.put(ended)
    assert silences.hiding(KEY, "carry", Level.WARNING, now_ns) is None
    assert silences.ended("a1", now_ns) is None
    assert silences.ended("none", now_ns) is None
    assert silences.lasting(now_ns) == ()
