"""Keys, signatures and clocks of the venue, and its way to refuse: HTTP 200 with a code of its own."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import msgspec
from aiohttp import web

from adapters.loopback.faults import Faults
from adapters.loopback.holdings import Account
from adapters.loopback.world import World

DEFAULT_WINDOW_MS = 5000
AHEAD_MS = 1000


class Refused(Exception):
    """An error answer: the venue's own code and its words."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


def answer(
    result: Any, now_ms: int, code: int = 0, words: str = "OK", headers: dict[str, str] | None = None
) -> web.Response:
    """The envelope that every answer has."""
    body = {"retCode": code, "retMsg": words, "result": result, "retExtInfo": {}, "time": now_ms}
    return web.Response(body=msgspec.json.encode(body), content_type="application/json", headers=headers)


def signature(account: Account, payload: str) -> str:
    """HMAC-SHA256 in hex."""
    return hmac.new(account.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


class Doorkeeper:
    """Finds the account of a call or a connection, or refuses it as the venue would."""

    def __init__(self, venue: str, world: World, faults: Faults) -> None:
        self._venue = venue
        self._world = world
        self._faults = faults

    def venue_ms(self) -> int:
        """The venue's clock, which may be wrong on purpose."""
        return self._world.now_ms() + self._faults.of(self._venue).clock_ahead_ms

    def account_of_request(self, request: web.Request, body: str | None = None) -> Account:
        """The account of a signed GET, or of a POST with this body."""
        headers = request.headers
        account = self._account_of_key(headers.get("X-BAPI-API-KEY", ""))
        stamp = headers.get("X-BAPI-TIMESTAMP", "")
        window = headers.get("X-BAPI-RECV-WINDOW", str(DEFAULT_WINDOW_MS))
        signed = request.raw_path.partition("?")[2] if body is None else body
        expected = signature(account, f"{stamp}{account.key}{window}{signed}")
        if not hmac.compare_digest(expected, headers.get("X-BAPI-SIGN", "")):
            raise Refused(10004, "error sign! please check the signature generation algorithm.")
        self._check_time(stamp, window)
        return account

    def account_of_connection(self, key: str, expires: str, given: str) -> Account:
        """The account that signs in to the private stream."""
        account = self._account_of_key(key)
        if not expires.isdigit() or int(expires) <= self.venue_ms():
            raise Refused(10004, "Params Error")
        if not hmac.compare_digest(signature(account, f"GET/realtime{expires}"), given):
            raise Refused(10004, "error:USVC1111")
        return account

    def _account_of_key(self, key: str) -> Account:
        for account in self._world.accounts_of(self._venue):
            found = account.behind(key)
            if found is not None and not self._faults.of_account(account.id).key_rejected:
                return found
        raise Refused(10003, "API key is invalid.")

    def _check_time(self, stamp: str, window: str) -> None:
        if not stamp.isdigit() or not window.isdigit():
            raise Refused(10001, "Request parameter error.")
        now_ms = self.venue_ms()
        if not now_ms - int(window) <= int(stamp) < now_ms + AHEAD_MS:
            raise Refused(
                10002,
                "invalid request, please check your server timestamp or recv_window param. "
                f"req_timestamp[{stamp}],server_timestamp[{now_ms}],recv_window[{window}]",
            )


class BybitRefusals:
    """The venue's words for refusals that concern everybody."""

    def too_many_requests(self, *, banned: bool, retry_after_s: float, until_ms: int) -> web.Response:
        """Code 10006 with the time of the reset first, HTTP 403 for the whole address when one goes on."""
        if banned:
            return web.Response(status=403, text="403, access too frequent. Please try again later.")
        headers = {"X-Bapi-Limit-Reset-Timestamp": str(until_ms), "X-Bapi-Limit-Status": "0"}
        words = "Too many visits. Exceeded the API Rate Limit."
        return answer({}, until_ms - round(retry_after_s * 1000), 10006, words, headers)

    def server_error(self, status: int) -> web.Response:
        """A broken backend."""
        return web.Response(status=status, text="internal server error")
