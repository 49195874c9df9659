"""What a desk reads: the right figures in the right words, and an answer for every input."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.alert import Condition, Kind, Level
from alerts.message import HEADLINE_LIMIT, document, headline, lines
from alerts.wording import age, amount, money, number, percent, plain, ratio, utc
from monitor.domain.assessment import Reason, RescueOption, RiskBand, UnderlyingMove
from monitor.domain.identity import InstrumentId, PoolId
from tests.support.notifications import (
    HOSTILE,
    POOL,
    a_contributor,
    a_large_notification,
    a_notification,
    an_assessment,
    hostile_notifications,
    hostile_text,
)


def line_of(notification, start: str) -> str:
    """The one line that starts so."""
    [found] = [line for line in lines(notification) if line.startswith(start)]
    return found


def test_a_headline_is_level_place_ratio_and_move() -> None:
    """One line says how bad it is, where, and what kills it."""
    assert (
        headline(a_notification())
        == "CRITICAL binance_usdm/alpha/cross-USDT: margin ratio 0.87, BTC -1.9 % liquidates"
    )


def test_the_whole_message_of_a_critical_page() -> None:
    """The lines hold everything that the reader needs, worst first, in the venue's precision."""
    assert lines(a_notification()) == [
        "state: margin raised, level critical, band now critical, margin ratio 0.87",
        "desk basis, account alpha, pool cross-USDT, venue binance_usdm",
        "detail: ratio 0.87 crossed 0.85",
        "distance: BTC -1.9 % liquidates; the other way +12.1 %",
        (
            "liquidation price: BTCUSDT 58,912.3 at mark 60,012.5 (-1.8 %), "
            "by the venue's convention: other prices held"
        ),
        "time left: not known yet, for its prices were seen for less than ten minutes, or stood still",
        "back to clear: add 1,234.50 USDT -> ratio 0.47",
        (
            "back to clear: cut 0.293 of 1.000 BTCUSDT (29 %) -> ratio 0.47, costs 8.79 USDT, "
            "frees 70.33 USDT of maintenance margin"
        ),
        "costs: taker fees and what a way costs; spread and depth come on top, for no order book is read",
        (
            "weighs: BTCUSDT 1.000 at mark 60,012.5, maintenance margin 240.05 USDT, "
            "unrealised profit -1,200.00 USDT"
        ),
        "margin: equity 275.10 USDT, maintenance margin 239.30 USDT, headroom 35.80 USDT",
        "the venue says: marginRatio 0.8692, maintenance margin 239.10 USDT, on our scale ratio 0.87",
        "margin error: ours against the venue's differs by 0.010 %",
        "data age: prices 0.8 s, account 12.1 s, as of 2026-11-02T03:00:00Z",
        f"told: 2026-11-02T03:00:01Z, incident 3, notice 2, id {a_notification().id}",
    ]


@pytest.mark.parametrize(
    ("kind", "level", "start"),
    [
        (Kind.RAISED, Level.MARGIN_CALL, "MARGIN CALL "),
        (Kind.ESCALATED, Level.LIQUIDATION, "LIQUIDATION "),
        (Kind.EASED, Level.WARNING, "EASED to WARNING "),
        (Kind.REPEATED, Level.CRITICAL, "STILL CRITICAL "),
        (Kind.RESOLVED, Level.CLEAR, "RESOLVED "),
    ],
)
def test_the_first_word_says_why_it_is_told(kind, level, start) -> None:
    """A resolution, an easing and a repetition are not mistaken for a new page."""
    assert headline(a_notification(kind=kind, level=level)).startswith(f"{start}{POOL}: ")


def test_a_resolution_says_where_the_pool_stands() -> None:
    """A resolved incident tells the band and ratio of now."""
    assessment = an_assessment(band=RiskBand.CLEAR, margin_ratio=0.31)
    assert headline(a_notification(assessment, kind=Kind.RESOLVED, level=Level.CLEAR)).endswith(
        ": margin ratio 0.31, band clear"
    )


