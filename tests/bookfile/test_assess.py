"""Book files: assessed as the daemon would, refused whole with the path of what is wrong."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from monitor.book.describe import USUAL, Ask
from monitor.bookfile.assess import assess_files
from monitor.bookfile.problem import BookFileError
from monitor.cli import main
from monitor.margin.models import MODELS

BOOKS = sorted((Path(__file__).resolve().parent.parent / "golden" / "books").glob("*.json"))
RIGHT: dict[str, Any] = json.loads((BOOKS[0].parent / "binance_cross.json").read_text(encoding="utf-8"))
Spoil = Callable[[Any], object]


def pool_of(book: Any) -> Any:
    """The one pool of the example."""
    return book["accounts"][0]["pools"][0]


def first(book: Any) -> Any:
    """Its first instrument."""
    return book["venues"][0]["instruments"][0]


MISTAKES: dict[str, tuple[Spoil, str]] = {
    "unknown field": (
        lambda b: pool_of(b).update(marginMode="cross"),
        "accounts[0].pools[0]: Object contains unknown field `marginMode`",
    ),
    "missing mark": (
        lambda b: first(b).pop("mark"),
        "venues[0].instruments[0].mark: BTCUSDT has no mark",
    ),
    "impossible tiers": (
        lambda b: first(b)["tiers"]["steps"][2].update(floor=40000),
        "venues[0].instruments[0].tiers: tier 3: floor 40000 does not rise above 50000",
    ),
    "rate above the initial one": (
        lambda b: first(b)["tiers"]["steps"][0].update(maintenance_rate=0.009),
        "venues[0].instruments[0].tiers: tier 2: maintenance rate 0.005 falls below 0.009",
    ),
    "unsupported model": (
        lambda b: pool_of(b).update(model="phemex"),
        "accounts[0].pools[0].model: phemex is not supported; there are tiered, ",
    ),
    "an option where none is known": (
        lambda b: first(b).update(
            kind="option", option={"strike": 9, "type": "put", "expiry": "2026-12-25T08:00:00Z"}
        ),
        "accounts[0].pools[0].positions[0].symbol: BTCUSDT is an option; tiered knows none",
    ),
    "missing entry price": (
        lambda b: pool_of(b)["positions"][1].pop("entry_price"),
        "accounts[0].pools[0].positions[1].entry_price: missing; the model reads it",
    ),
    "missing leverage": (
        lambda b: pool_of(b)["positions"][1].pop("leverage"),
        "accounts[0].pools[0].positions[1].leverage: missing; the model reads it",
    ),
    "missing tiers": (
        lambda b: first(b).pop("tiers"),
        "venues[0].instruments[0].tiers: BTCUSDT has none; the model reads it",
    ),
    "strange instrument": (
        lambda b: pool_of(b)["positions"][0].update(symbol="XBTUSDT"),
        "accounts[0].pools[0].positions[0].symbol: XBTUSDT is not among the instruments of binance_usdm",
    ),
    "strange venue": (
        lambda b: b["accounts"][0].update(venue="bybit"),
        "accounts[0].venue: bybit is not among the venues",
    ),
    "asset without price": (
        lambda b: pool_of(b)["balances"].append({"asset": "BNB", "wallet": 1}),
        "accounts[0].pools[0].balances[1]: BNB has no price in USDT among the assets of binance_usdm",
    ),
    "time without zone": (lambda b: b.update(as_of="2026-11-23T06:00:00"), "as_of: a time needs its zone"),
    "a number that is none": (
        lambda b: pool_of(b)["positions"][1].update(quantity="NaN"),
        "accounts[0].pools[0].positions[1].quantity: NaN is no number",
    ),
    "another schema": (lambda b: b.update(schema=2), "schema: Invalid enum value 2"),
    "instrument twice": (
        lambda b: b["venues"][0]["instruments"].append(first(b)),
        "venues[0].instruments: binance_usdm:BTCUSDT stands there twice",
    ),
    "leg in two pools": (
        lambda b: b["accounts"][0]["pools"].append({**pool_of(b), "pool": "other"}),
        "accounts[0].pools[1].positions[0]: BTCUSDT stands there twice on one side in this account",
    ),
    "implausible mark": (
        lambda b: first(b).update(index="BTC", index_price=70000),
        "accounts[0].pools[0]: can't be assessed",
    ),
}


def written(folder: Path, book: Any) -> Path:
    """The book as a file."""
    path = folder / "book.json"
    path.write_text(json.dumps(book), encoding="utf-8")
    return path


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_with_its_path(tmp_path: Path, mistake: str) -> None:
    """One clear error with the path in the file and what is wrong, and nothing is computed."""
    spoil, words = MISTAKES[mistake]
    book = copy.deepcopy(RIGHT)
    spoil(book)
    path = written(tmp_path, book)
    with pytest.raises(BookFileError) as refused:
        assess_files([path], USUAL)
    assert str(refused.value).startswith(f"{path}: {words}")


def test_what_is_no_json_or_no_file_is_refused(tmp_path: Path) -> None:
    """The file is named, and what is the matter with it."""
    with pytest.raises(BookFileError, match="No such file"):
        assess_files([tmp_path / "none.json"], USUAL)
    (tmp_path / "book.json").write_text("{", encoding="utf-8")
    with pytest.raises(BookFileError, match="not JSON"):
        assess_files([tmp_path / "book.json"], USUAL)


def test_one_bad_file_of_several_computes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All files are read and checked before the first is assessed: no half of an answer."""
    bad = written(tmp_path, RIGHT | {"accounts": [{"venue": "binance_usdm", "account": "a", "pools": 1}]})
    assert main(["assess", str(BOOKS[0]), str(bad)]) == 2
    assert capsys.readouterr().out == ""


