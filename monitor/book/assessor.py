"""Runs the compiled sweep over what was touched, and keeps every figure that a pool has: bands, margin error, distance."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from monitor.book.accounts import AccountState
from monitor.book.compiled import Compiled, compile_models
from monitor.book.growing import grown
from monitor.book.margin_error import compare_pool
from monitor.book.placing import PlacedPool, Placing
from monitor.book.quotes import Quotes
from monitor.book.settings import BookSettings
from monitor.book.solve import Solver
from monitor.book.sweep import empty_figures, level_tables, oldest_quote, sweep
from monitor.domain.assessment import RiskBand
from monitor.domain.event import AccountSnapshot
from monitor.margin.rows import Book

SWEEP_ALL_ABOVE = 0.3  # share of touched pools from which one pass over all is cheaper


class Assessor:
    """Figures by pool row."""

    def __init__(self, settings: BookSettings, quotes: Quotes, placing: Placing) -> None:
        self._settings = settings
