"""What is secret in a config, as a value that never shows itself."""

from __future__ import annotations

import hmac
from typing import NoReturn


class Secret:
    """A secret that never shows itself: `repr` and `str` are masked, `reveal()` is the one way out."""

    __slots__ = ("_text", "source")

    def __init__(self, text: str, source: str) -> None:
        self._text = text
        self.source = source  # where it came from, e.g. "file /etc/margind/key"; safe to print

    def reveal(self) -> str:
        """The secret itself; hand it to the library that needs it and nowhere else."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return f"Secret(from {self.source})"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled or copied")
