"""Interest on margin loans as Binance charges it: by the hour, and each clock hour that has begun counts
whole (MARGIN 3; FAQ 360041505471).

The first hour is charged when the loan is taken, the next at each full hour: a loan from 13:20 to 14:15 has
been in the hours 13 and 14, and two are charged. The rate is on the principal; what is charged is owed beside
it.
"""

from __future__ import annotations

from monitor.margin.rows import N

HOUR_NS = 3_600_000_000_000


def hours_begun(since_ns: int, until_ns: int) -> int:
    """How many clock hours (UTC) have begun after `since_ns` up to `until_ns`, both in ns since 1970: what is
    charged more since a balance was told; one that begins just at `until_ns` has begun."""
    return max(0, until_ns // HOUR_NS - since_ns // HOUR_NS)


def hours_charged(borrowed_ns: int, until_ns: int) -> int:
    """How many hours are charged for a loan: the one that it was taken in, and each that has begun since."""
    return 1 + hours_begun(borrowed_ns, until_ns)


def hourly_interest(principal: N, hourly_rate: N, hours: N | int) -> N:
    """Interest in the coin of the loan for that many charged hours; simple, as charged: on the principal."""
    return principal * hourly_rate * hours


def owed_on_loan(principal: N, hourly_rate: N, charged: N, hours: N | int) -> N:
    """All that is owed: the principal, the interest that was `charged` when the loan was told, and that of
    the hours since."""
    interest = charged + hourly_interest(principal, hourly_rate, hours)
    return principal + interest
