"""Leveraged tokens in an explanation: leverage now, the moves to a rebalance, and what holding them costs."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from monitor.book.describe import USUAL
from monitor.book.live_book import LiveBook
from monitor.bookfile.assess import assess_files
from monitor.bookfile.export import exported
from monitor.bookfile.moment import RECEIVED_NS
from monitor.bookfile.problem import BookFileError
from monitor.cli import main
from monitor.domain.event import (
    AccountSnapshot,
    BalanceFact,
    MarkPrice,
    PoolFact,
    PositionFact,
    StreamAlive,
)
from monitor.domain.identity import account_id, instrument_id
from monitor.explain.document import Explanation, Token
from monitor.explain.explanation import explain
from monitor.explain.text import lines

BOOK = Path(__file__).resolve().parent.parent / "golden" / "books" / "accruing.json"
POOL = "binance_tokens/papa/spot"
WHERE = "venues[0].instruments[0].fund"
Spoil = Callable[[Any], object]


def written(folder: Path, change: Spoil = lambda fund: None) -> Path:
    """The token of the example alone, its fund changed."""
    book = json.loads(BOOK.read_text(encoding="utf-8"))
    book["venues"] = [venue for venue in book["venues"] if venue["venue"] == "binance_tokens"]
    book["accounts"] = [account for account in book["accounts"] if account["venue"] == "binance_tokens"]
    change(book["venues"][0]["instruments"][0]["fund"])
    path = folder / "book.json"
    path.write_text(json.dumps(book), encoding="utf-8")
    return path


def explained(path: Path) -> Explanation:
    """The explanation of the one pool."""
    (book,) = assess_files([path], USUAL)
    found = explain(book.live, book.pools[0].pool, RECEIVED_NS, book.wall_ns, path.name)
    assert found is not None
    return found


def token(folder: Path, change: Spoil = lambda fund: None) -> Token:
    """What is told of its token."""
    (found,) = explained(written(folder, change)).tokens
    return found


def test_leverage_follows_the_mark_since_the_fund_was_published(tmp_path: Path) -> None:
    """412.5 units behind 900,000 tokens of 19.20, and the price went from 88,050 to 86,210.40: the basket is
    worth so much, and the fund has lost what the basket has."""
    exposure, worth = 412.5 * 86210.4, 900_000 * 19.2 + 412.5 * (86210.4 - 88050)
    assert token(tmp_path).leverage == pytest.approx(exposure / worth, rel=1e-12)


def test_without_a_contract_it_is_that_of_the_publication(tmp_path: Path) -> None:
    """Nothing tells a price of now: the published one counts."""
    found = token(tmp_path, lambda fund: fund.pop("holds"))
    assert found.leverage == pytest.approx(412.5 * 88050 / (900_000 * 19.2), rel=1e-12)


def test_a_rebalance_is_due_where_the_fund_has_that_leverage(tmp_path: Path) -> None:
    """After the told fall the same basket has a leverage of 4, after the told rise one of 1.25."""
    found = token(tmp_path)
    assert (found.lowest, found.highest) == (1.25, 4)
    for move, leverage in ((found.fall_percent, 4), (found.rise_percent, 1.25)):
        assert move is not None
        price = 86210.4 * (1 + move / 100)
        worth = 900_000 * 19.2 + 412.5 * (price - 88050)
        assert 412.5 * price / worth == pytest.approx(leverage, rel=1e-9)
    assert (found.leverage_after_fall, found.leverage_after_rise) == pytest.approx((4, 1.25))


def test_decay_of_a_day(tmp_path: Path) -> None:
    """exp((L - L squared) / 2 x variance) - 1 at 4 % a day; without a variance there is no figure."""
    found = token(tmp_path)
    assert found.leverage is not None
    expected = math.exp((found.leverage - found.leverage**2) / 2 * 0.0016) - 1
    assert found.decay_percent_a_day == pytest.approx(100 * expected)
    assert token(tmp_path, lambda fund: fund.pop("variance")).decay_percent_a_day is None


def test_decay_by_the_prices_that_were_seen(tmp_path: Path) -> None:
    """Where the issuer tells no variance, a running book takes the one of the basket's contract: 0.1 % up and
    down each minute is 0.001 squared x 1,440 a day."""
    path = written(tmp_path, lambda fund: fund.pop("variance"))
    (book,) = assess_files([path], USUAL)
    live = book.live
    for minute in range(1, 31):
        later_ns = minute * 60 * 10**9
        now_ns, wall_ns = RECEIVED_NS + later_ns, book.wall_ns + later_ns
        marks = {"BTCUP": 18.42, "BTCUSDT": 86210.4 * math.exp(0.001 * (minute % 2))}
        for symbol, mark in marks.items():
            name = instrument_id("binance_tokens", symbol)
            live.apply(MarkPrice(name, mark, None, None, None, wall_ns, now_ns), wall_ns)
        live.turn(now_ns, wall_ns, None)
    account = account_id("binance_tokens", "papa")
    live.apply(StreamAlive(account, now_ns), wall_ns)
    confirmed = AccountSnapshot(account, *held_in(live), {}, wall_ns, now_ns, confirmed=True)
    live.apply(confirmed, wall_ns)
    live.turn(now_ns, wall_ns, None)
    found = explain(live, book.pools[0].pool, now_ns, wall_ns, "a daemon")
    assert found is not None
    (told,) = found.tokens
    assert told.leverage is not None
    expected = math.exp((told.leverage - told.leverage**2) / 2 * 0.001**2 * 1440) - 1
    assert told.decay_percent_a_day == pytest.approx(100 * expected, rel=1e-6)


def held_in(live: LiveBook) -> tuple[tuple[PoolFact, ...], tuple[BalanceFact, ...], tuple[PositionFact, ...]]:
    """All that the one account holds, as a snapshot would tell it again."""
    (state,) = live.accounts.values()
    held = state.holdings
    return tuple(held.pools.values()), tuple(held.balances.values()), tuple(held.positions.values())


def test_a_fund_outside_its_range_is_due(tmp_path: Path) -> None:
    """A fund of more than it may have says so on the page."""
    path = written(tmp_path, lambda fund: fund.update(highest=2))
    found = explained(path)
    assert (found.tokens[0].fall_percent, found.tokens[0].rise_percent) == (0, 0)
    assert "  a rebalance is due" in list(lines(found))


def test_a_fund_that_has_lost_all_tells_no_leverage(tmp_path: Path) -> None:
    """Published at twenty times, five per cent ago more than all is gone: absent, not negative."""
    path = written(tmp_path, lambda fund: fund.update(price=95000, net_asset_value=2))
    found = explained(path)
    assert found.tokens[0].leverage is None
    assert "BTCUP: nothing is left of its fund since it was published" in list(lines(found))


def test_the_document_is_what_the_schema_says(capsys: pytest.CaptureFixture[str]) -> None:
    """`explain --json` of a token validates against the published schema, and holds it."""
    assert main(["schema", "explanation"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert main(["explain", POOL, "--json", "--book", str(BOOK)]) == 0
    answer = json.loads(capsys.readouterr().out)
    jsonschema.validate(answer, schema)
    assert [told["symbol"] for told in answer["tokens"]] == ["BTCUP"]


def test_an_exported_token_tells_the_same_again(tmp_path: Path) -> None:
    """The fund comes back as it was stated, with the contract of its basket, which nobody holds."""
    path = written(tmp_path)
    before = explained(path).tokens
    (book,) = assess_files([path], USUAL)
    path.write_bytes(msgspec.json.encode(exported(book.live, book.pools[0].pool, book.wall_ns)))
    assert explained(path).tokens == before


MISTAKES: dict[str, tuple[Spoil, str]] = {
    "no basket": (lambda f: f.update(basket=0), "basket: a fund without contracts has no leverage"),
    "no worth": (lambda f: f.update(net_asset_value=0), "net_asset_value: 0 is not above 0"),
    "a range upside down": (lambda f: f.update(highest=1), "highest: 1 is not above 1.25"),
    "variance below nothing": (lambda f: f.update(variance=-1), "variance: -1 is below 0"),
    "a strange contract": (
        lambda f: f.update(holds="XBTUSD"),
        "holds: XBTUSD has no mark among the instruments of binance_tokens",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_with_its_path(tmp_path: Path, mistake: str) -> None:
    """No fund can be so."""
    spoil, told = MISTAKES[mistake]
    path = written(tmp_path, spoil)
    with pytest.raises(BookFileError) as refused:
        assess_files([path], USUAL)
    assert str(refused.value).startswith(f"{path}: {WHERE}.{told}")
