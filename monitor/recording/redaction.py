"""What no recording may hold: keys, secrets, listen keys. What is sent is not recorded at all."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

from monitor.config import Account, Credentials

BLANK = "<redacted>"
# A listen key opens the account's stream to anybody for an hour. The venue repeats it when it expires.
LISTEN_KEY = re.compile(r'("listenKey"\s*:\s*")[^"]*(")')


class Redactor:
    """Blanks the secrets of these accounts wherever they stand."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        found = {text for account in accounts for text in _secrets(account.credentials)}
        self._secrets = sorted(found, key=len, reverse=True)  # one may be part of another

    def text(self, text: str) -> str:
        """A frame without secrets."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, BLANK)
        return LISTEN_KEY.sub(rf"\1{BLANK}\2", text) if "listenKey" in text else text

    def url(self, url: str, is_private: bool) -> str:
        """An address without its user and, on private streams, without its query, where listen keys stand."""
        parts = urlsplit(url)
        host = parts.netloc.rsplit("@", 1)[-1]
        query = BLANK if is_private and parts.query else parts.query
        return self.text(urlunsplit((parts.scheme, host, parts.path, query, "")))


def _secrets(credentials: Credentials | None) -> tuple[str, ...]:
    if credentials is None:
        return ()
    third = credentials.passphrase
    return credentials.key.reveal(), credentials.secret.reveal(), *((third.reveal(),) if third else ())
