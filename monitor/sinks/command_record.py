"""Commands that come through Redis, and their answers: what they look like, and the proof that they are ours.

    margind:{shard}:commands    field `command`, JSON: schema, id, at_ns, method, path, body; field `mark`
    margind:{shard}:answers     field `answer`, JSON: schema, id, status, text; field `mark`

`method` and `path` are those of the control socket. A mark is HMAC-SHA256, in hexadecimal, under the secret
of the config ([commands]), of the kind, the shard and the JSON as written. Who may write to Redis and does
not know the secret can ask for nothing.
"""

from __future__ import annotations

import hashlib
import hmac

import msgspec

from monitor.config import Secret

SCHEMA = 1
LONGEST_BYTES = 16_384
PATIENCE_NS = 300_000_000_000  # how old a command may be, or how far ahead of our clock
MOST_HELD = 10_000  # ids of the last minutes; more than that many commands are refused
ALLOWED = ("/alerts", "/silences", "/actions", "/canary")


class BadCommand(Exception):
    """Not to be done: `result` is the word for the metric, the text is for the log and holds no secret."""

    def __init__(self, result: str, text: str) -> None:
        super().__init__(text)
        self.result = result


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One request of the control socket."""

    schema: int
    id: str
    at_ns: int  # wall clock
    method: str
    path: str
    body: msgspec.Raw = msgspec.Raw(b"null")


class Answer(msgspec.Struct, frozen=True):
    """What the control socket said; `status` is that of HTTP."""

    schema: int
    id: str
    status: int
    text: str


def mark_of(secret: Secret, kind: str, shard: str, content: bytes) -> str:
    """The proof that who wrote this knows the secret."""
    said = b"\0".join((f"margind-{kind}-{SCHEMA}".encode(), shard.encode(), content))
    return hmac.new(secret.reveal().encode(), said, hashlib.sha256).hexdigest()


def is_marked(secret: Secret, kind: str, shard: str, content: bytes, mark: bytes) -> bool:
    """Whether the mark is right; in constant time."""
    return hmac.compare_digest(mark_of(secret, kind, shard, content).encode(), mark)


class Gate:
    """Lets each command through once: marked, of these minutes, after the start, on an allowed path."""

    def __init__(self, secret: Secret, shard: str, started_ns: int) -> None:
        self._secret, self._shard = secret, shard
        self._started_ns = started_ns  # what was written before may have been done by the run before
        self._held: dict[str, int] = {}  # ids that were let through, and when

    def passed(self, fields: dict[bytes, bytes], now_ns: int) -> Command:
        """The command of an entry of the stream; raises BadCommand."""
        content, mark = fields.get(b"command", b""), fields.get(b"mark", b"")
        if len(content) > LONGEST_BYTES or not is_marked(self._secret, "command", self._shard, content, mark):
            raise BadCommand("forged", "the mark is not that of the secret ([commands])")
        try:
            command = msgspec.json.decode(content, type=Command)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadCommand("malformed", str(error)) from None
        self._check(command, now_ns)
        self._held[command.id] = now_ns
        return command

    def _check(self, command: Command, now_ns: int) -> None:
        self._held = {id_: at_ns for id_, at_ns in self._held.items() if now_ns - at_ns <= 2 * PATIENCE_NS}
        if command.schema != SCHEMA or not 8 <= len(command.id) <= 64:
            raise BadCommand("malformed", f"schema {SCHEMA} and an id of 8 to 64 characters are read here")
        if abs(now_ns - command.at_ns) > PATIENCE_NS:
            raise BadCommand("stale", "it is more than five minutes from our clock")
        if command.at_ns < self._started_ns:
            raise BadCommand("stale", "it was written before this daemon started: ask again")
        if command.id in self._held or len(self._held) >= MOST_HELD:
            raise BadCommand("replayed", "its id was there before, or there are too many")
        if not any(command.path == path or command.path.startswith(f"{path}/") for path in ALLOWED):
            raise BadCommand("refused", "its path is not one for commands")
