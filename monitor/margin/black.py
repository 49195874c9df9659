"""Black-76: what an option on a forward is worth, undiscounted, as the venues mark theirs (RISK: Deribit's
marks and greeks are this on `underlying_price` and a year of 365 days)."""

from __future__ import annotations

from monitor.margin.arithmetic import log, normal_cdf, sqrt
from monitor.margin.formula import formula
from monitor.margin.rows import Instrument, N, Option


@formula
def black76(forward: N, option: Option[N], volatility: N, years: N) -> N:
    """Worth in the quote currency of one unit of the underlying, at this forward, volatility (0.6 is 60 % a
    year) and time; at expiry what it pays."""
    side = option.side
    spread = forward * 0
    if volatility > 0 and years > 0:
        spread = volatility * sqrt(years)
    if not spread > 0:
        return max(side * (forward - option.strike), forward * 0)
    d1 = log(forward / option.strike) / spread + spread / 2
    return side * (forward * normal_cdf(side * d1) - option.strike * normal_cdf(side * (d1 - spread)))


@formula
def option_mark(instrument: Instrument[N], option: Option[N], forward: N, volatility: N, years: N) -> N:
    """The mark of an option whose venue sends only its volatility, per unit of the underlying, in what the
    option is priced in: the quote currency, or of an inverse one the coin, which is bought at the forward."""
    worth = black76(forward, option, volatility, years)
    if instrument.inverse:
        return worth / forward
    return worth


@formula
def black76_delta(forward: N, option: Option[N], volatility: N, years: N) -> N:
    """How much the worth in the quote currency follows the forward: 0 to 1 for a call, 0 to -1 for a put; at
    expiry all or nothing."""
    side = option.side
    nothing = forward * 0
    spread = nothing
    if volatility > 0 and years > 0:
        spread = volatility * sqrt(years)
    if not spread > 0:
        return nothing + side if side * (forward - option.strike) > 0 else nothing
    return side * normal_cdf(side * (log(forward / option.strike) / spread + spread / 2))