def test_a_position_by_hand() -> None:
    """The example's first pool: 96,500.25 of wallet, five positions, each redone here from its numbers."""
    (book,) = assess_files([BOOKS[0].parent / "binance_cross.json"], USUAL)
    (pool,) = book.pools
    profit = (
        12.5 * (86210.4 - 88120.5)
        - 140 * (2811.37 - 2790.15)
        + 2400 * (131.26 - 128.4)
        + 120000 * (0.14231 - 0.1502)
        - 900 * (12.318 - 12.9)
    )
    maintenance = (
        (50_000 * 0.004 + 550_000 * 0.005 + (12.5 * 86210.4 - 600_000) * 0.0065)
        + (50_000 * 0.004 + (140 * 2811.37 - 50_000) * 0.005)
        + (50_000 * 0.005 + 200_000 * 0.01 + (2400 * 131.26 - 250_000) * 0.02)
        + 120_000 * 0.14231 * 0.0065
        + (10_000 * 0.01 + (900 * 12.318 - 10_000) * 0.015)
    )
    assert pool.equity == pytest.approx(96500.25 + profit)
    assert pool.maintenance_margin == pytest.approx(maintenance)


def test_a_target_is_reached_by_what_is_offered() -> None:
    """Each way to a target ratio ends at it, not above."""
    (book,) = assess_files([BOOKS[0].parent / "binance_cross.json"], Ask(0.1, 100))
    assert {option.action for option in book.pools[0].rescue} == {"add", "cut"}
    for option in book.pools[0].rescue:
        assert option.ratio_after == pytest.approx(0.1, abs=1e-4)
        assert option.ratio_after <= 0.1


def test_the_next_funding_is_told_with_the_ratio_after_it() -> None:
    """At 08:00 all five positions pay or receive at their mark, and the ratio moves by just that."""
    (book,) = assess_files([BOOKS[0].parent / "binance_cross.json"], USUAL)
    (pool,) = book.pools
    (funding,) = pool.coming
    paid = (
        12.5 * 86210.4 * 0.0001
        - 140 * 2811.37 * 0.00005
        + 2400 * 131.26 * -0.0002
        + 120000 * 0.14231 * 0.0001
        - 900 * 12.318 * 0.0001
    )
    assert funding.received == pytest.approx(-paid)
    assert pool.equity is not None
    assert pool.maintenance_margin is not None
    assert funding.ratio_after == pytest.approx(pool.maintenance_margin / (pool.equity - paid))


