"""Every margin model by its name in schemas, config and messages. One line a model."""

from __future__ import annotations

from collections.abc import Callable
from enum import Flag, IntEnum, auto
from typing import Any, NamedTuple

from monitor.margin.aave import aave
from monitor.margin.bitget import bitget
from monitor.margin.bitmex import bitmex
from monitor.margin.bybit import bybit_isolated, bybit_unified
from monitor.margin.bybit_inverse import bybit_inverse_isolated
from monitor.margin.bybit_options import bybit_options
from monitor.margin.compound import compound
from monitor.margin.deribit import deribit_inverse, deribit_linear
from monitor.margin.deribit_portfolio import deribit_portfolio
from monitor.margin.drift import drift
from monitor.margin.dydx import dydx
from monitor.margin.gate import gate_futures, gate_unified
from monitor.margin.gmx import gmx
from monitor.margin.kraken import kraken_multi, kraken_single
from monitor.margin.leveraged_token import leveraged_token
from monitor.margin.maker import maker
from monitor.margin.margin_level import margin_level
from monitor.margin.margin_pro import margin_pro
from monitor.margin.multi_assets import multi_assets
from monitor.margin.okx import okx_isolated, okx_multi, okx_single
from monitor.margin.okx_margin_isolated import okx_margin_isolated
from monitor.margin.okx_portfolio import okx_portfolio
from monitor.margin.portfolio_unimmr import portfolio_unimmr
from monitor.margin.tiered import tiered
from monitor.margin.venue_ratio import venue_ratio
from monitor.margin.venue_words import FALLING, HEADROOM, HEALTH, RISING, Says


class Needs(Flag):
    """What a model reads of a position beside its quantity and its mark: without it the pool is UNKNOWN."""

    NOTHING = 0
    ENTRY = auto()  # entry price
    LEVERAGE = auto()  # chosen leverage
    TIERS = auto()  # maintenance schedule of the instrument
    INDEX = auto()  # index price of the underlying
    FUNDING = auto()  # rate of the next funding
    OPTION = auto()  # terms of an option; only of instruments that are options
    INDEX_OF_OPTIONS = auto()  # index price of the underlying of an option, and of nothing else
    UNIT = auto()  # risk unit with its scenarios
    ORDERS = (
        auto()
    )  # a row in a spot instrument is the open orders of its balance: nothing else is read of it


class Bound(IntEnum):
    """What a move can cost a position beside its profit, as far as the bounds of book.bounds know. Pools of a
    model without one are assessed at each of their levels."""

    NONE = 0
    OWN_VALUE = 1  # its schedule, and a fee, on its own value at mark
    ALL_VALUE = 2  # its schedule, and a fee, on the value of all that is held in its contract
    SIZE = 3  # a rate on its value at mark or index, or nothing: its size or its cost chose the step
    LOANS = 4  # as OWN_VALUE and a rate on what is borrowed, all times the pool's threshold


class Convex(IntEnum):
    """In what maintenance less equity is convex, so that a search may take growing steps."""

    NOWHERE = 0
    WHERE_CONTINUOUS = 1  # in every price, if no schedule of the pool's instruments jumps
    IN_PRICES = 2  # in every price, for a step that jumps is chosen by size
    EVERYWHERE = 3  # in every price and every amount


PERPETUAL = Needs.ENTRY | Needs.LEVERAGE | Needs.TIERS
DERIBIT = Needs.ENTRY | Needs.TIERS | Needs.OPTION


