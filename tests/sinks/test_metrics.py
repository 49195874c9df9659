"""The pages over real HTTP: what is served, to whom, and what is refused."""

from __future__ import annotations

import asyncio
import http.client
import json
import shutil
import socket
import subprocess
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from monitor.clock import ManualClock
from monitor.config import Metrics as MetricsConfig
from monitor.names import Metrics
from monitor.sinks.metrics import BadMetricsAddress, MetricsServer
from tests.support.scrape import get, mixed_view, samples
from tests.support.views import turn_with

Serve = Callable[..., MetricsServer]


@pytest.mark.parametrize("per_pool", [False, True])
def test_promtool_finds_nothing_to_say(
    serve: Serve, clock: ManualClock, metrics: Metrics, per_pool: bool
) -> None:
    """`promtool check metrics` is clean, with a sample in every labelled family."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool on this machine (Debian package prometheus)")
    for family in vars(metrics).values():
        if getattr(family, "_labelnames", ()):
            family.labels(*(["x"] * len(family._labelnames)))
    text = get(serve(mixed_view(clock), per_pool=per_pool), "/metrics")[1]
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=text.encode(), capture_output=True, timeout=30, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_our_own_cost_is_shown(serve: Serve) -> None:
    """CPU, memory and open files of the daemon, its release, and that it is up, before any turn."""
    found = samples(get(serve(None), "/metrics")[1])
    names = {name for name, _ in found}
    assert names >= {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"}
    assert names >= {"margind_build_info", "margind_up", "margind_store_up"}


def test_alive_while_turns_come(serve: Serve, clock: ManualClock) -> None:
    """/healthz is 200 while the newest turn is younger than 10 s, and 503 with the reason after."""
    server = serve(mixed_view(clock))
    clock.advance_s(9.9)
    assert get(server, "/healthz")[0] == 200
    clock.advance_s(0.1)
    status, body = get(server, "/healthz")
    assert (status, json.loads(body)) == (
        503,
        {"ok": False, "reason": "the newest turn is older than 10 s", "last_turn_age_s": 10.0},
    )


def test_not_alive_before_the_first_turn(serve: Serve) -> None:
    """Neither alive nor ready without a turn, and both say so."""
    server = serve(None)
    for path in ("/healthz", "/readyz"):
        status, body = get(server, path)
        assert (status, json.loads(body)) == (503, {"ok": False, "reason": "no turn yet"})


def test_ready_when_every_account_has_a_verdict(serve: Serve, clock: ManualClock) -> None:
    """UNKNOWN is a verdict; an account without a pool has none, and is named."""
    known = tuple(f"loopback/account-{n}" for n in range(6))
    status, body = get(serve(mixed_view(clock), known), "/readyz")
    assert status == 200
    assert json.loads(body) == {
        "ok": True, "reason": "every account has a verdict", "last_turn_age_s": 0.0, "pools": 6, "unknown": 1
    }  # fmt: skip


def test_not_ready_while_an_account_is_missing(serve: Serve, clock: ManualClock) -> None:
    """503 until the last account has a verdict, with the names of those that have none."""
    status, body = get(serve(mixed_view(clock), ("loopback/account-0", "binance/alpha")), "/readyz")
    assert status == 503
    assert json.loads(body)["missing"] == ["binance/alpha"]
    assert json.loads(body)["reason"] == "1 accounts have no verdict yet"


def test_an_old_view_is_not_ready(serve: Serve, clock: ManualClock) -> None:
    """A daemon that stands still is not ready, whatever its last verdicts were."""
    server = serve(mixed_view(clock), ("loopback/account-0",))
    clock.advance_s(11)
    assert get(server, "/readyz")[0] == 503


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:9464", "10.0.0.1", "127.0.0.1.evil.example", "[", ""]
)
def test_another_host_is_refused(serve: Serve, clock: ManualClock, host: str) -> None:
    """A page that rebound its name to loopback reads nothing: its Host header gives it away."""
    server = serve(mixed_view(clock))
    address = urlsplit(server.url)
    with socket.create_connection((str(address.hostname), address.port), timeout=10) as raw:
        raw.sendall(f"GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        answer = raw.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.0 403")
    assert b"margind_" not in answer


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:1", "[::1]:9464"])
def test_loopback_names_are_served(serve: Serve, clock: ManualClock, host: str) -> None:
    """Any name of this machine's loopback is served."""
    assert get(serve(mixed_view(clock)), "/healthz", host)[0] == 200


def test_other_pages_are_not_there(serve: Serve) -> None:
    """404 names the three pages; a method that changes things is not implemented."""
    server = serve(None)
    status, body = get(server, "/metrics/../../etc/passwd")
    assert (status, json.loads(body)) == (404, {"reason": "the pages are /metrics, /healthz and /readyz"})
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=10)
    connection.request("POST", "/metrics")
    assert connection.getresponse().status == 501
    connection.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "example.com", ""])
def test_other_addresses_than_loopback_are_refused(metrics: Metrics, clock: ManualClock, host: str) -> None:
    """Positions are market-moving: an address that others can reach is refused by the key's name."""
    server = MetricsServer(MetricsConfig(host=host, port=0), metrics, clock, lambda: None)
    with pytest.raises(BadMetricsAddress, match=r"metrics\.host: .* is no loopback address"):
        server.start()


def test_a_port_in_use_is_refused(metrics: Metrics, clock: ManualClock) -> None:
    """A taken port is named, with what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = MetricsServer(MetricsConfig(port=taken.getsockname()[1]), metrics, clock, lambda: None)
        with pytest.raises(BadMetricsAddress, match=r"metrics\.port: can't listen on 127\.0\.0\.1:\d+"):
            server.start()


@pytest.mark.slow
def test_silent_clients_do_not_shut_others_out(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Places are bounded, a client that says nothing loses its place, and then others are served."""
    monkeypatch.setattr("monitor.sinks.metrics._Handler.timeout", 0.2)
    server = serve(None)
    address = urlsplit(server.url)
    silent = [socket.create_connection((str(address.hostname), address.port), timeout=10) for _ in range(20)]
    try:
        for connection in silent:  # hung up on, all of them, the ones over the bound at once
            assert connection.recv(1) == b""
    finally:
        for connection in silent:
            connection.close()
    assert get(server, "/metrics")[0] == 200


async def test_a_scrape_runs_beside_the_loop(serve: Serve, clock: ManualClock) -> None:
    """While a large book is scraped, series of every pool included, the event loop goes on."""
    server = serve(turn_with(20_000, clock).view, per_pool=True)
    scrape = asyncio.create_task(asyncio.to_thread(get, server, "/metrics"))
    beats = 0
    while not scrape.done():
        await asyncio.sleep(0.001)
        beats += 1
    status, text = await scrape
    assert status == 200
    assert text.count("\nmargind_pool_band{") == 20_000
    assert beats > 3
