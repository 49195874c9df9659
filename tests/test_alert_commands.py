"""`margind alerts`, `ack`, `silence` and `unsilence` against running alerts, over their real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from alerts.listing import Alert, Listing, SilenceTold
from alerts.service import AlertService
from monitor.alerts_command import lines
from monitor.book.live_book import LiveBook
from monitor.book.settings import NO_MODELS, BookSettings
from monitor.cli import main
from monitor.clock import SystemClock
from monitor.control import ControlSocket
from monitor.control_client import AskedWrongly, ask
from monitor.domain.assessment import RiskBand
from monitor.names import Metrics
from tests.support.alerting import ALPHA, BETA, Desk, a_config, a_state, a_turn, alerting, words
from tests.support.books import LEVELS
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration
Captured = pytest.CaptureFixture[str]


class Duty:
    """Somebody at a terminal, beside running alerts."""

    def __init__(
        self, folder: Path, service: AlertService, desk: Desk, metrics: Metrics, capsys: Captured
    ) -> None:
        self.folder = folder
        self._metrics = metrics
        self.desk = desk
        self._service = service
        self._capsys = capsys
        self._clock = SystemClock()
        self.noted: list[tuple[str, str]] = []

    async def note(self, kind: str, by: str, _: object) -> None:
        """As the audit log takes it."""
        self.noted.append((kind, by))

    async def types(self, *arguments: str) -> tuple[int, str]:
        """The exit code of a command, and what it says."""
        self._capsys.readouterr()
        code = await asyncio.to_thread(main, [*arguments, "--data-dir", str(self.folder)])
        said = self._capsys.readouterr()
        return code, said.out + said.err

    def counts(self, **expected: int) -> Callable[[], Awaitable[bool]]:
        """Whether these metrics stand at these values."""

        async def are_so() -> bool:
            found = {name: self._metrics.registry.get_sample_value(name) for name in expected}
            return found == expected

        return are_so

    async def sees(self, **bands: RiskBand) -> list[str]:
        """What is told when the pools stand in these bands."""
        pools = {"alpha": ALPHA, "beta": BETA}
        before = len(self.desk.got)
        states = [a_state(pools[name], band) for name, band in bands.items()]
        self._service.on_turn(a_turn(self._clock, states, listed=[ALPHA, BETA]))
        assert await self._service.drain()
        return words(self.desk.got[before:])


@asynccontextmanager
async def on_duty(folder: Path, capsys: Captured, **alerts: Any) -> AsyncIterator[Duty]:
    """Alerts that run, and their socket."""
    desk, clock, metrics = Desk(), SystemClock(), Metrics()
    config = a_config(folder, **{"resolve_after_s": 0.0} | alerts)
    async with alerting(config, desk, clock=clock, metrics=metrics) as service:
        book = LiveBook(BookSettings(NO_MODELS, lambda *_: LEVELS))
        duty = Duty(folder, service, desk, metrics, capsys)
        control = ControlSocket(folder, book, clock, service.duty, note=duty.note)
        await control.start()
        try:
            yield duty
        finally:
            await control.stop()


async def test_what_is_open_is_listed_worst_first(tmp_path: Path, capsys: Captured) -> None:
    """A line an alert, and the same for programs, as the published schema says."""
    async with on_duty(tmp_path, capsys) as duty:
        assert await duty.types("alerts") == (0, "nothing is open\n")
        await duty.sees(alpha=RiskBand.WARNING, beta=RiskBand.CRITICAL)
        code, said = await duty.types("alerts")
        assert code == 0
        first, second = said.splitlines()
        assert first.split()[:3] == ["critical", "margin", BETA]
        assert second.split()[:3] == ["warning", "margin", ALPHA]
        told = json.loads((await duty.types("alerts", "--json"))[1])
    assert main(["schema", "alerts"]) == 0
    jsonschema.validate(told, json.loads(capsys.readouterr().out))
    assert [alert["pool"] for alert in told["alerts"]] == [BETA, ALPHA]


async def test_who_has_it_is_kept_and_shown(tmp_path: Path, capsys: Captured) -> None:
    """Also by the next run."""
    async with on_duty(tmp_path, capsys) as duty:
        await duty.sees(alpha=RiskBand.CRITICAL)
        code, said = await duty.types("ack", ALPHA, "--by", "kim")
        assert (code, said) == (
            0,
            f"{ALPHA} margin: kim has it; no repeats while it is no worse than critical\n",
        )
        assert duty.noted == [("ack", "kim")]
        assert "acknowledged by kim" in (await duty.types("alerts"))[1]
        await eventually(duty.counts(margind_incidents_acknowledged=1), "the metric")
    async with on_duty(tmp_path, capsys) as duty:
        assert await duty.sees(alpha=RiskBand.CRITICAL) == []
        assert "acknowledged by kim" in (await duty.types("alerts"))[1]


async def test_nothing_open_can_be_acknowledged(tmp_path: Path, capsys: Captured) -> None:
    """A wrong name is told, with a code of its own."""
    async with on_duty(tmp_path, capsys) as duty:
        code, said = await duty.types("ack", ALPHA, "--by", "kim")
    assert (code, said) == (2, f"margind: nothing is open of {ALPHA}\n")


async def test_a_silence_hides_until_it_is_ended(tmp_path: Path, capsys: Captured) -> None:
    """What it hides is listed, told when it ends, and the silence is there after a restart."""
    silence = ("silence", "account=~.*/alpha", "--for", "2h", "--reason", "moving money", "--by", "kim")
    async with on_duty(tmp_path, capsys) as duty:
        code, said = await duty.types(*silence)
        assert code == 0
        begun, but = said.splitlines()
        assert begun.startswith("silence ") and begun.endswith(': account=~".*/alpha"')
        assert but == "what is critical or worse is told all the same"
        id_ = said.split()[1]
        assert await duty.sees(alpha=RiskBand.WARNING, beta=RiskBand.WARNING) == ["margin raised warning"]
    async with on_duty(tmp_path, capsys) as duty:
        assert await duty.sees(alpha=RiskBand.WARNING, beta=RiskBand.WARNING) == []
        await eventually(duty.counts(margind_silences=1), "the metric")
        listed = (await duty.types("alerts"))[1]
        assert f"{ALPHA}  held back by silence {id_}" in listed
        assert "    kim: moving money" in listed
        assert await duty.types("unsilence", id_) == (0, f"silence {id_} has ended: what it hid is told\n")

        async def is_told() -> bool:
            return [told.key.pool for told in duty.desk.got] == [ALPHA]

        await eventually(is_told, "what was hidden")
        assert (await duty.types("unsilence", id_))[0] == 2


@pytest.mark.parametrize(
    ("arguments", "words_"),
    [
        (("silence", "colour=red", "--for", "1h", "--reason", "x"), "colour is no label of an alert"),
        (("silence", "venue=bybit", "--for", "2d", "--reason", "x"), "lasts at most 86400 seconds"),
        (("silence", "venue=bybit", "--for", "1h", "--reason", " "), "needs its reason"),
        (("unsilence", "../pools"), "no silence of that id lasts"),
        (("ack", "no/such/pool"), "nothing is open of no/such/pool"),
    ],
)
async def test_what_is_asked_wrongly_changes_nothing(
    tmp_path: Path, capsys: Captured, arguments: tuple[str, ...], words_: str
) -> None:
    """One line with what would be right, and the code of a refusal."""
    async with on_duty(tmp_path, capsys) as duty:
        by = () if arguments[0] == "unsilence" else ("--by", "kim")
        code, said = await duty.types(*arguments, *by)
        assert code == 2
        assert said.startswith("margind: ") and words_ in said and said.count("\n") == 1
        listed = msgspec.json.decode(await ask(tmp_path, "/alerts"), type=Listing)
        assert (listed.alerts, listed.silences) == ((), ())


def test_a_list_is_printable_lines() -> None:
    """Whatever somebody wrote as a reason or a name: no escape reaches the terminal, no line is made up."""
    evil = "a\x1b[2Jb\r\nCRITICAL c"
    alert = Alert(evil, "margin", "d", "warning", 1, 0, 0, evil, 0, None)
    silence = SilenceTold("s1", (f'pool="{evil}"',), evil, evil, 0, 0)
    told = [*lines(Listing(1, (alert,), (silence,)))]
    assert len(told) == 3
    assert all(line.isprintable() for line in told)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"pool": 1}', b'{"matchers": ["a"], "more": 1}', b"\xff"]
)
async def test_a_body_that_is_none_is_refused(tmp_path: Path, capsys: Captured, body: bytes) -> None:
    """Whatever a program sends, the answer says what is wrong with it."""
    async with on_duty(tmp_path, capsys):
        for path in ("/silences", "/alerts/acknowledge"):
            with pytest.raises(AskedWrongly, match=r"\w"):
                await ask(tmp_path, path, "POST", body)


def test_without_a_daemon_there_is_nobody_to_ask(tmp_path: Path, capsys: Captured) -> None:
    """Each command says so, by the path of the socket."""
    for arguments in (["alerts"], ["ack", ALPHA, "--by", "kim"], ["unsilence", "a1"]):
        assert main([*arguments, "--data-dir", str(tmp_path)]) == 3
        assert "no daemon answers at" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["5", "0h", "1w", "h", "1h30m", "9999999h"])
def test_a_time_is_a_number_and_a_unit(text: str, capsys: Captured) -> None:
    """Else it is refused before anybody is asked."""
    with pytest.raises(SystemExit):
        main(["silence", "venue=bybit", "--for", text, "--reason", "x"])
    assert "a time like 90s, 30m, 2h or 1d" in capsys.readouterr().err