class Model(NamedTuple):
    """A formula and what may be taken for granted of it.

    `is_convex`: maintenance less equity is convex in every price and amount; where it is not, `prices` says
    whether it still is in prices. `bound`: what proves that a pool is far from its levels. `is_told`: the
    figures are the venue's word, so there is nothing to solve or to compare with it. `offsets`: a larger
    position may ask for less. `jumps`: the requirement jumps where a step's rate applies to the whole
    position. `has_initial`: its initial margin is sourced; else it answers 0 and nothing is shown. `says` is
    how the venue tells the ratio, and `says_elsewhere` the same of other venues that share the formula.
    """

    assess: Callable[..., Any]
    is_convex: bool
    says: Says
    needs: Needs = PERPETUAL
    is_told: bool = False
    bound: Bound = Bound.NONE
    prices: Convex = Convex.NOWHERE
    offsets: bool = False
    jumps: bool = False
    has_initial: bool = True
    says_elsewhere: tuple[tuple[str, Says], ...] = ()

    @property
    def convexity(self) -> Convex:
        """In what a search may take growing steps."""
        return Convex.EVERYWHERE if self.is_convex else self.prices

    def says_at(self, venue: str) -> Says:
        """How this venue tells the ratio."""
        return dict(self.says_elsewhere).get(venue, self.says)


HYPERLIQUID = ("hyperliquid", Says("account value - maintenance margin", HEADROOM, at_equality=False))
KRAKEN_SAYS = Says("margin equity - maintenance margin", HEADROOM, at_equality=False)
BITMEX = PERPETUAL | Needs.FUNDING
DERIBIT_SAYS = Says("maintenance_margin / margin_balance", RISING, at_equality=False)

