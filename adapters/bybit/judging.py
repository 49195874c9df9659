"""What Bybit's error codes mean for us (docs v5, error; the same codes as in ccxt 4.5.90)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from adapters.bybit.codec import VENUE
from adapters.bybit.frames import Fault
from adapters.gate import VenueGate
from adapters.rest import ClockSkew
from adapters.venue import KeyRefused, RateLimited, UnsupportedMode, VenueUnavailable
from monitor.names import Metrics

BAD_TIME = 10002
BAD_KEY = {
    10003: "it is not known",
    10004: "its signature is wrong",
    10005: "it may not read this",
    10007: "it is missing",
    10008: "the user is banned",
    10010: "this address is not on its list",
    33004: "it has expired",
}
NOT_UNIFIED = {10028}
TOO_MANY = 10006  # calls of this key
TOO_MANY_BY_ADDRESS = {10009, 10018}
FORBIDDEN = 403  # "access too frequent": the address is shut out for ten minutes
KEY_PAUSE_S = 5.0
ADDRESS_PAUSE_S = 600.0


class PermissionMissing(KeyRefused):
    """10005: the key is good, but not for this endpoint."""


def judge_of(gate: VenueGate, metrics: Metrics) -> Callable[[int, Mapping[str, str], str], Exception | None]:
    """The judge of every answer; one that asks for a pause closes the gate for all accounts."""

    def limited(pause_s: float, why: str) -> RateLimited:
        gate.rest.close(pause_s)
        metrics.rate_limited.labels(VENUE).inc()
        return RateLimited(f"{VENUE}: {why}, no calls for {pause_s:.0f} s", pause_s)

    def judge(status: int, _: Mapping[str, str], body: str) -> Exception | None:
        if status == FORBIDDEN:
            return limited(ADDRESS_PAUSE_S, "access too frequent")
        code = _code(body)
        if code == TOO_MANY:
            return limited(KEY_PAUSE_S, "too many calls")
        if code in TOO_MANY_BY_ADDRESS:
            return limited(ADDRESS_PAUSE_S, "too many calls from this address")
        return _meaning(status, code)

    return judge


def _meaning(status: int, code: int | None) -> Exception | None:
    if code == 0 and status < 400:
        return None
    if code == BAD_TIME:
        return ClockSkew(f"{VENUE}: our timestamp is refused ({code})")
    if code in BAD_KEY:
        kind = PermissionMissing if code == 10005 else KeyRefused
        return kind(f"{VENUE} refuses the key: {BAD_KEY[code]} ({code})")
    if status == 401:
        return KeyRefused(f"{VENUE} refuses the key (401)")
    if code in NOT_UNIFIED:
        return UnsupportedMode("Bybit accounts that are not unified are not supported (docs v5, acct-mode)")
    return VenueUnavailable(f"{VENUE} answered {status}, code {code}")


def _code(body: str) -> int | None:
    try:
        return msgspec.json.decode(body, type=Fault).retCode
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
