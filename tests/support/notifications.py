"""A notification as the daemon makes them, and hostile ones: names and figures that nobody should send."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from alerts.alert import AlertKey, Condition, Incident, Kind, Level, Notice, Notification, notification_of
from monitor.domain.assessment import (
    Contributor,
    MarginAssessment,
    Reason,
    RescueOption,
    RiskBand,
    UnderlyingMove,
    VenueReported,
)
from monitor.domain.identity import InstrumentId, PoolId

POOL = PoolId("binance_usdm/alpha/cross-USDT")
AS_OF_NS = 1_793_588_400 * 10**9  # 2026-11-02T03:00:00Z
DETAIL = "ratio 0.87 crossed 0.85"

HOSTILE = (
    "<!here> <!channel> <@U012AB3CD> @channel @everyone",
    "<https://evil.example|click> https://evil.example & co",
    "x\r\nBcc: evil@example.com\r\n\r\nbody",
    "=?utf-8?q?x=0D=0ABcc:evil@example.com?=",
    "=?utf-8?b?DQpCY2M6IGV2aWxAZXhhbXBsZS5jb20=?=",
    "\x1b[2J\x1b[31mred\x1b]0;title\x07\x1b]8;;http://evil.example\x1b\\link",
    "\x9b31m\x90unfinished",
    "right\u202eto left\u2066\u200b\ufeff",
    "half a pair \ud800",
    "\x00\x08\x7f\u2028line\u2029paragraph\x85",
    "N" * 5000,
    "😀" * 700,
    "",
)


def an_assessment(**changes: Any) -> MarginAssessment:
    """One Binance pool at ratio 0.87 with a single long position."""
    usual = MarginAssessment(
        pool=POOL,
        unit="USDT",
        model="tiered",
        desk="basis",
        band=RiskBand.CRITICAL,
        reasons=Reason(0),
        deficit=False,
        equity=275.1,
        initial_margin=600.125,
        maintenance_margin=239.3,
        margin_ratio=239.3 / 275.1,
        margin_error=0.0001,
        as_of_ns=AS_OF_NS,
        price_age_s=0.8,
        account_age_s=12.1,
        venue_reported=VenueReported(
            ratio=0.8692,
            ratio_name="marginRatio",
            maintenance_margin=239.1,
            liquidation_prices={"binance_usdm:BTCUSDT": 58_912.0},
        ),
        venue_margin_ratio=0.8692,
        distance_percent=1.93,
        moves=(UnderlyingMove("ETH", -30.0, None), UnderlyingMove("BTC", -1.93, 12.1)),
        contributors=(a_contributor(),),
        rescue=(
            RescueOption("add", "USDT", 1234.5, None, 0.4701, 8),
            RescueOption("cut", "binance_usdm:BTCUSDT", 0.293, 0.293, 0.47, 3, 8.79, 17_583.66, 70.33, -8.79),
        ),
    )
    return msgspec.structs.replace(usual, **changes)


def a_contributor(**changes: Any) -> Contributor:
    """One long BTCUSDT."""
    usual = Contributor(
        instrument=InstrumentId("binance_usdm:BTCUSDT"),
        side="",
        quantity=1.0,
        mark_price=60_012.5,
        notional=60_012.5,
        maintenance_margin=240.05,
        unrealised_profit=-1200.0,
        liquidation_price=58_912.3,
        price_digits=1,
        quantity_digits=3,
    )
    return msgspec.structs.replace(usual, **changes)


def a_notification(
    assessment: MarginAssessment | None = None,
    *,
    condition: Condition = Condition.MARGIN,
    kind: Kind = Kind.RAISED,
    level: Level = Level.CRITICAL,
    pool: str = POOL,
    desk: str = "basis",
    detail: str = DETAIL,
    incident: int = 3,
    described: bool = True,
    others: tuple[PoolId, ...] = (),
) -> Notification:
    """A page about the pool; `described=False` leaves the picture out."""
    opened = Incident(AlertKey(POOL, condition), incident, level, 2, AS_OF_NS, AS_OF_NS)
    picture = (assessment or an_assessment()) if described else None
    made = notification_of(Notice(opened, kind, desk, detail), picture, AS_OF_NS + 10**9)
    return msgspec.structs.replace(made, key=AlertKey(PoolId(pool), condition), others=others)


def a_large_notification(positions: int = 400) -> Notification:
    """Far more positions, moves and rescues than any channel takes, with long names."""
    tail = "X" * 60
    many = range(positions)
    return a_notification(
        an_assessment(
            contributors=tuple(
                a_contributor(instrument=InstrumentId(f"binance_usdm:S{n}{tail}")) for n in many
            ),
            moves=tuple(UnderlyingMove(f"S{n}{tail}", -1.0 - n, 5.0 + n) for n in many),
            rescue=tuple(RescueOption("add", f"A{n}{tail}", 1.5, None, 0.4, 2) for n in many),
        )
    )


def _entry(index: int) -> str:
    return HOSTILE[index]


# By its number: hypothesis writes out what it draws from, and the corpus is long.
_corpus = st.integers(0, len(HOSTILE) - 1).map(_entry)
hostile_text = st.one_of(
    _corpus,
    st.text(max_size=40),
    st.text(st.characters(), max_size=20),  # lone surrogates too
    st.tuples(_corpus, st.text(max_size=10)).map("".join),
)
_figure = st.floats() | st.none()
_number = st.floats()
_digits = st.integers(-3, 40)


def _instruments() -> st.SearchStrategy[Any]:
    return st.one_of(hostile_text, hostile_text.map(lambda text: f"venue:{text}"))


_contributors = st.builds(
    Contributor,
    instrument=_instruments(),
    side=hostile_text,
    quantity=_number,
    mark_price=_number,
    notional=_number,
    maintenance_margin=_number,
    unrealised_profit=_number,
    liquidation_price=_figure,
    price_digits=_digits,
    quantity_digits=_digits,
)
_rescues = st.builds(
    RescueOption,
    action=st.sampled_from(["add", "cut", "<!here>"]),
    target=_instruments(),
    amount=_number,
    fraction=_figure,
    ratio_after=_number,
    digits=_digits,
)
_reported = st.builds(
    VenueReported,
    equity=_figure,
    initial_margin=_figure,
    maintenance_margin=_figure,
    ratio=_figure,
    ratio_name=hostile_text,
)
_assessments = st.builds(
    MarginAssessment,
    pool=hostile_text,
    unit=hostile_text,
    model=st.sampled_from(["tiered", "venue_ratio"]) | hostile_text,
    desk=hostile_text,
    band=st.sampled_from(RiskBand),
    reasons=st.integers(0, 63).map(Reason),
    deficit=st.booleans(),
    equity=_figure,
    initial_margin=_figure,
    maintenance_margin=_figure,
    margin_ratio=_figure,
    margin_error=_figure,
    as_of_ns=st.integers(-(2**63), 2**63 - 1),
    price_age_s=_figure,
    account_age_s=_figure,
    venue_reported=st.none() | _reported,
    venue_margin_ratio=_figure,
    distance_percent=_figure,
    moves=st.lists(st.builds(UnderlyingMove, hostile_text, _figure, _figure), max_size=3).map(tuple),
    contributors=st.lists(_contributors, max_size=4).map(tuple),
    rescue=st.lists(_rescues, max_size=4).map(tuple),
)
hostile_notifications = st.builds(
    a_notification,
    _assessments,
    condition=st.sampled_from(Condition),
    kind=st.sampled_from(Kind),
    level=st.sampled_from(Level),
    pool=hostile_text,
    desk=hostile_text,
    detail=hostile_text,
    incident=st.integers(0, 2**62),
    described=st.booleans(),
    others=st.just(()) | st.lists(hostile_text, max_size=3).map(tuple),
)
