"""The composition root: builds every part, runs them under one roof, and takes them down in order. The only one who knows all."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from adapters import VENUES
from adapters.account_feed import AccountFeed
from adapters.public_feed import PublicFeed
from alerts.ledger import Ledger
from alerts.service import AlertService
from monitor.book.live_book import LiveBook
from monitor.book.settings import BookSettings
from monitor.clock import Clock, SystemClock
from monitor.config import Account, Config
from monitor.domain.assessment import Reason
from monitor.domain.event import AccountRefused, StreamGap
from monitor.domain.identity import AccountId, account_id
from monitor.domain.turn import BookView, Turn
from monitor.engine import Engine
from monitor.inbox import Inbox
from monitor.loop_probe import LoopProbe
from monitor.names import Metrics
from monitor.sinks.embedded_store import EmbeddedStore
from monitor.sinks.metrics import MetricsServer
from monitor.sinks.redis_state import RedisState
from monitor.supervise import supervise
from monitor.thresholds import levels_for

log = structlog.get_logger()
