"""The audit log as the loop uses it: written in a thread, one record after the other, its head in metrics.

Trouble is kept in words: where the log takes no record, nothing is done that would belong into it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import structlog

from monitor.clock import Clock
from monitor.deleverage.audit import AuditDamaged, AuditLog, AuditRecord
from monitor.names import Metrics
from monitor.secret import Secret

log = structlog.get_logger()
HEAD_DIGITS = 13  # of the mark, in hexadecimal: 52 bits, which a metric holds whole


class NotWritten(Exception):
    """The record is not on the disk."""


class Trail:
    """`start`, then `append` from wherever, then `stop`."""

    def __init__(self, folder: Path, key: Secret | None, clock: Clock, metrics: Metrics) -> None:
        self._log = AuditLog(folder, key)
        self._clock, self._metrics = clock, metrics
        self._one_at_a_time = asyncio.Lock()
        self.trouble = "the audit log is not open"

    async def start(self) -> list[AuditRecord]:
        """What the log holds; nothing, and trouble, where it is damaged."""
        try:
            records = await asyncio.to_thread(self._log.open)
        except (AuditDamaged, OSError) as error:
            self.trouble = f"the audit log is damaged: {error}"
            log.error("audit_damaged", detail=str(error))
            return []
        self.trouble = ""
        self._tell_head()
        return records

    async def append(self, kind: str, by: str, content: Any) -> AuditRecord:
        """On the disk when it answers; raises NotWritten."""
        if not self._log.is_open:
            raise NotWritten(self.trouble)
        plain: dict[str, Any] = msgspec.to_builtins(content)
        async with self._one_at_a_time:
            writing = asyncio.ensure_future(
                asyncio.to_thread(self._log.append, kind, by, self._clock.wall_ns(), plain)
            )
            try:
                record = await asyncio.shield(writing)
            except asyncio.CancelledError:
                await asyncio.wait([writing])  # the next one follows on this one
                raise
            except OSError as error:
                self.trouble = f"the audit log takes no record: {error.strerror}"
                log.error("audit_not_written", detail=self.trouble)
                raise NotWritten(self.trouble) from None
        self.trouble = ""
        self._tell_head()
        return record

    async def note(self, kind: str, by: str, content: Any) -> None:
        """As `append`; of what is done all the same, so trouble is logged and not raised."""
        try:
            await self.append(kind, by, content)
        except NotWritten as error:
            log.error("audit_not_written", detail=str(error), kind=kind)

    async def refuse(self, trouble: str) -> None:
        """Takes no record from now on, and says why."""
        log.error("audit_damaged", detail=trouble)
        await self.stop()
        self.trouble = trouble

    async def stop(self) -> None:
        """Lets go of the file, behind what is being written."""
        async with self._one_at_a_time:
            self._log.close()

    def _tell_head(self) -> None:
        head = self._log.head
        self._metrics.audit_records.set(head.lines)
        self._metrics.audit_head.set(int(head.mark[:HEAD_DIGITS], 16))