@pytest.mark.parametrize("condition", [one for one in Condition if one is not Condition.LEDGER])
def test_an_unknown_pool_shows_no_figure(condition) -> None:
    """While a pool is UNKNOWN the last known figures are never shown as current, under any condition."""
    assessment = an_assessment(band=RiskBand.UNKNOWN, reasons=Reason.STALE | Reason.GAP)
    page = a_notification(assessment, condition=condition, detail="BTCUSDT mark silent")
    told = "\n".join((headline(page), *lines(page)))
    assert not any(figure in told for figure in ("0.87", "275.1", "239.", "-1.9", "58,912", "1,234", "0.010"))
    assert "stale, gap" in told
    assert "BTCUSDT mark silent" in told
    body = document(page)
    assert body["assessment"]["band"] == "UNKNOWN"
    assert body["assessment"]["reasons"] == ["stale", "gap"]
    assert (
        body["assessment"]["ratio"] is body["assessment"]["equity"] is body["assessment"]["deficit"] is None
    )
    assert body["assessment"]["venue_reported"] is None
    assert body["contributors"] == body["moves"] == body["rescue"] == []


def test_an_unknown_page_says_so_first() -> None:
    """UNKNOWN has its reasons and detail in the headline, and the age of the data below."""
    assessment = an_assessment(band=RiskBand.UNKNOWN, reasons=Reason.REJECTED, price_age_s=None)
    page = a_notification(assessment, condition=Condition.UNKNOWN, detail="key refused")
    assert headline(page) == f"UNKNOWN (CRITICAL) {POOL}: margin not known (rejected), key refused"
    assert line_of(page, "data age:").startswith("data age: prices not known, account 12.1 s")


def test_a_pool_that_can_not_be_described_is_still_told_of() -> None:
    """A page about a pool that has gone keeps its place, level and detail."""
    page = a_notification(described=False)
    assert headline(page) == f"CRITICAL {POOL}: margin ratio not known (no assessment)"
    assert "figures: none, the pool was not there to be described" in lines(page)
    assert document(page)["assessment"] is None


def test_a_deficit_has_its_own_words() -> None:
    """Negative equity with nothing left to liquidate is no margin ratio."""
    assessment = an_assessment(equity=-1234.567, maintenance_margin=0.0, margin_ratio=0.0, deficit=True)
    page = a_notification(assessment, condition=Condition.DEFICIT)
    assert headline(page) == f"CRITICAL {POOL}: deficit, equity -1,234.57 USDT, nothing left to liquidate"


def test_a_margin_error_has_its_own_words() -> None:
    """When ours and the venue's do not agree, neither is to be trusted."""
    page = a_notification(an_assessment(margin_error=0.0321), condition=Condition.MARGIN_ERROR)
    assert headline(page) == (
        f"CRITICAL {POOL}: our margin and the venue's do not agree, they differ by 3.2 %, trust neither"
    )


def test_a_worse_figure_of_the_venue_stands_beside_ours() -> None:
    """The venue's figure is told on our scale beside ours, and in the venue's own word below."""
    page = a_notification(
        an_assessment(margin_ratio=0.45, venue_margin_ratio=0.93), condition=Condition.VENUE_WORSE
    )
    assert headline(page) == (
        f"CRITICAL {POOL}: the venue's own figure is worse than ours, 0.93 on our scale; "
        "our margin ratio 0.45"
    )
    assert "marginRatio 0.8692" in line_of(page, "the venue says:")


def test_trouble_of_the_daemon_itself_misses_no_figures() -> None:
    """A damaged ledger is about no pool: the detail counts, and no figure is said to be missing."""
    page = a_notification(
        condition=Condition.LEDGER, pool="margind/main/ledger", detail="row 7 is damaged", described=False
    )
    assert headline(page) == (
        "CRITICAL margind/main/ledger: the record of what was told is damaged or not kept, row 7 is damaged"
    )
    assert not any("ratio" in line or "figures" in line for line in lines(page))


