"""Borrowed coins and portfolio margin: how their published figures come out of small books. Binance's stand
in the files of its futures, OKX's among all of its samples; Lean's are all its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from monitor.domain.instrument import MarginTier, tier_schedule
from monitor.margin.interest import hourly_interest, hours_charged
from monitor.margin.venue_words import FALLING, Says, venue_figure
from tests.support.published import Figures, Inputs, schedule_of
from tests.support.small_books import moves_of, requirement
from tests.support.small_market import Coin, Contract, Leg, Line, SmallPool

FILES = ("lean_crypto_future",)
GOLDEN = ("lean",)
NOT_OURS = {
    "lean-mm-ethusdc": "Lean charges initial margin as maintenance margin, which no venue does",
    "lean-bnfcr-equity": "a sum of two figures, of coins without an amount or a price",
}
MINUTE_NS = 60_000_000_000
FLAT = schedule_of(Decimal("0.01"), Decimal(0))


def brackets(inputs: Inputs) -> Figures:
    """Both margins of Cross Margin Pro, of debts by their coins' brackets."""
    lines = []
    for debt in inputs["liabilities"]:
        coin = Coin(debt["coin"], Decimal(debt["price"]), liability=_steps(debt["tiers"]))
        lines.append(Line(coin, Decimal(0), borrowed=Decimal(debt["amount"])))
    return _margins(SmallPool("margin_pro", tuple(lines)))


def brackets_by_amount(inputs: Inputs) -> Figures:
    """The same, from the last bracket's rate and maintenance amount."""
    lines = []
    for number, debt in enumerate(inputs["legs"]):
        steps = schedule_of(debt["mmr"], Decimal(debt["maintenance_amount"]))
        coin = Coin(f"debt {number}", liability=steps)
        lines.append(Line(coin, Decimal(0), borrowed=Decimal(debt["value"])))
    return _margins(SmallPool("margin_pro", tuple(lines)))


def loan_margin(inputs: Inputs) -> Figures:
    """Maintenance margin of one loan in portfolio margin, in its own coin."""
    rate = Decimal(inputs["b"])
    coin = Coin("BTC", liability=schedule_of(rate, Decimal(0)))
    return _margins(SmallPool("portfolio_unimmr", (Line(coin, Decimal(1), borrowed=Decimal(inputs["a"])),)))


def equity_of_asset(inputs: Inputs) -> Figures:
    """What portfolio margin counts of an asset that is held and owed, in its own coin."""
    line = Line(Coin("ETH"), Decimal(inputs["a"]), borrowed=Decimal(inputs["b"]))
    return {"equity": requirement(SmallPool("portfolio_unimmr", (line,))).equity}


def interest(inputs: Inputs) -> Figures:
    """Interest of the loan from 13:20 to 14:15 that the page tells of."""
    borrowed, repaid = (13 * 60 + 20) * MINUTE_NS, (14 * 60 + 15) * MINUTE_NS
    hours = hours_charged(borrowed, repaid)
    assert hours == inputs["hours_charged"]
    return {"interest": hourly_interest(float(inputs["principal"]), float(inputs["hourly_rate"]), hours)}


def okx_long_price(inputs: Inputs) -> Figures:
    """Where the base coin's move liquidates a long on margin, priced in the quote coin."""
    near = Decimal(60_000)  # any price to search from
    quote = Coin("USDT", ask_buffer=_fee(inputs), liability=_whole(inputs))
    lower, _ = moves_of(_okx_long(inputs, Coin("BTC", near, "BTC"), quote))["BTC"]
    return {"liquidation_price": lower * float(near)}


def okx_long_figures(inputs: Inputs) -> Figures:
    """Maintenance margin and margin ratio of a long in the base coin, as the venue tells them. The margin
    alone is without the fee, which the ratio has beside it."""
    price = 1 / Decimal(inputs["mark_price"])
    quote = Coin("USDT", price, ask_buffer=_fee(inputs), liability=_whole(inputs))
    found = requirement(_okx_long(inputs, Coin("BTC"), quote))
    ratio = venue_figure(Says("mgnRatio", FALLING), found.equity, found.maintenance_margin)
    return {"maintenance_margin": found.maintenance_margin, "margin_ratio": ratio}


def linear_initial(inputs: Inputs) -> Figures:
    """Initial margin of a linear position."""
    return _margins(SmallPool("tiered", (Line(Coin("USDT"), Decimal(0), (_leg(inputs),)),)))


def order_cost(inputs: Inputs) -> Figures:
    """What Bybit's order form asks for: within its tolerance the initial margin of the position."""
    return _margins(SmallPool("bybit_unified", (Line(Coin("USDT"), Decimal(0), (_leg(inputs),)),)))


def inverse_initial(inputs: Inputs) -> Figures:
    """Initial margin of an inverse position in its coin."""
    contract = Contract("A", Decimal(inputs["price"]), FLAT, inverse=True)
    leg = Leg(contract, Decimal(inputs["notional_usd"]), contract.mark, Decimal(inputs["leverage"]))
    return _margins(SmallPool("tiered", (Line(Coin("BTC"), Decimal(0), (leg,)),)))


def _leg(inputs: Inputs) -> Leg:
    fee = Decimal(inputs.get("taker_fee_rate", 0))
    contract = Contract("A", Decimal(inputs["price"]), FLAT, taker_fee=fee)
    return Leg(contract, Decimal(inputs["size_base"]), contract.mark, Decimal(inputs["leverage"]))


def _margins(pool: SmallPool) -> Figures:
    found = requirement(pool)
    return {"initial_margin": found.initial_margin, "maintenance_margin": found.maintenance_margin}


def _steps(rows: Sequence[Any]) -> tuple[MarginTier, ...]:
    floors = [Decimal(0), *(Decimal(row["cap"]) for row in rows[:-1])]
    steps = [(floor, row["mmr"], row["imr"]) for floor, row in zip(floors, rows, strict=True)]
    return tier_schedule(steps, "a published case").tiers


def _whole(inputs: Inputs) -> tuple[MarginTier, ...]:
    return schedule_of(inputs["mmr"], Decimal(0))


def _fee(inputs: Inputs) -> Decimal:
    return Decimal(inputs.get("taker_fee_rate", 0))


def _okx_long(inputs: Inputs, base: Coin, quote: Coin) -> SmallPool:
    assets = Decimal(inputs.get("assets_base", 0))
    debt = Decimal(inputs["liability_quote"]) + Decimal(inputs.get("interest", 0))
    return SmallPool("okx_margin_isolated", (Line(base, assets), Line(quote, Decimal(0), borrowed=debt)))


DERIVED: dict[str, Callable[[Inputs], Figures]] = {}
ASSESSED = {
    "linear_im": linear_initial,
    "bybit_order_cost_linear": order_cost,
    "inverse_im": inverse_initial,
}
OKX_MARGIN = {
    "okx_margin_iso_long_liq": okx_long_price,
    "okx_margin_iso_long_mm": okx_long_figures,
    "okx_margin_iso_long_ratio": okx_long_figures,
}
