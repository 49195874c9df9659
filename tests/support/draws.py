"""A random pool for each model: its own draw where it has one, else perpetuals under tiers."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.support import (
    draws_bitmex_kraken,
    draws_cex,
    draws_dydx_gmx,
    draws_lending,
    draws_portfolio,
    draws_spotmargin,
    small_draws,
)
from tests.support.draws_bybit import options_pool
from tests.support.draws_deribit import deribit_pool
from tests.support.draws_drift import drift_pool
from tests.support.small_market import SmallPool

Draw = Callable[[Random, str], SmallPool]
DRAWS: dict[str, Draw] = {
    "bybit_options": options_pool,
    "deribit_inverse": deribit_pool,
    "deribit_linear": deribit_pool,
    "margin_level": draws_spotmargin.spot_pool,
    "margin_pro": draws_spotmargin.spot_pool,
    "portfolio_unimmr": draws_spotmargin.spot_pool,
    "okx_margin_isolated": draws_spotmargin.spot_pool,
    "deribit_portfolio": draws_portfolio.deribit_pool,
    "okx_portfolio": draws_portfolio.okx_pool,
    "leveraged_token": draws_spotmargin.token_pool,
    "dydx": draws_dydx_gmx.subaccount,
    "gmx": draws_dydx_gmx.gmx_position,
    **dict.fromkeys(draws_lending.MODELS, draws_lending.lending_pool),
    **dict.fromkeys(draws_cex.MODELS, draws_cex.cex_pool),
    "drift": drift_pool,
    **dict.fromkeys(draws_bitmex_kraken.MODELS, draws_bitmex_kraken.exchange_pool),
}


def pool(rng: Random, model: str) -> SmallPool:
    """A pool that the model is for."""
    return DRAWS.get(model, small_draws.perpetual_pool)(rng, model)
