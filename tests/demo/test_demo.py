"""The whole of it: `margind demo` in a process of its own, and what a customer's webhook got from it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from monitor.tune.candidates import IN_FORCE
from monitor.tune.command import Ask, tune

VENUES = {"binance_usdm", "bybit", "hyperliquid"}
WALL_S = 60
KEPT = "kept"
Told = tuple[str, str, str, str]  # venue, condition, kind, level


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Everything that one crash hour wrote."""
    folder = tmp_path_factory.mktemp("demo")
    out = folder / "out.jsonl"
    words = ["demo", "--for", str(WALL_S), "--speed", "60", "--json", str(out), "--keep", str(folder / KEPT)]
    done = subprocess.run(
        [sys.executable, "-m", "monitor", *words],
        env={**os.environ, "MARGIND_DATA": str(folder / "data")},
        capture_output=True,
        text=True,
        timeout=WALL_S + 150,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = [json.loads(line) for line in out.read_text().splitlines()]
    return [*found, {"type": "kept", "at": str(folder / KEPT)}]


def told(rows: list[dict[str, Any]]) -> set[Told]:
    """What was delivered, in short."""
    return {
        (row["pool"]["venue"], row["condition"], row["kind"], row["level"])
        for row in rows
        if row["type"] == "alert"
    }


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.timeout(300)
def test_every_venue_warns_escalates_goes_unknown_and_comes_back(rows: list[dict[str, Any]]) -> None:
    """On all three venues: warnings, escalations to critical, UNKNOWN with its recovery, resolutions."""
    heard = told(rows)
    for venue in VENUES:
        for kind, level in (("raised", "critical"), ("resolved", "clear")):
            assert {(venue, each, kind, level) for each in ("unknown", "venue")} & heard
        assert (venue, "margin", "raised", "warning") in heard
        assert (venue, "margin", "escalated", "critical") in heard
        assert (venue, "margin", "resolved", "clear") in heard


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.timeout(300)
def test_nothing_is_told_twice(rows: list[dict[str, Any]]) -> None:
    """Each message has an id of its own, and it is the webhook's."""
    alerts = [row for row in rows if row["type"] == "alert"]
    assert all(row["webhook_id"] == row["id"] for row in alerts)
    assert len({row["id"] for row in alerts}) == len(alerts)


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.timeout(300)
def test_what_was_critical_is_in_the_mailbox_too(rows: list[dict[str, Any]]) -> None:
    """Each critical page came as an e-mail with the webhook's id and headline; of the milder only the end."""
    alerts = {row["id"]: row for row in rows if row["type"] == "alert"}
    mails = {row["message_id"].strip("<>").partition("@")[0]: row for row in rows if row["type"] == "email"}
    assert len(mails) == sum(row["type"] == "email" for row in rows)
    assert mails
    critical = {id_ for id_, row in alerts.items() if row["level"] in {"critical", "liquidation"}}
    assert critical <= mails.keys()
    for id_, mail in mails.items():
        assert id_ in critical or alerts[id_]["kind"] in {"eased", "resolved"}
        headline = alerts[id_]["headline"]
        pool, incident = alerts[id_]["pool"]["id"], alerts[id_]["incident"]
        venue, _, desk = pool.split("/", 2)  # what is over names the key of the venue, not its pools
        named = (pool, f"pools of {venue}, desk {desk}")
        assert mail["subject"].startswith(f"margind: incident {incident}, ")
        assert any(words in mail["subject"] for words in named)
        assert mail["text"].splitlines()[0] == headline
        assert mail["to"] == ["desk@demo.example"]


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.timeout(300)
def test_the_last_states_add_up(rows: list[dict[str, Any]]) -> None:
    """A reader can redo the sum: maintenance of the positions is the pool's, the ratio is the quotient."""
    states = [row for row in rows if row["type"] == "state"]
    assert len(states) >= 40
    assert {row["pool"].split("/")[0] for row in states} == VENUES
    known = [row for row in states if row["band"] != "UNKNOWN"]
    assert known
    for row in known:
        if row["maintenance_margin"] > 0 < row["equity"]:
            assert row["margin_ratio"] == pytest.approx(row["maintenance_margin"] / row["equity"])
        if row["model"] == "tiered" and len(row["contributors"]) < 10:
            parts = sum(part["maintenance_margin"] for part in row["contributors"])
            assert parts == pytest.approx(row["maintenance_margin"], rel=1e-9, abs=1e-9)


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.timeout(300)
def test_a_page_says_what_brings_the_account_back(rows: list[dict[str, Any]]) -> None:
    """Each page that calls somebody to a critical pool offers a rescue whose ratio lies under the level that
    it clears; one that has eased may need none by then."""
    pages = [
        row
        for row in rows
        if row["type"] == "alert"
        and row["condition"] == "margin"
        and row["level"] == "critical"
        and row["kind"] != "eased"
    ]
    assert pages
    assert all(page["rescue"] for page in pages)
    assert all(option["ratio_after"] < 0.5 for page in pages for option in page["rescue"])


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.timeout(300)
def test_its_history_chooses_thresholds_that_warn_before_the_liquidations(
    rows: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Earlier than what ships, which was made for slower hours; and the replay tells the pages of then."""
    kept = next(Path(row["at"]) for row in rows if row["type"] == "kept")
    assert tune(Ask(kept, None, None, None, None, True, 5.0, "warning")) == 0
    found = json.loads(capsys.readouterr().out)
    sets = {each["name"]: each for each in found["sets"]}
    chosen, force = sets[found["recommended"]], sets[IN_FORCE]
    assert len(found["breaches"]) >= 2
    assert chosen["missed"] < force["missed"]
    assert chosen["pages"] < max(each["pages"] for each in sets.values())
    assert found["agreement"]["found"] >= 0.9 * found["agreement"]["told"]
