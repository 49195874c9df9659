"""/metrics, /healthz and /readyz over HTTP on loopback, in threads of their own.

A scrape of a large book takes long enough to be felt, so none of it runs on the event loop. Positions are
market-moving: other addresses than loopback are refused, and so is a Host header that names another machine
(a web page that rebinds its DNS name to 127.0.0.1 would otherwise read us).
"""

from __future__ import annotations

import ipaddress
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import msgspec
import structlog
from prometheus_client import CONTENT_TYPE_LATEST, GCCollector, ProcessCollector, generate_latest

from monitor.clock import Clock
from monitor.config import Metrics as MetricsConfig
from monitor.domain.turn import BookView
from monitor.names import Metrics
from monitor.sinks.health import Health, liveness, readiness
from monitor.sinks.pool_series import PoolSeries
from monitor.sinks.view_collector import ViewCollector

log = structlog.get_logger()
REQUEST_S = 5.0  # a client that says nothing is hung up on
MOST_REQUESTS = 8
JSON = "application/json"
Page = tuple[HTTPStatus, str, bytes]


class BadMetricsAddress(ValueError):
    """[metrics] host or port can't be used; the text names the key."""


class MetricsServer:
    """`start` binds and serves, `stop` ends it; `url` says where. `view` is asked from other threads."""

    def __init__(
        self,
        config: MetricsConfig,
        metrics: Metrics,
        clock: Clock,
        view: Callable[[], BookView | None],
        accounts: Sequence[str] = (),
    ) -> None:
        self._config, self._clock, self._view = config, clock, view
        self._accounts = tuple(accounts)
        self._registry = metrics.registry
        self._registry.register(ViewCollector(view, clock))
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._series = PoolSeries() if config.per_pool else None
        self._one_scrape = threading.Lock()
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        """`http://127.0.0.1:9464`, with the port that was bound."""
        assert self._server is not None
        host = self._config.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self._server.server_address[1]}"

    def start(self) -> None:
        """Binds and serves in a thread; raises BadMetricsAddress."""
        self._server = _bound(self._config, self._page)
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="metrics", daemon=True
        ).start()

    def stop(self) -> None:
        """Answers no more requests and frees the port."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def _page(self, path: str) -> Page:
        now_ns = self._clock.monotonic_ns()
        if path == "/metrics":
            return HTTPStatus.OK, CONTENT_TYPE_LATEST, self._exposition()
        if path == "/healthz":
            return _answer(liveness(self._view(), now_ns))
        if path == "/readyz":
            return _answer(readiness(self._view(), now_ns, self._accounts))
        return _refusal(HTTPStatus.NOT_FOUND, "the pages are /metrics, /healthz and /readyz")

    def _exposition(self) -> bytes:
        with self._one_scrape:
            text = generate_latest(self._registry)
            view = self._view()
            if self._series is not None and view is not None:
                text += self._series.render(view)
            return text


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], page: Callable[[str], Page]) -> None:
        self.page = page
        self.places = threading.BoundedSemaphore(MOST_REQUESTS)
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self.places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no news; a page that fails is."""
        error = sys.exception()
        if not isinstance(error, OSError):
            log.error("page_failed", error=type(error).__name__, exc_info=error)


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = REQUEST_S

    def do_GET(self) -> None:
        if not _names_loopback(self.headers.get("Host", "")):
            self._send(
                *_refusal(HTTPStatus.FORBIDDEN, "ask by the name localhost or by the loopback address")
            )
        else:
            self._send(*self.server.page(urlsplit(self.path).path))

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        return "margind"

    def log_message(self, format: str, *args: Any) -> None:
        """Scrapes are no news."""


def _bound(config: MetricsConfig, page: Callable[[str], Page]) -> _Server:
    if not _is_loopback(config.host):
        raise BadMetricsAddress(
            f"metrics.host: {config.host!r} is no loopback address; use 127.0.0.1 and put a proxy before it"
        )
    kind = _Server6 if ":" in config.host else _Server
    try:
        return kind((config.host, config.port), page)
    except OSError as error:
        raise BadMetricsAddress(
            f"metrics.port: can't listen on {config.host}:{config.port} ({error.strerror});"
            " choose another port, or 0 for any free one"
        ) from error


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _names_loopback(header: str) -> bool:
    try:
        return _is_loopback(urlsplit(f"//{header}").hostname or "")
    except ValueError:
        return False


def _answer(health: Health) -> Page:
    status = HTTPStatus.OK if health.ok else HTTPStatus.SERVICE_UNAVAILABLE
    return status, JSON, msgspec.json.encode(health) + b"\n"


def _refusal(status: HTTPStatus, reason: str) -> Page:
    return status, JSON, msgspec.json.encode({"reason": reason}) + b"\n"
