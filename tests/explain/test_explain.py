"""The derivation of a pool: it reads well, it can be redone, and it is the very number of the book."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest

from monitor.book.describe import USUAL
from monitor.bookfile.assess import assess_files
from monitor.bookfile.moment import RECEIVED_NS
from monitor.cli import main
from monitor.explain.document import Explanation
from monitor.explain.explanation import explain
from monitor.explain.text import lines

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
BOOKS = sorted((GOLDEN / "books").glob("*.json"))
PAGES = sorted((GOLDEN / "explain").glob("*.txt"))


def explained(path: Path) -> list[Explanation]:
    """Every pool of a book file."""
    (book,) = assess_files([path], USUAL)
    found = [explain(book.live, pool.pool, RECEIVED_NS, book.wall_ns, path.name) for pool in book.pools]
    return [each for each in found if each is not None]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pages_are_as_kept(page: Path) -> None:
    """The page of a kept book is the kept one, letter for letter."""
    book, _, pool = page.stem.partition("__")
    told = {found.pool.rpartition("/")[2]: found for found in explained(GOLDEN / "books" / f"{book}.json")}
    found = told[pool] if pool else next(iter(told.values()))
    assert "\n".join(lines(found)) + "\n" == page.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_the_last_lines_are_the_assessment(path: Path) -> None:
    """What the derivation ends with is what the book says, of every model in the examples."""
    (book,) = assess_files([path], USUAL)
    for assessed, found in zip(book.pools, explained(path), strict=True):
        assert found.equity == pytest.approx(assessed.equity, rel=1e-9)
        assert found.maintenance_margin == pytest.approx(assessed.maintenance_margin, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_each_line_can_be_redone_from_its_figures(path: Path) -> None:
    """The figures of a line, computed as they stand there, give its value."""
    for found in explained(path):
        for line in found.lines:
            if line.name == "tier" or "(" in line.figures.replace("(-", "") or "N" in line.figures:
                continue
            text = line.figures.replace(",", "").replace("−", "-").replace("×", "*")
            assert eval(text) == pytest.approx(line.value, rel=1e-6, abs=1e-6)  # noqa: S307  our own figures


def test_the_document_is_what_the_schema_says(capsys: pytest.CaptureFixture[str]) -> None:
    """`explain --json` validates against the published schema."""
    assert main(["schema", "explanation"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert main(["explain", "--json", "--book", str(GOLDEN / "books" / "binance_cross.json")]) == 0
    jsonschema.validate(json.loads(capsys.readouterr().out), schema)


def test_a_pool_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong name ends in one line that says which there are."""
    assert main(["explain", "a/b/c", "--book", str(GOLDEN / "books" / "binance_cross.json")]) == 2
    assert "no pool a/b/c; there are binance_usdm/alpha/cross-USDT" in capsys.readouterr().err


def test_the_venues_figures_stand_beside_ours(tmp_path: Path) -> None:
    """What the venue reports is shown with how far ours is apart."""
    book = json.loads((GOLDEN / "books" / "binance_cross.json").read_text(encoding="utf-8"))
    book["accounts"][0]["pools"][0]["reported"] = {"equity": 76094.2, "maintenance_margin": 11800}
    path = tmp_path / "book.json"
    path.write_bytes(msgspec.json.encode(book))
    (found,) = explained(path)
    apart = {beside.what: beside.apart for beside in found.beside}
    assert apart == {"equity": pytest.approx(0, abs=1e-6), "maintenance margin": pytest.approx(-49.6712)}
