"""How the daemon logs: on standard error, one line an event, in UTC; in colour only where a person looks."""

from __future__ import annotations

import sys

import structlog


def log_to_stderr() -> None:
    """To be called once, by the command that runs the daemon: pages of a `terminal` receiver go to stdout."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
