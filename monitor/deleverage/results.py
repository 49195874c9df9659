"""What takers of requests answer: read from their stream through a consumer group, so that none is missed
over a restart and each is acknowledged only after it is in the audit log."""

from __future__ import annotations

from typing import Any

import structlog

from alerts.failpoints import reach
from monitor.deleverage.request import BadSeal, DeleverageResult, opened
from monitor.names import Metrics
from monitor.secret import Secret
from monitor.sinks.store_link import STORE_ERRORS, StoreLink

log = structlog.get_logger()
GROUP, READER = "margind", "daemon"
AT_ONCE = 100
COMMAND_S = 1.0


class Results:
    """The reader; without a key nothing is read, for nothing could be believed."""

    def __init__(self, link: StoreLink, key: str, secret: Secret | None, metrics: Metrics) -> None:
        self._link, self._key, self._secret, self._metrics = link, key, secret, metrics
        self._ids: list[bytes] = []
        self._from = "0"  # first what an earlier run read and did not acknowledge

    async def fresh(self) -> list[DeleverageResult]:
        """Those that came since the last time; nothing while Redis is away."""
        if self._secret is None:
            return []
        try:
            await self._open()
            who = ("GROUP", GROUP, READER, "COUNT", AT_ONCE)
            found = await self._ask("XREADGROUP", *who, "STREAMS", self._key, self._from)
        except STORE_ERRORS:
            await self._link.close()
            return []
        entries = found[0][1] if found else []
        if not entries:
            self._from = ">"
        self._ids = [id_ for id_, _ in entries]
        reach("results_read")
        return [result for _, fields in entries if (result := self._read(fields)) is not None]

    def again(self) -> None:
        """They are not on the disk: the next time those come first."""
        self._from = "0"

    async def acknowledge(self) -> None:
        """They are on the disk."""
        reach("results_kept")
        if self._ids:
            try:
                await self._ask("XACK", self._key, GROUP, *self._ids)
                self._ids = []
            except STORE_ERRORS:
                await self._link.close()
                self._from = "0"

    async def close(self) -> None:
        """Drops the connection."""
        await self._link.close()

    async def _open(self) -> None:
        if self._link.is_open:
            return
        await self._link.open()
        try:
            await self._ask("XGROUP", "CREATE", self._key, GROUP, "0", "MKSTREAM")
        except STORE_ERRORS as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def _ask(self, *command: str | bytes | int) -> Any:
        return await self._link.ask(*command, deadline_s=COMMAND_S)

    def _read(self, fields: dict[bytes, bytes] | None) -> DeleverageResult | None:
        """None, counted and logged, for what is no result of ours."""
        assert self._secret is not None
        held = fields or {}  # None: trimmed away since
        try:
            signature = held.get(b"signature", b"").decode(errors="replace")
            keys = [self._secret.reveal().encode()]
            return opened(DeleverageResult, held.get(b"body", b""), signature, keys)
        except BadSeal as error:
            self._metrics.actions.labels("bad_result").inc()
            log.error("action_result_refused", why=str(error))
            return None
