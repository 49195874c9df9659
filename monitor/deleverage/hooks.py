"""Who is asked, one class for each kind of hook; each asks once and says what is known of it then.

None of them tries again: what may have arrived is `unknown`, and only looked for (`has`), never sent twice.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple, Protocol

from alerts.notify.notifier import Delivered, Rejected
from alerts.notify.webhook import WebhookNotifier
from alerts.wording import plain
from monitor.config_deleverage import Deleverage
from monitor.config_deleverage import Hook as HookConfig
from monitor.deleverage.program import REFUSES_CODE, run_program
from monitor.deleverage.request import EXECUTOR_GROUP, DeleverageRequest, seal
from monitor.secret import Secret
from monitor.sinks.store_link import STORE_ERRORS, StoreLink, error_kind

STREAM_LENGTH = 10_000  # about; readers that are further behind have missed what is long void
LOOKED_AT = 1_000
COMMAND_S = 1.0
PRINTED = 300  # characters of a program's output that are told


class Taken(Enum):
    """What is known of a request after asking."""

    TAKEN = "taken"
    REFUSED = "refused"  # it has not got it, or has said no
    UNKNOWN = "unknown"


class Answer(NamedTuple):
    """With its words."""

    state: Taken
    why: str = ""


class Hook(Protocol):
    """One that is asked."""

    name: str

    async def ask(self, request: DeleverageRequest) -> Answer:
        """Asks once."""

    async def has(self, request: str) -> bool | None:
        """Whether a request of this id has arrived; None where nobody can say."""

    async def close(self) -> None:
        """Lets go of connections."""


class WebhookHook:
    """A signed webhook, as the receiver of that name is."""

    def __init__(self, config: HookConfig) -> None:
        assert config.url is not None
        assert config.secret is not None
        self.name = config.name
        self._notifier = WebhookNotifier(
            config.name,
            config.url,
            config.secret,
            previous=config.secret_previous,
            allow_private_destinations=config.allow_private_destinations,
        )

    async def ask(self, request: DeleverageRequest) -> Answer:
        """One POST; only 2xx and a plain no are answers."""
        outcome = await self._notifier.post(request.id, seal(request, b"").body)
        if isinstance(outcome, Delivered):
            return Answer(Taken.TAKEN)
        state = Taken.REFUSED if isinstance(outcome, Rejected) else Taken.UNKNOWN
        return Answer(state, outcome.reason)

    async def has(self, request: str) -> bool | None:
        """A webhook can't be asked."""
        return None

    async def close(self) -> None:
        """Closes the connections."""
        await self._notifier.close()


class StreamHook:
    """A Redis Stream, whose readers acknowledge through a consumer group."""

    def __init__(self, name: str, key: str, link: StoreLink, secret: Secret) -> None:
        self.name = name
        self._key, self._link, self._secret = key, link, secret
        self._has_group = False

    async def ask(self, request: DeleverageRequest) -> Answer:
        """One XADD; an error in the middle of it leaves the answer open."""
        sealed = seal(request, self._secret.reveal().encode())
        try:
            await self._open()
        except STORE_ERRORS as error:
            await self._link.close()
            return Answer(Taken.REFUSED, f"Redis does not answer ({error_kind(error)})")
        entry = ("id", sealed.id, "body", sealed.body, "signature", sealed.signature)
        try:
            await self._ask("XADD", self._key, "MAXLEN", "~", STREAM_LENGTH, "*", *entry)
        except STORE_ERRORS as error:
            await self._link.close()
            return Answer(Taken.UNKNOWN, f"Redis broke off ({error_kind(error)})")
        return Answer(Taken.TAKEN)

    async def has(self, request: str) -> bool | None:
        """Looks through the newest entries."""
        try:
            await self._open()
            found = await self._ask("XREVRANGE", self._key, "+", "-", "COUNT", LOOKED_AT)
        except STORE_ERRORS:
            await self._link.close()
            return None
        if any(request.encode() in map(_bytes, fields.values()) for _, fields in found):
            return True
        return None if len(found) == LOOKED_AT else False

    async def close(self) -> None:
        """Drops the connection."""
        await self._link.close()

    async def _open(self) -> None:
        if not self._link.is_open:
            await self._link.open()
        if not self._has_group:  # so that a reader that starts late misses nothing
            try:
                await self._ask("XGROUP", "CREATE", self._key, EXECUTOR_GROUP, "0", "MKSTREAM")
            except STORE_ERRORS as error:
                if "BUSYGROUP" not in str(error):
                    raise
            self._has_group = True

    async def _ask(self, *command: str | bytes | int) -> Any:
        return await self._link.ask(*command, deadline_s=COMMAND_S)


class ProgramHook:
    """A local program."""

    def __init__(self, config: HookConfig) -> None:
        self.name = config.name
        self._argv, self._limit_s = config.argv, config.time_limit_s

    async def ask(self, request: DeleverageRequest) -> Answer:
        """One run of it."""
        ended = await run_program(self._argv, seal(request, b"").body, self._limit_s)
        said = plain(ended.output, PRINTED)
        if ended.code is None:
            return Answer(Taken.REFUSED, f"not started: {said}")
        if ended.is_at_limit:
            return Answer(Taken.UNKNOWN, f"killed after {self._limit_s:g} s; {said}")
        states = {0: Taken.TAKEN, REFUSES_CODE: Taken.REFUSED}
        return Answer(states.get(ended.code, Taken.UNKNOWN), f"exit code {ended.code}; {said}")

    async def has(self, request: str) -> bool | None:
        """A program can't be asked."""
        return None

    async def close(self) -> None:
        """Holds nothing between two runs."""


def stream_key(shard: str, kind: str) -> str:
    """The stream of a kind of hook; what comes back is in `results`."""
    names = {"stream": "deleverage", "executor": "executor", "results": "deleverage:results"}
    return f"margind:{{{shard}}}:{names[kind]}"


def hooks_of(
    configs: tuple[HookConfig, ...], policy: Deleverage, shard: str, url: str, password: Secret | None
) -> tuple[Hook, ...]:
    """Every hook of a config, in its order."""
    return tuple(_hook_of(config, policy, shard, url, password) for config in configs)


def _hook_of(config: HookConfig, policy: Deleverage, shard: str, url: str, password: Secret | None) -> Hook:
    if config.kind == "webhook":
        return WebhookHook(config)
    if config.kind == "program":
        return ProgramHook(config)
    assert policy.key is not None  # config_check_deleverage
    return StreamHook(config.name, stream_key(shard, config.kind), StoreLink(url, password), policy.key)


def _bytes(word: str | bytes) -> bytes:
    return word.encode() if isinstance(word, str) else word
