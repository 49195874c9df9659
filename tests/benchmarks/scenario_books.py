"""Large books of what is repriced: pools of ten futures and options on one coin, with the published terms."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np

from monitor.margin.portfolio_terms import DERIBIT, deribit_unit, okx_terms
from tests.benchmarks.big_books import LEGS, BigBook, ready
from tests.oracles.deribit_portfolio import option_worth
from tests.support.risk_units import future, option, unit_of
from tests.support.small_books import float_book
from tests.support.small_market import Coin, Contract, Leg, Line, OptionTerms, RiskUnit, SmallPool, tiers

SCENARIO_MODELS = ("deribit_inverse", "deribit_portfolio", "okx_portfolio")
INDEX = 50_000
FUTURES = 4  # of the ten legs, where the model holds options
RATES = tiers((0, "0.01", "0.02"))
EXPIRIES = ("0.02", "0.1", "0.25", "0.7")
STRIKES = (30_000, 40_000, 45_000, 50_000, 55_000, 60_000, 80_000)


def scenario_book(model: str, pools: int, seed: int = 1) -> BigBook:
    """Pools of futures and options in all bands, under one model that reprices or nets them."""
    rng = Random(seed)
    contracts = _contracts(model, _unit(model))
    coin = Coin("BTC", Decimal(INDEX), "BTC") if model == "okx_portfolio" else Coin("BTC")
    held = [_pool(model, coin, contracts, rng) for _ in range(pools)]
    book: Any = float_book(*held)
    book.pools["model"] = 0
    big = ready(book, (model,))
    big.sweep()
    figures, draws = big.figures, np.random.default_rng(seed).uniform(-0.02, 4, pools)
    missing = figures.maintenance_margin * (1 + draws) - figures.equity
    book.balances["wallet"] += missing / (INDEX if model == "okx_portfolio" else 1)
    big.sweep()
    return big


def _unit(model: str) -> RiskUnit:
    """The published unit of BTC, settled in the coin."""
    terms = (
        okx_terms("BTC", inverse=True)
        if model == "okx_portfolio"
        else deribit_unit(DERIBIT["BTC"], inverse=True)
    )
    return unit_of(terms, INDEX)


def _contracts(model: str, unit: RiskUnit) -> tuple[list[Contract], list[Contract]]:
    """Futures of each expiry, and options of each strike and expiry; no options where the model has none."""
    futures = [
        replace(future(unit, 0, INDEX, years=Decimal(at), name=at).contract, tiers=RATES) for at in EXPIRIES
    ]
    if model == "okx_portfolio":
        return futures, futures
    options = [
        _option(unit, OptionTerms(Decimal(strike), side, Decimal(INDEX), years=Decimal(at)))
        for at in EXPIRIES
        for strike in STRIKES
        for side in (1, -1)
    ]
    return futures, options


def _option(unit: RiskUnit, terms: OptionTerms) -> Contract:
    worth = option_worth(terms, terms.forward, terms.volatility)
    return option(unit, 0, terms, worth / INDEX).contract


def _pool(model: str, coin: Coin, contracts: tuple[list[Contract], list[Contract]], rng: Random) -> SmallPool:
    futures, others = contracts
    chosen = [rng.choice(futures) for _ in range(FUTURES)]
    chosen += [rng.choice(others) for _ in range(LEGS - FUTURES)]
    return SmallPool(model, (Line(coin, Decimal(0), tuple(_leg(contract, rng) for contract in chosen)),))


def _leg(contract: Contract, rng: Random) -> Leg:
    """Some coins of it, long or short; a future is told in dollars and was entered near its mark."""
    coins = Decimal(f"{rng.choice([1, -1]) * rng.uniform(0.1, 20):.4g}")
    if contract.option is not None:
        return Leg(contract, coins, Decimal(0), Decimal(1))
    return Leg(contract, coins * INDEX, Decimal(round(INDEX * rng.uniform(0.9, 1.1))), Decimal(1))
