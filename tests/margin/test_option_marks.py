"""Black-76 against what venues mark: a handful of tickers always, all recorded ones where they are."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from monitor.margin.black import option_mark
from tests.support.options import Case, instrument, terms

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "margin" / "deribit_marks.json"
HALF_PRINTED = Decimal("0.00005")  # of a volatility that is printed as 81.90 %
HALF_POINT = Decimal("0.00005")  # of a forward
FIRST = "BTC-25MAR22-30000-C 1626993722929"


class Ticker(NamedTuple):
    """What a venue told of one option at one moment."""

    name: str
    case: Case
    in_coin: bool
    per: int  # units of the underlying that the mark is for
    mark: Decimal
    tolerance: Decimal  # as the one who reproduced them tells it


def ticker(row: dict[str, Any]) -> Ticker:
    """One row of the golden file."""
    in_percent = Decimal(row.get("volatility_percent", 0)) / 100
    volatility = Decimal(row.get("volatility", in_percent))
    side = 1 if row["kind"] == "C" else -1
    case = Case(Decimal(row["forward"]), Decimal(row["strike"]), side, volatility, Decimal(row["years"]))
    mark, tolerance = Decimal(row["mark"]), Decimal(row["tolerance"])
    return Ticker(row["id"], case, row["unit"] == "coin", row["per"], mark, tolerance)


def marked(told: Ticker, case: Case) -> Decimal:
    """Our mark of the option as it would be in this case."""
    option = terms(case.strike, case.side)
    of_one = option_mark(instrument(inverse=told.in_coin), option, case.forward, case.volatility, case.years)
    return of_one * told.per


def assert_marked(told: Ticker) -> None:
    """The mark is ours, as far as the volatility tells, which is printed to a hundredth of a per cent, and
    the forward, which may be half a basis point newer than the mark."""
    ours, blurs = marked(told, told.case), Decimal(0)
    blurs += abs(marked(told, told.case._replace(volatility=told.case.volatility + HALF_PRINTED)) - ours)
    blurs += abs(marked(told, told.case._replace(forward=told.case.forward * (1 + HALF_POINT))) - ours)
    allowed = min(told.tolerance, blurs)
    assert abs(ours - told.mark) <= allowed, f"{told.name}: {ours}, published {told.mark}, {allowed} allowed"


golden = json.loads(GOLDEN.read_text(encoding="utf-8"), parse_float=Decimal)


@pytest.mark.parametrize("row", golden["marks"], ids=[row["id"] for row in golden["marks"]])
def test_published_marks_are_ours(row: dict[str, Any]) -> None:
    """A venue's mark is Black-76 at its forward and volatility, to the digits that it prints."""
    assert row["source"] in golden["sources"]
    assert_marked(ticker(row))


def test_recorded_marks_are_ours(shared: Path) -> None:
    """All recorded tickers that tell a mark: 38 of Deribit, three of others; the one of OKX tells none."""
    text = (shared / "risk" / "greeks.json").read_text(encoding="utf-8")
    found = json.loads(text, parse_float=Decimal)
    assert [row["mark_price_coin"] for row in found["okx"]] == [None]
    copies = {row["id"]: row for row in golden["marks"]}
    rows = [as_golden(row, copies) for row in (*found["deribit"], *found["other"])]
    for row in rows:
        assert_marked(ticker(row))
        copy = copies.get(row["id"], row)
        assert all(copy[key] == row[key] for key in row if key != "source"), row["id"]
    assert len(rows) == 41
    assert copies.keys() <= {row["id"] for row in rows}


def as_golden(row: dict[str, Any], copies: dict[str, Any]) -> dict[str, Any]:
    """A recorded ticker in the words of the golden file; what only we say of it is taken from there."""
    name = f"{row['instrument']} {row['timestamp_ms']}"
    shape = {"id": name, "kind": row["kind"], "strike": row["strike"], "years": row["years_to_expiry"]}
    if row["venue"] == "deribit":
        measured = {"forward": row["forward"], "volatility_percent": row["mark_iv_pct"]}
        told = {"mark": row["expected"]["mark_price_coin"], "unit": "coin", "per": 1}
        return shape | measured | told | {"tolerance": copies[FIRST]["tolerance"]}
    measured = {"forward": row["underlying"], "volatility": row["mark_iv"]}
    ours = {key: copies[name][key] for key in ("unit", "per", "tolerance")}
    return shape | measured | {"mark": row["expected"]["mark_price"]} | ours
