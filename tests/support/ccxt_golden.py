"""Answers of an exchange as its pages show them, through the real ccxt class, to what we make of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from adapters.ccxt_venue.client import ReadOnlyClient, opened
from adapters.ccxt_venue.errors import ccxt_errors
from adapters.ccxt_venue.exchanges import ENTRIES
from adapters.ccxt_venue.source import CcxtSource
from adapters.gate import ConnectLimit, VenueGate
from monitor.clock import ManualClock
from monitor.config import Account, Credentials, Secret
from monitor.domain.event import AccountSnapshot
from monitor.domain.identity import account_id

FOLDER = Path(__file__).parents[1] / "golden" / "ccxt"
ADDRESS = "0x" + "12" * 20


class Case(NamedTuple):
    """One account: what the exchange answers by path, and what we have to make of it."""

    exchange: str
    what: str
    markets: list[dict[str, Any]]
    answers: dict[str, Any]
    pools: dict[str, dict[str, Any]]
    positions: list[dict[str, Any]]

    def __str__(self) -> str:
        return f"{self.exchange}: {self.what}"


def cases() -> list[Case]:
    """All of the folder; each file names its source."""
    found = []
    for path in sorted(FOLDER.glob("*.json")):
        file = json.loads(path.read_text())
        assert file["source"], path
        found += [Case(path.stem, markets=file["markets"], **case) for case in file["cases"]]
    return found


class Answering:
    """Stands for the network behind a ccxt exchange; remembers what was asked."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self._answers = answers
        self.asked: list[tuple[str, str]] = []

    async def fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        """The answer whose key is in the address, or in the body of a POST."""
        parts = urlsplit(url)
        self.asked.append((method, parts.path))
        place = f"{parts.path}?{parts.query} {body or ''}"
        for key, answer in self._answers.items():
            if all(word in place for word in key.split(" ")):
                return _copied(answer)
        raise AssertionError(f"nothing is written down for {method} {place}")


def _copied(answer: Any) -> Any:
    if isinstance(answer, dict) and "raises" in answer:
        raise getattr(ccxt_errors(), answer["raises"])("as written down")
    return json.loads(json.dumps(answer))


async def client_of(exchange: str, answers: dict[str, Any], markets: list[dict[str, Any]]) -> ReadOnlyClient:
    """A client whose network is the written answers."""
    account = account_of(exchange)
    client = await opened(exchange, account, ENTRIES[exchange], gate())
    client._exchange.set_markets([{"taker": 0.0005, "maker": 0.0002, **market} for market in markets])
    client._exchange.throttle = _at_once
    client._send = Answering(answers).fetch
    return client


def account_of(exchange: str) -> Account:
    """An account with everything that an exchange may want."""
    key = Credentials(Secret("key", "a test"), Secret("c2VjcmV0", "a test"), Secret("pass", "a test"))
    return Account("alpha", f"ccxt:{exchange}", "majors", credentials=key, address=ADDRESS)


def gate() -> VenueGate:
    """Of nobody else."""
    return VenueGate(ConnectLimit(100, 1.0), ManualClock())


async def snapshot_of(case: Case) -> AccountSnapshot:
    """What we make of the case."""
    client = await client_of(case.exchange, case.answers, case.markets)
    name = account_id(f"ccxt:{case.exchange}", "alpha")
    source = CcxtSource(name, client, ENTRIES[case.exchange], ManualClock())
    try:
        return await source.snapshot()
    finally:
        await client.close()


async def _at_once(cost: Any = None) -> None:
    return
