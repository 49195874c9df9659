"""Listen keys: one per account, 60 minutes unless renewed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

VALID_MS = 60 * 60 * 1000


@dataclass
class ListenKey:
    """The key and the moment it ends."""

    key: str
    ends_ms: int


class ListenKeys:
    """All keys that are valid now."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._by_account: dict[str, ListenKey] = {}
        self._made = 0

    def obtain(self, account: str) -> str:
        """The account's key, extended, or a new one."""
        if not self.extend(account):
            self._made += 1
            digest = hashlib.sha256(f"{account} {self._made}".encode()).hexdigest()
            self._by_account[account] = ListenKey(digest, self._now_ms() + VALID_MS)
        return self._by_account[account].key

    def extend(self, account: str) -> bool:
        """Gives the key 60 more minutes; False when there is none."""
        held = self._by_account.get(account)
        if held is None:
            return False
        held.ends_ms = self._now_ms() + VALID_MS
        return True

    def drop(self, account: str) -> str | None:
        """Ends the account's key and tells which it was."""
        held = self._by_account.pop(account, None)
        return held.key if held else None

    def owner(self, key: str) -> str | None:
        """The account of a valid key."""
        found = [account for account, held in self._by_account.items() if held.key == key]
        return found[0] if found else None

    def expired(self) -> list[str]:
        """The accounts whose keys have run out."""
        now_ms = self._now_ms()
        return [account for account, held in self._by_account.items() if held.ends_ms <= now_ms]
