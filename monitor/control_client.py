"""Asking a running daemon over its control socket."""

from __future__ import annotations

from pathlib import Path

import aiohttp

NAME = "control.sock"
ANSWER_S = 10.0
NOT_FOUND = 404


class NobodyAnswers(Exception):
    """No daemon listens at the socket of this data directory."""


class NotKnown(Exception):
    """The daemon answers, and knows no such pool."""


async def ask(data_dir: Path, path: str) -> bytes:
    """What the daemon of this data directory answers; NobodyAnswers, NotKnown."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_S)
    connector = aiohttp.UnixConnector(str(data_dir / NAME))
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            session.get(f"http://margind{path}") as answer,
        ):
            if answer.status == NOT_FOUND:
                raise NotKnown(path)
            answer.raise_for_status()
            return await answer.read()
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise NobodyAnswers(f"{data_dir / NAME}: {error}") from None
