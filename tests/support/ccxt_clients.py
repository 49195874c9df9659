"""Real ccxt clients pointed at the loopback exchange: the second reader of its wire formats."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from adapters.loopback import Account

NOWHERE = "127.0.0.1:9"  # the discard port: a host that nobody meant to call


def redirected(urls: Any, hosts: dict[str, str]) -> Any:
    """The same tree of URLs with hosts replaced; a host without replacement leads nowhere."""
    if isinstance(urls, dict):
        return {name: redirected(url, hosts) for name, url in urls.items()}
    parts = urlsplit(urls)
    host = urlsplit(hosts[parts.netloc]).netloc if parts.netloc in hosts else NOWHERE
    scheme = "ws" if parts.scheme.startswith("ws") else "http"
    return urlunsplit((scheme, host, parts.path, parts.query, parts.fragment))


def binance_client(endpoints: dict[str, str], account: Account | None = None) -> Any:
    """ccxt.pro.binanceusdm for this account; every host of its `urls["api"]` is replaced."""
    import ccxt.pro

    client = ccxt.pro.binanceusdm(_keys(account))
    hosts = {
        "fapi.binance.com": endpoints["rest"],
        "api.binance.com": endpoints["sapi"],
        "fstream.binance.com": endpoints["ws"],
    }
    client.urls["api"] = redirected(client.urls["api"], hosts)
    return client


def bybit_client(endpoints: dict[str, str], account: Account | None = None) -> Any:
    """ccxt.pro.bybit for this account; every host of its `urls["api"]` is replaced."""
    import ccxt.pro

    client = ccxt.pro.bybit(_keys(account))
    hosts = {
        "api.{hostname}": endpoints["rest"],
        "stream.{hostname}": endpoints["ws"],
    }
    client.urls["api"] = redirected(client.urls["api"], hosts)
    return client


def hyperliquid_client(endpoints: dict[str, str], account: Account) -> Any:
    """ccxt.pro.hyperliquid for this address; every host of its `urls["api"]` is replaced."""
    import ccxt.pro

    client = ccxt.pro.hyperliquid({"walletAddress": account.address})
    hosts = {"api.{hostname}": endpoints["rest"], "api.hyperliquid.xyz": endpoints["ws"]}
    client.urls["api"] = redirected(client.urls["api"], hosts)
    return client


def _keys(account: Account | None) -> dict[str, Any]:
    return {} if account is None else {"apiKey": account.key, "secret": account.secret}
