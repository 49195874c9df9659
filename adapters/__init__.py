"""Venues. The table names every one of ours; how to add a line to it is in README.md beside this file."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.account_feed import AccountFeed
from adapters.binance_usdm import SPEC as BINANCE_USDM
from adapters.bybit import SPEC as BYBIT
from adapters.ccxt_venue import PREFIX, CcxtSpec, ccxt_spec
from adapters.ccxt_venue.feed import CcxtAccountFeed
from adapters.ccxt_venue.public import CcxtPublicFeed
from adapters.hyperliquid import SPEC as HYPERLIQUID
from adapters.public_feed import PublicFeed
from adapters.session import Tools
from adapters.venue import Post, VenueSpec
from monitor.config import Account

VENUES: dict[str, VenueSpec] = {spec.name: spec for spec in (BINANCE_USDM, BYBIT, HYPERLIQUID)}


def spec_of(venue: str) -> VenueSpec | CcxtSpec | None:
    """What a venue of the config is; None for one that this release has no adapter for. Raises
    ccxt_venue.NoSuchExchange for a `ccxt:NAME` that ccxt does not have."""
    return ccxt_spec(venue) if venue.startswith(PREFIX) else VENUES.get(venue)


def public_feed_of(
    spec: VenueSpec | CcxtSpec, accounts: Sequence[Account], post: Post, tools: Tools
) -> PublicFeed | CcxtPublicFeed:
    """The one public feed of accounts that share a market."""
    if isinstance(spec, CcxtSpec):
        return CcxtPublicFeed(accounts, spec.exchange, spec.entry, post, tools)
    return PublicFeed(accounts, spec, post, tools)


def account_feed_of(
    spec: VenueSpec | CcxtSpec,
    account: Account,
    post: Post,
    tools: Tools,
    public: PublicFeed | CcxtPublicFeed,
) -> AccountFeed | CcxtAccountFeed:
    """The feed of one account, which tells the public one what it holds."""
    if isinstance(spec, CcxtSpec):
        assert isinstance(public, CcxtPublicFeed)
        return CcxtAccountFeed(account, spec.exchange, spec.entry, post, tools, public.watch, public.share)
    assert isinstance(public, PublicFeed)
    return AccountFeed(account, spec, post, tools, public.watch)
