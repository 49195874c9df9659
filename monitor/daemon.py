"""The composition root: builds every part, runs them under one roof, takes them down in order. The only one who knows all.

A crash of the engine or of the alerts' ledger ends the process, loudly. A crash of one account's feed is that
account's UNKNOWN; a crash of the store's task costs what readers see, never an alert.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import structlog

from adapters import VENUES
from adapters.account_feed import AccountFeed
from adapters.public_feed import PublicFeed
from alerts.service import AlertService
from monitor.book.live_book import LiveBook
from monitor.book.settings import BookSettings
from monitor.clock import Clock, SystemClock
from monitor.config import Account, Config
from monitor.domain.assessment import Reason
from monitor.domain.event import AccountRefused, StreamGap
from monitor.domain.identity import AccountId, account_id
from monitor.domain.turn import Turn
from monitor.engine import Engine
from monitor.exit_codes import OK
from monitor.inbox import Inbox
from monitor.loop_probe import LoopProbe
from monitor.names import Metrics
from monitor.sinks.embedded_store import EmbeddedStore
from monitor.sinks.metrics import MetricsServer
from monitor.sinks.redis_state import RedisState
from monitor.supervise import supervise
from monitor.thresholds import levels_for

log = structlog.get_logger()
DRAIN_S = 5.0
