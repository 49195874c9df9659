"""Asking a running daemon over its control socket."""

from __future__ import annotations

from pathlib import Path

import aiohttp

NAME = "control.sock"
ANSWER_S = 10.0
NOT_FOUND, BAD_REQUEST = 404, 400


class NobodyAnswers(Exception):
    """No daemon listens at the socket of this data directory."""


class NotKnown(Exception):
    """The daemon answers, and knows no such thing."""


class AskedWrongly(Exception):
    """The daemon refuses what was asked; the text says what would be right."""


async def relay(data_dir: Path, method: str, path: str, body: bytes) -> tuple[int, bytes]:
    """What the daemon of this data directory answers, whatever it is: status and text."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_S)
    connector = aiohttp.UnixConnector(str(data_dir / NAME))
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            session.request(method, f"http://margind{path}", data=body) as answer,
        ):
            return answer.status, await answer.read()
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        return BAD_REQUEST, f"not done, or not known to be: {error}".encode()


async def ask(
    data_dir: Path, path: str, method: str = "GET", body: bytes | None = None, within_s: float = ANSWER_S
) -> bytes:
    """What the daemon of this data directory answers; NobodyAnswers, NotKnown, AskedWrongly."""
    timeout = aiohttp.ClientTimeout(total=within_s)
    connector = aiohttp.UnixConnector(str(data_dir / NAME))
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            session.request(method, f"http://margind{path}", data=body) as answer,
        ):
            if answer.status == NOT_FOUND:
                raise NotKnown(await answer.text() or path)
            if answer.status == BAD_REQUEST:
                raise AskedWrongly(await answer.text())
            answer.raise_for_status()
            return await answer.read()
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise NobodyAnswers(f"{data_dir / NAME}: {error}") from None
