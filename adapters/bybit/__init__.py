"""Bybit v5, unified trading account: linear contracts settled in USDT and USDC.

The venue's words: *walletBalance* is a coin without unrealised profit, *spotBorrow* what is owed of it,
*positionIdx* 0 a one-way position, 1 and 2 the long and the short leg of hedge mode, *risk limit* a tier
(its value is the upper bound), *mmDeduction* the deduction. The margin mode belongs to the account, not
to a position:

- REGULAR_MARGIN (cross): one pool `unified` in USD, model `bybit_unified`, all coins and positions in it.
- ISOLATED_MARGIN: one pool `isolated-SYMBOL` a position (`isolated-SYMBOL-long` and `-short` in hedge
  mode), model `bybit_isolated`, in the coin of settlement. Its wallet is positionBalance: initial margin,
  the fee to close at the bankruptcy price, and what was added by hand (reproduced by a published
  position; MARGIN section 5). Beside them `wallet-USDT` and `wallet-USDC` show each coin's whole wallet,
  position margins included; nothing in it can be liquidated by itself. Account-wide figures do not apply
  in this mode.
- PORTFOLIO_MARGIN, inverse contracts, options and accounts that are not unified are refused by name.

Prices of collateral. Everything is weighed in USD and USDT is not taken for 1. The account endpoint and
the wallet stream tell usdValue beside equity, and their quotient is the price that the margin engine
uses; that comes with every snapshot, so an asset's `price_cadence_s` is the time between two. Between
snapshots the spot tickers of the commonest collateral carry usdIndexPrice, which the venue documents as
the price at which a unified account values its assets. The linear ticker's indexPrice is in USDT (it
stood 0.07 % above usdIndexPrice in August 2026) and is used for its contract only.

Entry prices. A USDC contract settles its profit into the wallet every eight hours, and what is unrealised
counts from sessionAvgPrice; where that is given it is the entry price.

What is owed: spotBorrow and accruedInterest. The venue's own equity leaves interest out until it is
charged, so ours is lower by that, the safe way round. Loss of open orders is not told by any endpoint and
is left at zero.

Tiers: maintenanceMargin and initialMargin are fractions for linear contracts and per cent in the
documented sample of an inverse one; initialMargin x maxLeverage, 1 or 100, tells which, and anything else
is refused. Deductions are derived (each published one is checked against it).

Pages: bybit-exchange.github.io/docs/v5, {websocket/public/ticker, websocket/private/{wallet,position},
ws/connect, account/{wallet-balance,account-info,collateral-info,fee-rate}, position,
market/{instrument,risk-limit}, spot-margin-uta/tier-collateral-ratio, user/apikey-info}, read 2026-11-22
through stored copies.
"""

from adapters.bybit.spec import SPEC as SPEC
