"""MARGIN 18, by another way: weights in whole numbers as on chain, profit as what a sale pays above what a
purchase cost, and a spot order as a trade that is booked on both sides before anything is weighted."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from typing import NamedTuple

from monitor.domain.instrument import MarginTier
from tests.support.small_market import Coin, Contract, Figures, Leg, Line, SmallPool

NOTHING = Decimal(0)
PRECISION = 10_000
CAP = Decimal(100)


class Sum(NamedTuple):
    """Collateral and requirement so far, and the absolute terms that went into them."""

    collateral: Decimal = NOTHING
    required: Decimal = NOTHING
    terms: Decimal = NOTHING

    def plus(self, collateral: Decimal, required: Decimal, terms: Decimal) -> Sum:
        """With one thing more."""
        return Sum(self.collateral + collateral, self.required + required, self.terms + terms)


def assess(pool: SmallPool) -> Figures:
    """Twice over all lines."""
    now, strict = Sum(), Sum()
    for line in pool.lines:
        now, strict = counted(line, now, is_initial=False), counted(line, strict, is_initial=True)
    initial = strict.required
    if initial > 0:
        initial = now.collateral - (strict.collateral - strict.required)
    return Figures(now.collateral, initial, now.required, now.terms + strict.terms)


def counted(line: Line, so_far: Sum, *, is_initial: bool) -> Sum:
    """A line with its perpetuals."""
    prices = [line.coin.price]
    if is_initial and line.coin.average is not None:
        prices.append(line.coin.average)
    orders = [leg for leg in line.legs if not leg.contract.tiers]
    found = so_far.plus(*token(line, orders, min(prices), max(prices), is_initial))
    found = found.plus(NOTHING, line.order_loss, line.order_loss)
    for leg in line.legs:
        if leg.contract.tiers:
            found = found.plus(*perpetual(leg, min(prices), max(prices), is_initial))
    return found


def token(
    line: Line, orders: list[Leg], low: Decimal, high: Decimal, is_initial: bool
) -> tuple[Decimal, Decimal, Decimal]:
    """The worse of two trades; the user's own ratio then weighs on that one."""
    amount = line.wallet - line.borrowed
    bought, sold = sum((leg.bids for leg in orders), NOTHING), -sum((leg.asks for leg in orders), NOTHING)
    own = max([custom(leg) for leg in orders], default=0) if is_initial else 0
    sides = {}
    for traded in (sold, bought):  # sold stands first: the venue takes it where both are as bad
        weighted, paid = after(line.coin, amount, traded, low, high, is_initial, 0)
        sides[traded] = weighted + paid
    traded = min((sold, bought), key=lambda side: sides[side])
    weighted, paid = after(line.coin, amount, traded, low, high, is_initial, own)
    parts = (weighted, paid)
    collateral = sum((part for part in parts if part > 0), NOTHING)
    required = -sum((part for part in parts if part < 0), NOTHING)
    touched = (abs(line.wallet) + line.borrowed + bought - sold) * high
    return collateral, required, 2 * (collateral + required + touched)


def after(
    coin: Coin, amount: Decimal, traded: Decimal, low: Decimal, high: Decimal, is_initial: bool, own: int
) -> tuple[Decimal, Decimal]:
    """Weighted worth of the tokens after the trade, and what it paid."""
    paid = -traded * high
    worth = (amount * low if amount > 0 else amount * high) - paid
    size = billionths(abs(amount + traded))
    if worth > 0:
        weight = asset_weight(coin, size, is_initial, own)
    else:
        weight = liability_weight(coin, size, is_initial, own)
    return worth * weight / PRECISION, paid


def asset_weight(coin: Coin, size: int, is_initial: bool, own: int) -> int:
    """Of ten thousand: the market's, discounted by size, at most 1 less the user's own ratio."""
    if not coin.tiers:
        return PRECISION
    (step,) = coin.tiers
    weight = discounted(in_steps(step, is_initial), factor(step.slope), size)
    return min(weight, max(PRECISION - own, 0))


