"""Hyperliquid, by address and without a key.

The venue's words: a *coin* is an instrument ("BTC", "xyz:TSLA" on a builder's dex), *szi* a signed size,
*clearinghouse state* an account on one dex, *abstraction* the account's mode. A pool is the cross account
of one dex, or one isolated position. The stream pushes whole states, so there are no deltas and no sequence
numbers; the streamed and the read state have the same shape and go the same way.

Modes: with abstraction `default` or `disabled` a dex holds its own USDC. In every other mode spot balances
are collateral too, which no model covers: UnsupportedMode, and the stream is not believed meanwhile either.

Dexes: the stream tells all of them. A snapshot reads every dex at first and every five minutes, and between
only those where something was held, because requests are weighed (2 of 1,200 a minute for each state). A
builder's dex with another collateral than USDC is left out of the definitions: a position there is UNKNOWN.

Confirming that everything is gone: the main dex is read through `webData2`, what the venue's own page
shows; for a builder's dex no second endpoint is known, so it is read again two seconds later.

An address is checked through `userRole`: that of an API wallet (agent) holds nothing and would look safe for
ever, and one that the venue has never seen is more likely a typing mistake than an account.

Pages: hyperliquid.gitbook.io/hyperliquid-docs, for-developers/api/{info-endpoint,websocket/subscriptions} and
trading/{liquidations,margin-tiers}, read 2026-11-22 through stored copies. `userAbstraction` and its words,
and `perpDexs`, are also in ccxt 4.5.90; `allPerpMetas` was seen in a recorded answer.
"""

from adapters.hyperliquid.rest import SPEC as SPEC
