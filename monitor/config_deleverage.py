"""[deleverage] and [[hooks]]: who may be asked to cut positions of which pools, and within which bounds."""

from __future__ import annotations

import msgspec

from monitor.secret import Secret

CONFIRM_WITHIN_S = 60.0
EVERY_SYMBOL = "*"


class Deleverage(msgspec.Struct, frozen=True):
    """[deleverage]: a pool is covered whose desk, account or own id is listed; nothing is, unless said so."""

    desks: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()  # venue/account
    pools: tuple[str, ...] = ()  # venue/account/pool
    level: str = "critical"  # from which a plan is made
    target_ratio: float = 0.6  # that the plan is to reach
    target_distance: float = 0.04  # as far liquidation is to be after it, a fraction; 0: any
    dry_run: bool = True  # requests say so, and nobody acts on them
    armed: bool = False  # may be armed at run time; both are needed
    symbols: tuple[str, ...] = ()  # instruments that may be cut, "bybit:BTCUSDT"; "*" is every one
    most_action_usd: float | None = None
    most_hour_usd: float | None = None
    most_day_usd: float | None = None
    max_slippage: float = 0.005  # a fraction of the mark
    fresh_s: float = 5.0  # no mark of the pool may be older
    account_fresh_s: float = 90.0  # since the account was last read whole
    second_source_tolerance: float = 0.005  # between the pool's mark and another source's, a fraction
    margin_error_limit: float = 0.01  # ours against the venue's, relative
    cooldown_s: float = 300.0  # after a request, of the same account
    recovery_grace_s: float = 120.0  # after a start, an outage or UNKNOWN
    expires_s: float = 30.0  # a request is void after that
    lease_s: float = 10.0  # of the right to act, held in Redis
    arm_longest_s: float = 43_200.0
    confirm: bool = False  # each request waits for `margind confirm`
    key: Secret | None = None  # signs what goes over Redis
    audit_key: Secret | None = None  # of the audit log's chain


class Hook(msgspec.Struct, frozen=True):
    """[[hooks]]: who is asked. `kind` is webhook, stream, program or executor; the rest is for that kind."""

    name: str
    kind: str
    url: str | None = None  # webhook
    secret: Secret | None = None  # webhook signing secret whsec_...
    secret_previous: Secret | None = None
    allow_private_destinations: bool = False
    argv: tuple[str, ...] = ()  # program
    time_limit_s: float = 10.0  # program


def covers(config: Deleverage, desk: str, account: str, pool: str) -> bool:
    """Whether plans are made for a pool."""
    return desk in config.desks or account in config.accounts or pool in config.pools


def is_allowed(config: Deleverage, instrument: str) -> bool:
    """Whether an instrument may be cut."""
    return EVERY_SYMBOL in config.symbols or instrument in config.symbols