MODELS = {
    "tiered": Model(
        tiered, True, Says("margin ratio", RISING), bound=Bound.OWN_VALUE, says_elsewhere=(HYPERLIQUID,)
    ),
    "multi_assets": Model(multi_assets, True, Says("margin ratio", RISING), bound=Bound.OWN_VALUE),
    "bybit_unified": Model(bybit_unified, True, Says("accountMMRate", RISING), bound=Bound.OWN_VALUE),
    "bybit_options": Model(
        bybit_options,
        True,
        Says("accountMMRate", RISING),
        PERPETUAL | Needs.OPTION | Needs.INDEX_OF_OPTIONS,
        bound=Bound.OWN_VALUE,
        has_initial=False,
    ),
    "bybit_isolated": Model(bybit_isolated, True, Says("margin ratio", RISING), bound=Bound.OWN_VALUE),
    # An order to sell is covered by what is long, so more of it may ask for less initial margin.
    "deribit_inverse": Model(deribit_inverse, False, DERIBIT_SAYS, DERIBIT, offsets=True, bound=Bound.SIZE),
    "deribit_linear": Model(
        deribit_linear, True, DERIBIT_SAYS, DERIBIT | Needs.INDEX, offsets=True, bound=Bound.SIZE
    ),
    # What hedges lowers the worst of the scenarios; long options make that neither convex nor growing.
    "deribit_portfolio": Model(
        deribit_portfolio,
        False,
        DERIBIT_SAYS,
        Needs.ENTRY | Needs.OPTION | Needs.INDEX | Needs.UNIT,
        offsets=True,
    ),
    "okx_portfolio": Model(
        okx_portfolio,
        False,
        Says("mgnRatio", FALLING),
        Needs.ENTRY | Needs.INDEX | Needs.UNIT,
        offsets=True,
        jumps=True,  # the borrowing margin, at a step of what is owed
    ),
    "venue_ratio": Model(
        venue_ratio,
        True,
        Says("", FALLING),
        Needs.NOTHING,
        is_told=True,
        bound=Bound.OWN_VALUE,
        has_initial=False,
    ),
    "margin_level": Model(
        margin_level, True, Says("margin level", FALLING), Needs.NOTHING, has_initial=False
    ),
    "margin_pro": Model(margin_pro, True, Says("margin level", FALLING), Needs.NOTHING),
    "portfolio_unimmr": Model(
        portfolio_unimmr,
        True,
        Says("uniMMR", FALLING),
        Needs.ENTRY | Needs.TIERS,
        has_initial=False,
        bound=Bound.LOANS,
    ),
    "okx_margin_isolated": Model(
        okx_margin_isolated, False, Says("mgnRatio", FALLING), Needs.NOTHING, jumps=True, has_initial=False
    ),
    "leveraged_token": Model(
        leveraged_token, True, Says("", HEADROOM, at_equality=False), Needs.NOTHING, has_initial=False
    ),
    # Rounding to quantums makes steps that a search for a convex excess would stumble over.
    "dydx": Model(
        dydx,
        False,
        Says("total net collateral - maintenance", HEADROOM, at_equality=False),
        Needs.TIERS,
        bound=Bound.SIZE,
    ),
    # What a position must keep at least ends only with all of it. Mark and index are the oracle's two prices.
    "gmx": Model(
        gmx,
        False,
        Says("remaining collateral - required", HEADROOM, at_equality=False),
        Needs.ENTRY | Needs.TIERS | Needs.INDEX,
        has_initial=False,
        bound=Bound.SIZE,
    ),
    "okx_single": Model(
        okx_single, False, Says("mgnRatio", FALLING), jumps=True, bound=Bound.SIZE, prices=Convex.IN_PRICES
    ),
    "okx_isolated": Model(
        okx_isolated, False, Says("mgnRatio", FALLING), jumps=True, bound=Bound.SIZE, prices=Convex.IN_PRICES
    ),
    # A larger position in profit leaves less to borrow.
    "okx_multi": Model(
        okx_multi,
        False,
        Says("mgnRatio", FALLING),
        Needs.ENTRY | Needs.TIERS,
        offsets=True,
        jumps=True,
        has_initial=False,
    ),
    "gate_futures": Model(
        gate_futures, True, Says("margin balance / maintenance margin", FALLING), bound=Bound.OWN_VALUE
    ),
    # A larger position in profit leaves less owed; a schedule of debts may be on the whole.
    "gate_unified": Model(
        gate_unified,
        False,
        Says("total_maintenance_margin_rate", FALLING),
        Needs.ENTRY | Needs.TIERS,
        offsets=True,
        has_initial=False,
    ),
    # Positions from before 2025-11-10 jump; the tiers since then do not.
    "bitget": Model(
        bitget, False, Says("marginRatio", RISING), bound=Bound.ALL_VALUE, prices=Convex.WHERE_CONTINUOUS
    ),
    # Weights go down in ten-thousandths as a size grows; an order to sell is covered by what is long.
    "drift": Model(
        drift,
        False,
        Says("health", HEALTH, at_equality=False),
        PERPETUAL | Needs.ORDERS,
        offsets=True,
        jumps=True,
    ),
    # Linear and inverse legs of one underlying may stand side by side in cross: convex in no one variable.
    "bitmex_isolated": Model(
        bitmex, True, Says("posMargin + unrealisedPnl - posMaint", HEADROOM), BITMEX, bound=Bound.SIZE
    ),
    "bitmex_cross": Model(bitmex, False, Says("excessMargin", HEADROOM), BITMEX, bound=Bound.SIZE),
    "kraken_multi": Model(kraken_multi, True, KRAKEN_SAYS, Needs.ENTRY | Needs.TIERS, bound=Bound.SIZE),
    "kraken_single": Model(kraken_single, True, KRAKEN_SAYS, Needs.ENTRY | Needs.TIERS, bound=Bound.SIZE),
    "bybit_inverse_isolated": Model(
        bybit_inverse_isolated, True, Says("margin ratio", RISING), bound=Bound.OWN_VALUE
    ),
    # The average threshold is cut to basis points, so equity has steps.
    "aave": Model(aave, False, Says("health factor", FALLING, at_equality=False), Needs.NOTHING, jumps=True),
    "compound": Model(compound, True, Says("liquidity", HEADROOM, at_equality=False), Needs.NOTHING),
    "maker": Model(maker, True, Says("collateralisation ratio", FALLING, at_equality=False), Needs.NOTHING),
}
