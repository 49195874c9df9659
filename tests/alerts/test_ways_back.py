"""The ways back to clear, in the words of a message."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alerts.ways_back import NO_BOOK, rescue_lines
from monitor.domain.assessment import RescueOption
from monitor.domain.identity import AccountId
from tests.support.notifications import an_assessment, hostile_text

BTC, MAIN = "binance_usdm:BTCUSDT", AccountId("binance_usdm/main")
numbers = st.none() | st.floats()


def told(*options: RescueOption) -> list[str]:
    """The lines of these ways."""
    return rescue_lines(an_assessment(rescue=options))


def test_a_haircut_is_told() -> None:
    """What is brought is told with what it counts for, where that is less."""
    coin = RescueOption("add", "BTC", 0.05, None, 0.47, 8, 0.0, 3000.0, 0.0, 2850.0)
    assert told(coin) == [
        (
            "back to clear: add 0.05 BTC -> ratio 0.47, worth 3,000.00 USDT, counts for 2,850.00 USDT "
            "after its haircut"
        ),
    ]
    money = RescueOption("add", "USDT", 2850.0, None, 0.47, 8, 0.0, 2850.0, 0.0, 2850.0)
    assert told(money) == ["back to clear: add 2,850.00 USDT -> ratio 0.47"]


def test_a_move_says_from_where_and_what_it_leaves() -> None:
    """The account that gives, the ratio that it keeps, how long it takes, and whether that is too long."""
    move = RescueOption(
        "move",
        "USDT",
        500.0,
        None,
        0.47,
        2,
        1.0,
        500.0,
        0.0,
        500.0,
        from_account=MAIN,
        takes_s=1200.0,
        is_late=True,
        giver_ratio_after=0.0312,
    )
    assert told(move) == [
        (
            "back to clear: move 500.00 USDT from binance_usdm/main -> ratio 0.47, which stays at ratio "
            "0.0312, takes 20 min, costs 1.00 USDT, TOO LATE at the present speed"
        ),
    ]


def test_a_hedge_says_what_to_do_and_what_it_needs() -> None:
    """A hedge is a trade with a side, and may ask for more margin; a cost that nobody knows is told so."""
    hedge = RescueOption("hedge", "binance_usdm:BTCUSDC", -0.25, None, 0.21, 3, None, 15_000.0, -60.0, 0.0)
    assert told(hedge) == [
        (
            "back to clear: hedge: sell 0.250 BTCUSDC -> ratio 0.21, cost not known, needs 60.00 USDT more "
            "maintenance margin"
        ),
        NO_BOOK,
    ]


def test_a_reduction_of_everything_says_how_much_in_all() -> None:
    """One share for every position, and what is traded for it together."""
    option = RescueOption("reduce", "every position", 9_000.0, 0.72, 0.21, 2, 4.5, 9_000.0, 90.0, -4.5)
    assert told(option) == [
        (
            "back to clear: reduce every position by 72 %, 9,000.00 USDT in all -> ratio 0.21, costs 4.50 "
            "USDT, frees 90.00 USDT of maintenance margin"
        ),
        NO_BOOK,
    ]


@given(
    text=hostile_text,
    one=numbers,
    other=numbers,
    action=st.sampled_from(["add", "move", "cut", "reduce", "hedge"]),
)
def test_every_way_has_words(text: str, one: float | None, other: float | None, action: str) -> None:
    """However odd a name or a figure is, each line is printable."""
    number = 0.0 if one is None else one
    option = RescueOption(
        action, text, number, other, number, 3, one, other, one, other, AccountId(text), one, True, other
    )
    assert all(line.isprintable() for line in told(option))
