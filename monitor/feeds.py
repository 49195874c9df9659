"""Every feed of one config, supervised: a public one for each market, one for each account.

A feed that crashes is a gap of what it carried, and comes back with a pause.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from adapters import account_feed_of, public_feed_of, spec_of
from adapters.account_feed import AccountFeed
from adapters.ccxt_venue import CcxtSpec, NoSuchExchange
from adapters.ccxt_venue.feed import CcxtAccountFeed
from adapters.ccxt_venue.public import CcxtPublicFeed
from adapters.gate import Gates, market_key
from adapters.public_feed import PublicFeed
from adapters.session import Tools
from adapters.venue import Post, VenueSpec
from monitor.clock import Clock
from monitor.config import Account, Config
from monitor.domain.event import StreamGap
from monitor.domain.identity import AccountId
from monitor.domain.turn import Reconcile
from monitor.exit_codes import CommandFailed, ExitCode
from monitor.names import Metrics
from monitor.recording.recorder import Recorder
from monitor.supervise import supervise

Spec = VenueSpec | CcxtSpec
Tasks = list[asyncio.Task[None]]


class Feeds:
    """What they tell goes through `post`, past the recorder where there is one."""

    def __init__(
        self,
        config: Config,
        post: Post,
        clock: Clock,
        metrics: Metrics,
        rng: random.Random,
        recorder: Recorder | None,
    ) -> None:
        self._accounts = config.accounts
        self._clock = clock
        self._metrics = metrics
        self._rng = rng
        self._tap = recorder.frame if recorder is not None else None
        self._public_door = recorder.public_door(post) if recorder is not None else post
        self._account_door = recorder.account_door(post) if recorder is not None else post
        self._by_account: dict[AccountId, AccountFeed | CcxtAccountFeed] = {}

    def start(self, group: asyncio.TaskGroup) -> Tasks:
        """All of them, as tasks of the group."""
        gates = Gates(self._clock)
        by_market: dict[tuple[object, ...], list[Account]] = {}
        for account in self._accounts:
            by_market.setdefault(market_key(account), []).append(account)
        return [task for accounts in by_market.values() for task in self._market(group, accounts, gates)]

    def reconcile_soon(self, wish: Reconcile) -> None:
        """Passes on that an account wants a snapshot."""
        feed = self._by_account.get(wish.account)
        if feed is not None:
            feed.reconcile_soon(wish.why, wish.confirm)

    def _market(self, group: asyncio.TaskGroup, accounts: list[Account], gates: Gates) -> Tasks:
        """Accounts that share prices, limits and bans."""
        spec = spec_for(accounts[0])
        gate = gates.of(accounts[0], spec.connects)
        tools = Tools(self._clock, self._metrics, self._rng, gate, self._tap)
        public = public_feed_of(spec, accounts, self._public_door, tools)
        tasks = [self._public_task(group, spec.name, public)]
        return tasks + [self._account_task(group, spec, account, tools, public) for account in accounts]

    def _public_task(
        self, group: asyncio.TaskGroup, venue: str, feed: PublicFeed | CcxtPublicFeed
    ) -> asyncio.Task[None]:
        def crashed(_: Exception) -> None:
            self._public_door(StreamGap(venue, None, "public feed crashed", self._clock.monotonic_ns()))

        return self._supervised(group, f"public {venue}", feed.run, crashed)

    def _account_task(
        self,
        group: asyncio.TaskGroup,
        spec: Spec,
        account: Account,
        tools: Tools,
        public: PublicFeed | CcxtPublicFeed,
    ) -> asyncio.Task[None]:
        feed = account_feed_of(spec, account, self._account_door, tools, public)
        self._by_account[feed.id] = feed

        def crashed(_: Exception) -> None:
            now_ns = self._clock.monotonic_ns()
            self._account_door(StreamGap(spec.name, feed.id, "account feed crashed", now_ns))

        return self._supervised(group, f"account {feed.id}", feed.run, crashed)

    def _supervised(
        self,
        group: asyncio.TaskGroup,
        name: str,
        run: Callable[[], Awaitable[None]],
        crashed: Callable[[Exception], None],
    ) -> asyncio.Task[None]:
        return group.create_task(supervise(name, run, self._metrics, crashed, self._rng), name=name)


def spec_for(account: Account) -> Spec:
    """What the account's venue is; raises CommandFailed for one that this release does not have."""
    try:
        spec = spec_of(account.venue)
    except NoSuchExchange as unknown:
        raise CommandFailed(f"accounts {account.name!r}: {unknown}", ExitCode.REFUSED) from None
    if spec is None:
        raise CommandFailed(
            f"accounts {account.name!r}: this release has no adapter for venue {account.venue!r}",
            ExitCode.REFUSED,
        )
    return spec
