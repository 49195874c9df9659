"""Why something is told that no pool says: in the words of a page, and whose pool it was."""

from __future__ import annotations

from monitor.domain.identity import AccountId, PoolId

PLACEHOLDER = "account"  # monitor.book.accounts: the pool of an account before its first snapshot
GONE = "closed or liquidated: the venue no longer lists it"
NAMED = "the account's own pools are known now and stand in its place"
NOT_KEPT = "the disk does not take what is told: a restart may tell things again, or not tell of an end"
NOT_OURS = "no longer watched: the account is not in the config"


def account_of(pool: PoolId) -> AccountId:
    """The account that a pool is of."""
    return AccountId(pool.rsplit("/", 1)[0])


def is_placeholder(pool: PoolId) -> bool:
    """Whether it only stands for an account of which nothing is known yet."""
    return pool.endswith(f"/{PLACEHOLDER}")
