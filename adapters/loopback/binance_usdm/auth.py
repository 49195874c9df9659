"""Keys, signatures and clocks of the venue's REST calls, and its way to refuse them."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qs

import msgspec
from aiohttp import web

from adapters.loopback.faults import Faults
from adapters.loopback.holdings import Account
from adapters.loopback.world import World

DEFAULT_WINDOW_MS = 5000
LARGEST_WINDOW_MS = 60_000
AHEAD_MS = 1000


class Refused(Exception):
    """An error answer of the venue: HTTP status, its own code and its words."""

    def __init__(self, status: int, code: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.code = code
        self.words = words


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON answer."""
    return web.Response(
        body=msgspec.json.encode(body), status=status, content_type="application/json", headers=headers
    )


def error(status: int, code: int, words: str, headers: dict[str, str] | None = None) -> web.Response:
    """An error answer."""
    return answer({"code": code, "msg": words}, status, headers)


class Doorkeeper:
    """Finds the account of a call, or refuses it as the venue would."""

    def __init__(self, venue: str, world: World, faults: Faults) -> None:
        self._venue = venue
        self._world = world
        self._faults = faults

    def venue_ms(self) -> int:
        """The venue's clock, which may be wrong on purpose."""
        return self._world.now_ms() + self._faults.of(self._venue).clock_ahead_ms

    def account_of_key(self, request: web.Request) -> Account:
        """For calls that want the key only."""
        key = request.headers.get("X-MBX-APIKEY")
        if not key:
            raise Refused(401, -2014, "API-key format invalid.")
        for account in self._world.accounts_of(self._venue):
            found = account.behind(key)
            if found is not None and not self._faults.of_account(account.id).key_rejected:
                return found
        raise Refused(401, -2015, "Invalid API-key, IP, or permissions for action.")

    async def account_of_signature(self, request: web.Request) -> tuple[Account, dict[str, str]]:
        """For calls that want a signature too; with the parameters of query and body."""
        account = self.account_of_key(request)
        payload = request.raw_path.partition("?")[2] + (await request.text())
        signed, _, given = payload.rpartition("signature=")
        parameters = {name: values[-1] for name, values in parse_qs(payload, keep_blank_values=True).items()}
        if "timestamp" not in parameters:
            raise Refused(
                400, -1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed."
            )
        expected = hmac.new(account.secret.encode(), signed.rstrip("&").encode(), hashlib.sha256)
        if not hmac.compare_digest(expected.hexdigest(), given):
            raise Refused(400, -1022, "Signature for this request is not valid.")
        self._check_time(parameters)
        return account, parameters

    def _check_time(self, parameters: dict[str, str]) -> None:
        try:
            sent_ms = int(parameters["timestamp"])
            window_ms = int(parameters.get("recvWindow", DEFAULT_WINDOW_MS))
        except ValueError:
            raise Refused(400, -1100, "Illegal characters found in parameter 'timestamp'.") from None
        if window_ms > LARGEST_WINDOW_MS:
            raise Refused(400, -1131, "recvWindow must be less than 60000.")
        now_ms = self.venue_ms()
        if sent_ms >= now_ms + AHEAD_MS:
            raise Refused(400, -1021, "Timestamp for this request was 1000ms ahead of the server's time.")
        if now_ms - sent_ms > window_ms:
            raise Refused(400, -1021, "Timestamp for this request is outside of the recvWindow.")


class BinanceRefusals:
    """The venue's words for refusals that concern everybody."""

    def too_many_requests(self, *, banned: bool, retry_after_s: float, until_ms: int) -> web.Response:
        """429 first, 418 when one goes on calling."""
        headers = {"Retry-After": str(round(retry_after_s))}
        if banned:
            words = f"Way too many requests; IP banned until {until_ms}."
            return error(418, -1003, words, headers)
        words = "Too many requests; current limit of IP is 2400 requests per minute."
        return error(429, -1003, words, headers)

    def server_error(self, status: int) -> web.Response:
        """A broken backend."""
        return error(status, -1001, "Internal error; unable to process your request. Please try again.")
