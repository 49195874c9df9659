"""What an account wants beside its stream and its snapshots: a look at its key's rights, and renewals."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Protocol

import structlog

from adapters.backoff import Backoff
from adapters.venue import KeyRefused, SnapshotSource, StreamExpired, UnsupportedMode, VenueUnavailable
from monitor.domain.identity import AccountId

log = structlog.get_logger()
CALL_TIMEOUT_S = 20.0  # of one call, or of the calls that make one snapshot
REFUSED_PAUSE_S = 60.0  # a refused key is tried again slowly
KEY_CHECK_S = 6 * 3600.0
KEY_CHECK_TRIES = 3  # then the account is watched, and the check goes on beside it
KEY_CHECK_AGAIN_S = 60.0

Refused = KeyRefused | UnsupportedMode


class KeyChecker(Protocol):
    """The part of a SnapshotSource that knows the key."""

    async def check_key(self) -> None:
        """Raises KeyRefused unless the key can read and can neither trade nor withdraw."""


class Upkeep:
    """For one account; `refuse` tells everybody that it may not be watched, and why."""

    def __init__(self, account: AccountId, refuse: Callable[[Refused], None], rng: random.Random) -> None:
        self._account = account
        self._refuse = refuse
        self._rng = rng

    async def admit(self, source: KeyChecker) -> bool:
        """Returns when the key may be used; False when the venue could not say and the check must go on."""
        backoff = Backoff(self._rng)
        tries = 0
        while tries < KEY_CHECK_TRIES:
            try:
                async with asyncio.timeout(CALL_TIMEOUT_S):
                    await source.check_key()
            except (KeyRefused, UnsupportedMode) as refused:
                self._refuse(refused)
                await asyncio.sleep(self.slowly_s())
            except (VenueUnavailable, TimeoutError) as failed:
                tries += 1
                log.warning("key_check_failed", account=self._account, error=words(failed))
                await asyncio.sleep(backoff.next_s())
            else:
                return True
        return False

    async def check_again(self, source: KeyChecker, checked: bool) -> None:
        """Every six hours, every minute while the venue can't say; ends with KeyRefused, never otherwise."""
        while True:
            await asyncio.sleep(KEY_CHECK_S if checked else KEY_CHECK_AGAIN_S)
            checked = False
            try:
                async with asyncio.timeout(CALL_TIMEOUT_S):
                    await source.check_key()
                checked = True
            except UnsupportedMode as mode:
                self._refuse(mode)
            except (VenueUnavailable, TimeoutError) as failed:
                log.warning("key_check_failed", account=self._account, error=words(failed))

    async def keep_alive(self, source: SnapshotSource, every_s: float, reopen: Callable[[str], None]) -> None:
        """Renews what the stream stands on; what can't be renewed is made anew by `reopen`."""
        pause_s = every_s
        backoff = Backoff(self._rng, first_s=2.0, longest_s=60.0)
        while True:
            await asyncio.sleep(pause_s)
            pause_s = every_s
            try:
                async with asyncio.timeout(CALL_TIMEOUT_S):
                    await source.keep_alive()
            except StreamExpired as expired:
                reopen(str(expired))
            except (KeyRefused, UnsupportedMode) as refused:
                self._refuse(refused)
                pause_s = self.slowly_s()
            except (VenueUnavailable, TimeoutError) as failed:
                log.warning("keep_alive_failed", account=self._account, error=words(failed))
                pause_s = 1.0 + backoff.next_s()
            else:
                backoff.reset()

    def slowly_s(self) -> float:
        """The pause after a refusal, spread so that accounts refused together don't come together."""
        return REFUSED_PAUSE_S * self._rng.uniform(0.8, 1.2)


def words(failed: BaseException) -> str:
    """What to log: our own exceptions have no secrets in them; a time-out has no words."""
    return str(failed) or type(failed).__name__
