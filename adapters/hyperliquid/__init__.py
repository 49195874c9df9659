"""Hyperliquid, by address and without a key.

The venue's words: a *coin* is an instrument ("BTC", "xyz:TSLA" on a builder's dex), *szi* a signed size,
*clearinghouse state* an account on one dex, *abstraction* the account's mode. A pool is the cross account of
one dex, or one isolated position. The stream pushes whole states, so there are no deltas and no sequence numbers.

Pages: hyperliquid.gitbook.io/hyperliquid-docs, for-developers/api/{info-endpoint,websocket/subscriptions} and
trading/{liquidations,margin-tiers}, read 2026-11-22 through stored copies. The type `userAbstraction` and its
words are also in ccxt 4.5.90.
"""