def liability_weight(coin: Coin, size: int, is_initial: bool, own: int) -> int:
    """Of ten thousand: the market's, with a premium for size, at least 1 and the user's own ratio."""
    if not coin.liability:
        return PRECISION
    (step,) = coin.liability
    return max(premium(PRECISION + in_steps(step, is_initial), factor(step.slope), size), PRECISION + own)


def in_steps(step: MarginTier, is_initial: bool) -> int:
    """A rate in ten-thousandths."""
    return int((step.initial_rate if is_initial else step.maintenance_rate) * PRECISION)


def factor(slope: Decimal) -> int:
    """The venue's imf_factor, in millionths."""
    return int(slope * 10**6)


def billionths(size: Decimal) -> int:
    """A size as the chain holds it."""
    return int(size * 10**9 + Decimal("0.5"))


def root(size: int) -> int:
    """The greatest r whose square is at most 10 x size + 1, by halving."""
    low, high = 0, 1
    while high * high <= 10 * size + 1:
        high *= 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle * middle <= 10 * size + 1 else (low, middle)
    return low


def premium(weight: int, imf: int, size: int) -> int:
    """max(lw, lw - lw/5 + isqrt(10 size + 1) x imf / (1e5 x 1e6 / 1e4))."""
    return max(weight, weight - weight // 5 + root(size) * imf // (10**5 * 10**6 // PRECISION))


def discounted(weight: int, imf: int, size: int) -> int:
    """min(aw, 1.1e6 x 1e4 / (1e6 + isqrt(10 size + 1) x imf / 1e5))."""
    return min(weight, 11 * 10**5 * PRECISION // (10**6 + root(size) * imf // 10**5))


def custom(leg: Leg) -> int:
    """The user's own margin ratio in ten-thousandths."""
    return int(PRECISION / leg.leverage + Decimal("0.5")) if leg.leverage else 0


def perpetual(leg: Leg, low: Decimal, high: Decimal, is_initial: bool) -> tuple[Decimal, Decimal, Decimal]:
    """Collateral, requirement and terms of one position with its orders."""
    contract = leg.contract
    (step,) = contract.tiers
    sides = [(leg.quantity - leg.asks), (leg.quantity + leg.bids)]
    worst = max(sides, key=lambda side: at_risk(contract, side))
    ratio = premium(
        in_steps(step, is_initial), factor(step.slope), billionths(abs(worst) * contract.multiplier)
    )
    if is_initial:
        ratio = max(ratio, custom(leg))
    value = at_risk(contract, worst) * high
    required = value * ratio / PRECISION
    sold, bought = (leg.quantity * contract.multiplier * price for price in (contract.mark, leg.entry_price))
    profit = weighted_profit(contract, sold - bought, low, high, is_initial)
    touched = sum((at_risk(contract, side) for side in sides), NOTHING) * high
    return profit, required, 2 * (required + (abs(sold) + abs(bought)) * high + touched)


def at_risk(contract: Contract, quantity: Decimal) -> Decimal:
    """Worth of a position; of a short in a prediction market what the other side is worth."""
    is_against = quantity < 0 and contract.ceiling > 0
    price = max(contract.ceiling - contract.mark, NOTHING) if is_against else contract.mark
    return abs(quantity) * contract.multiplier * price


def weighted_profit(
    contract: Contract, profit: Decimal, low: Decimal, high: Decimal, is_initial: bool
) -> Decimal:
    """A gain by its weight, and at most 100 USDC for initial margin; a loss in full."""
    if profit <= 0:
        return profit * high
    if not is_initial:
        return profit * low * contract.gain_rate
    millionths = int((profit * 10**6).to_integral_value(ROUND_FLOOR))
    imf, most = factor(contract.gain_slope), int(contract.gain_initial * PRECISION)
    return min(profit * low * discounted(most, imf, millionths * 1000) / PRECISION, CAP)