def test_one_message_for_many_pools_names_them() -> None:
    """A fault of a whole venue is one message: how many, which, and why, without figures."""
    others = tuple(PoolId(f"binance_usdm/a{n}/cross-USDT") for n in range(70))
    page = a_notification(condition=Condition.UNKNOWN, detail="venue silent", described=False, others=others)
    assert headline(page) == (
        "UNKNOWN (CRITICAL) 71 pools of binance_usdm, desk basis: margin not known, venue silent"
    )
    named = [line for line in lines(page) if line.startswith("also: ")]
    assert named[0] == "also: binance_usdm/a0/cross-USDT"
    assert named[60:] == ["also: 10 more"]
    assert document(page)["others"] == list(others)


def test_nothing_left_to_divide_by_is_said_in_words() -> None:
    """Equity at or below zero has no ratio, and reads as past liquidation."""
    assessment = an_assessment(equity=-5.0, margin_ratio=None, band=RiskBand.LIQUIDATION)
    assert headline(a_notification(assessment, level=Level.LIQUIDATION)) == (
        f"LIQUIDATION {POOL}: margin ratio past 1, equity -5.00 USDT is not above zero, "
        "at or past liquidation now"
    )


def test_the_liquidation_price_is_that_of_the_nearest_position() -> None:
    """The position whose own liquidation price is nearest to its mark matters most."""
    far = a_contributor(liquidation_price=10_000.0)
    near = a_contributor(
        instrument=InstrumentId("binance_usdm:XRPUSDT"),
        side="short",
        mark_price=2.1234,
        liquidation_price=2.15,
        price_digits=4,
    )
    page = a_notification(an_assessment(contributors=(far, near)))
    assert line_of(page, "liquidation price:").startswith(
        "liquidation price: XRPUSDT short 2.1500 at mark 2.1234 (+1.3 %)"
    )


def test_a_hedged_book_names_the_nearer_of_both_moves() -> None:
    """The nearer liquidating move may be a rise."""
    page = a_notification(an_assessment(moves=(UnderlyingMove("SOL", -20.0, 4.44),)))
    assert headline(page).endswith("SOL +4.4 % liquidates")
    assert line_of(page, "distance:") == "distance: SOL +4.4 % liquidates; the other way -20.0 %"


def test_three_contributors_are_shown_and_the_others_counted() -> None:
    """The worst three are told, and how many more there are."""
    page = a_notification(an_assessment(contributors=tuple(a_contributor() for _ in range(1203))))
    shown = [line for line in lines(page) if line.startswith("weighs:")]
    assert len(shown) == 4
    assert shown[-1] == "weighs: and 1,200 more"


def test_a_cut_of_a_hedged_leg_names_its_side() -> None:
    """A leg of hedge mode is cut by its own side and size, whatever slashes a symbol holds."""
    leg = a_contributor(
        instrument=InstrumentId("ccxt:gate:BTC/USDT:USDT"), side="short", quantity=-2.5, quantity_digits=1
    )
    option = RescueOption("cut", "ccxt:gate:BTC/USDT:USDT/short", 0.5, 0.2, 0.4999, 1)
    page = a_notification(an_assessment(contributors=(leg,), rescue=(option,)))
    assert line_of(page, "back to clear:") == (
        "back to clear: cut 0.5 of 2.5 BTC/USDT:USDT short (20 %) -> ratio 0.50, cost not known"
    )


def test_a_document_has_numbers_as_numbers() -> None:
    """Programs get floats, null for what is not known, UTC times, and the pool in its parts."""
    body = document(a_notification(an_assessment(price_age_s=None, margin_error=math.nan)))
    assert (body["schema"], body["kind"], body["level"], body["condition"]) == (
        1,
        "raised",
        "critical",
        "margin",
    )
    assert body["pool"] == {
        "id": POOL,
        "venue": "binance_usdm",
        "account": "alpha",
        "name": "cross-USDT",
    }
    assert body["created"] == "2026-11-02T03:00:01Z"
    assert body["assessment"]["equity"] == 275.1
    assert body["assessment"]["headroom"] == pytest.approx(35.8)
    assert body["assessment"]["price_age_s"] is body["assessment"]["margin_error"] is None
    assert body["contributors"][0]["liquidation_price"] == 58_912.3
    assert body["contributors"][0]["venue_liquidation_price"] == 58_912.0
    assert [move["underlying"] for move in body["moves"]] == ["BTC", "ETH"]
    assert body["rescue"][1] == {
        "action": "cut",
        "target": "binance_usdm:BTCUSDT",
        "amount": 0.293,
        "fraction": 0.293,
        "ratio_after": 0.47,
        "cost": 8.79,
        "worth": 17_583.66,
        "margin_freed": 70.33,
        "equity_gained": -8.79,
        "from": None,
        "takes_s": None,
        "is_late": False,
        "giver_ratio_after": None,
    }
    assert body["cut"] == {"contributors": 0, "moves": 0, "rescue": 0, "deadlines": 0}


