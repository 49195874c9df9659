"""Black-76: what an option on a forward is worth, undiscounted, as the venues mark theirs (RISK: Deribit's
marks and greeks are this on `underlying_price` and a year of 365 days)."""

from __future__ import annotations

from typing import Generic, NamedTuple

from monitor.margin.arithmetic import log, normal_cdf, sqrt
from monitor.margin.formula import formula
from monitor.margin.rows import Instrument, N, Option


@formula
def black76(forward: N, option: Option[N], volatility: N, years: N) -> N:
    """Worth in the quote currency of one unit of the underlying, at this forward, volatility (0.6 is 60 % a
    year) and time; at expiry what it pays."""
    return worth_at(forward, option, volatility, outlook(forward, option, years))


class Outlook(NamedTuple, Generic[N]):
    """What Black-76 needs at every volatility."""

    moneyness: N  # logarithm of the forward by the strike
    root: N  # of the years; 0 at expiry and after it


@formula
def outlook(forward: N, option: Option[N], years: N) -> Outlook[N]:
    """Worked out once for all volatilities at one forward."""
    if years > 0:
        return Outlook(log(forward / option.strike), sqrt(years))
    return Outlook(forward * 0, forward * 0)


@formula
def worth_at(forward: N, option: Option[N], volatility: N, ahead: Outlook[N]) -> N:
    """`black76` at one of the volatilities."""
    side = option.side
    spread = volatility * ahead.root
    if not spread > 0:
        return max(side * (forward - option.strike), forward * 0)
    d1 = ahead.moneyness / spread + spread / 2
    return side * (forward * normal_cdf(side * d1) - option.strike * normal_cdf(side * (d1 - spread)))


@formula
def option_mark(instrument: Instrument[N], option: Option[N], forward: N, volatility: N, years: N) -> N:
    """The mark of an option whose venue sends only its volatility, per unit of the underlying, in what the
    option is priced in: the quote currency, or of an inverse one the coin, which is bought at the forward."""
    return in_its_price(black76(forward, option, volatility, years), forward, instrument)


@formula
def in_its_price(worth: N, forward: N, instrument: Instrument[N]) -> N:
    """What is worth this in the quote currency, in what the option is priced in."""
    if instrument.inverse:
        return worth / forward
    return worth


@formula
def black76_delta(forward: N, option: Option[N], volatility: N, years: N) -> N:
    """How much the worth in the quote currency follows the forward: 0 to 1 for a call, 0 to -1 for a put; at
    expiry all or nothing."""
    side = option.side
    nothing = forward * 0
    ahead = outlook(forward, option, years)
    spread = volatility * ahead.root
    if not spread > 0:
        return nothing + side if side * (forward - option.strike) > 0 else nothing
    return side * normal_cdf(side * (ahead.moneyness / spread + spread / 2))