def test_a_linear_option_needs_no_index(tmp_path: Path) -> None:
    """Its forward is what its margin reads; the perpetual beside it is charged at the index, and asks for it.
    In portfolio margin an option asks for it too: the grid is one of the index."""
    book = json.loads((BOOKS[0].parent / "deribit_options.json").read_text(encoding="utf-8"))
    before = assess_files([written(tmp_path, book)], USUAL)[0].pools[1]
    instruments = book["venues"][0]["instruments"]
    for instrument in instruments:
        if instrument["kind"] == "option":
            instrument.pop("index", None)
            instrument.pop("index_price", None)
    after = assess_files([written(tmp_path, book)], USUAL)[0].pools[1]
    assert (after.equity, after.maintenance_margin) == (before.equity, before.maintenance_margin)
    instruments[3].pop("index_price")
    with pytest.raises(BookFileError, match=re.escape("instruments[3].index_price: SOL_USDC-PERPETUAL")):
        assess_files([written(tmp_path, book)], USUAL)
    book = json.loads((BOOKS[0].parent / "portfolio.json").read_text(encoding="utf-8"))
    option = next(i for i in book["venues"][0]["instruments"] if i["kind"] == "option")
    del option["index_price"]
    with pytest.raises(BookFileError, match=re.escape(f"index_price: {option['symbol']} has none")):
        assess_files([written(tmp_path, book)], USUAL)


@pytest.mark.parametrize(
    ("reported", "error"),
    [
        ({"maintenance_margin": 11800}, (11800 - 11750.3288) / 11800),
        ({"equity": 70000, "maintenance_margin": 11800}, (76094.2 - 70000) / 70000),
        ({"ratio": 0.2}, None),
        (None, None),
    ],
)
def test_how_far_the_venues_figures_are_is_told_where_it_tells_them(
    tmp_path: Path, reported: Any, error: float | None
) -> None:
    """The greater of both errors, at the file's marks; absent where the file tells neither figure."""
    book = copy.deepcopy(RIGHT)
    pool_of(book).update(reported=reported)
    ((pool,),) = (found.pools for found in assess_files([written(tmp_path, book)], USUAL))
    assert pool.margin_error == (None if error is None else pytest.approx(error, rel=1e-6))


@pytest.mark.parametrize(
    ("reported", "ratio"),
    [
        ({"ratio": 1.25, "ratio_name": "margin level"}, 1.1 / 1.25),
        ({"ratio": 1.25, "ratio_name": "collateral margin level"}, None),  # another figure of the venue
        ({"ratio": 0, "ratio_name": "margin level"}, None),
        ({"equity": 100, "maintenance_margin": 70, "ratio": 1.25, "ratio_name": "margin level"}, 0.7),
    ],
)
def test_a_ratio_that_the_venue_tells_is_shown_on_our_scale(
    tmp_path: Path, reported: Any, ratio: float | None
) -> None:
    """A margin level of 1.25, which liquidates at 1.1, is 0.88 here; both margins go before it."""
    book = json.loads((BOOKS[0].parent / "accruing.json").read_text(encoding="utf-8"))
    book["accounts"] = book["accounts"][:1]
    pool_of(book).update(reported=reported)
    pools = assess_files([written(tmp_path, book)], USUAL)[0].pools
    assert pools[0].venue_margin_ratio == (None if ratio is None else pytest.approx(ratio))


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_examples_are_what_the_schema_says(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every example validates against the published schema of books."""
    assert main(["schema", "book"]) == 0
    schema = json.loads(capsys.readouterr().out)
    jsonschema.validate(json.loads(path.read_text(encoding="utf-8")), schema)


def test_the_answer_is_what_the_schema_says(capsys: pytest.CaptureFixture[str]) -> None:
    """`assess --json` of all examples validates against the published schema of assessments."""
    assert main(["schema", "assessment"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert main(["assess", "--json", *map(str, BOOKS)]) == 0
    answer = json.loads(capsys.readouterr().out)
    jsonschema.validate(answer, schema)
    assert len(answer["pools"]) >= len(BOOKS)


@pytest.mark.slow
def test_the_table_shows_every_pool_and_every_position(capsys: pytest.CaptureFixture[str]) -> None:
    """A person sees each pool once in the table, and under it each of its positions."""
    assert main(["assess", *map(str, BOOKS)]) == 0
    shown = capsys.readouterr().out
    for path in BOOKS:
        for account in json.loads(path.read_text(encoding="utf-8"))["accounts"]:
            for pool in account["pools"]:
                assert f"{account['venue']}/{account['account']}/{pool['pool']}" in shown
                assert all(held["symbol"] in shown for held in pool.get("positions", ()))


def test_there_is_an_example_of_every_model() -> None:
    """Each model that computes or is told stands in one of the example books."""
    used = {
        pool["model"]
        for path in BOOKS
        for account in json.loads(path.read_text(encoding="utf-8"))["accounts"]
        for pool in account["pools"]
    }
    assert set(MODELS) == used