def test_a_document_is_bounded_and_counts_the_rest() -> None:
    """However large a pool is, its document holds fifty of each and says how many are missing."""
    body = document(a_large_notification(400))
    assert [len(body[name]) for name in ("contributors", "moves", "rescue")] == [50, 50, 50]
    assert body["cut"] == {"contributors": 350, "moves": 350, "rescue": 350, "deadlines": 0}


@given(hostile_notifications)
def test_every_notification_has_a_message(page) -> None:
    """Whatever stands in names and figures: single printable lines, bounded, and strict JSON without NaN."""
    told = [headline(page), *lines(page)]
    assert all(line.isprintable() and line for line in told)
    assert len(told[0]) <= HEADLINE_LIMIT + 40
    assert max(map(len, told)) < 1000
    assert len(told) < 100
    json.dumps(document(page), allow_nan=False).encode()


@given(hostile_text, st.integers(0, 50))
def test_foreign_text_stays_on_its_line(text, limit) -> None:
    """No control character, escape, surrogate or line end is left, and the cut is counted."""
    shown = plain(text, limit)
    assert shown.isprintable()
    assert plain(shown, 10_000) == shown
    if len(shown) > limit:
        assert shown.endswith(" characters cut)")


@pytest.mark.parametrize("text", HOSTILE)
def test_the_hostile_corpus_reads_as_text(text) -> None:
    """Each entry becomes one printable line that can be written as UTF-8."""
    plain(text).encode()
    assert plain(text).isprintable()


def test_an_escape_is_removed_with_its_parameters() -> None:
    """What a terminal would have obeyed is gone whole; what follows an unfinished one is kept."""
    assert plain("a\x1b[2J\x1b[31mred\x1b]0;title\x07b") == "aredb"
    assert plain("\x90mark silent") == "mark silent"
    assert plain("x" * 305) == "x" * 300 + "... (5 characters cut)"


def test_a_megabyte_of_text_is_cut_before_it_is_read() -> None:
    """The length of foreign text does not hold up the loop, and the count still tells all of it."""
    assert plain("N" * 1_000_000, 10) == "N" * 10 + "... (999,990 characters cut)"


@given(st.floats(0, 0.9999999))
def test_a_ratio_below_one_never_reads_as_one(value) -> None:
    """Rounding for people must not turn close into liquidated."""
    assert float(ratio(value)) < 1


@given(st.floats(1.0000001, 1000))
def test_a_ratio_above_one_never_reads_as_one(value) -> None:
    """Nor liquidated into exactly there."""
    assert float(ratio(value).replace(",", "")) > 1


def test_how_figures_are_written() -> None:
    """Thousands separators, the venue's decimals, units, and words for what is no number."""
    assert number(1234567.891, 2) == "1,234,567.89"
    assert number(math.nan, 2) == number(None, 2) == number(math.inf, 2) == "not known"
    assert number(1e300, 8) == "1e+300"
    assert amount(1234.5, 8) == "1,234.50"
    assert amount(0.00012345, 8) == "0.00012345"
    assert money(0.0123456789, "BTC") == "0.01234568 BTC"
    assert (ratio(0.87), ratio(0.0021), ratio(None)) == ("0.87", "0.0021", "not known")
    assert (percent(-1.93), percent(0.254), percent(-0.0421)) == ("-1.9 %", "+0.25 %", "-0.042 %")
    assert (age(0.84), age(300.0), age(90_000.0), age(None)) == ("0.8 s", "5 min", "25.0 h", "not known")
    assert utc(1_793_588_400 * 10**9 + 999_999_999) == "2026-11-02T03:00:00Z"
