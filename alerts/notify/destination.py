"""Where a message may go: never to a private address by way of a name, a redirect or an odd spelling.

The address that was checked is the one that is connected to, because `CheckedResolver` is what aiohttp asks:
a second answer of the same name changes nothing. OWASP, "Server-Side Request Forgery Prevention", 2026-01.
"""

from __future__ import annotations

import ipaddress
import socket

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

CONNECTIONS = 4  # to one receiver

NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052
# Not global by IANA's registries (2026-01), and called so by some of the Pythons that we run on.
SPECIAL = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "3fff::/20", "fec0::/10")))

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class ForbiddenDestination(OSError):
    """The destination is private, or its URL is not one that a message may go to. Names no URL."""


def checked_url(text: str, *, allow_private: bool) -> URL:
    """The URL of a receiver: https, or http where private ones are allowed; no user, no odd address."""
    try:
        url = URL(text)
    except ValueError as error:
        raise ForbiddenDestination("the URL can't be read") from error
    schemes = ("https", "http") if allow_private else ("https",)
    if url.scheme not in schemes:
        raise ForbiddenDestination(f"the URL must begin with {' or '.join(schemes)}")
    if not url.host:
        raise ForbiddenDestination("the URL names no host")
    if url.user is not None or url.password is not None:
        raise ForbiddenDestination("the URL holds a user or password")
    if not allow_private:
        _refuse_private_literal(url.host.rstrip("."))
    return url


def _refuse_private_literal(host: str) -> None:
    """aiohttp asks no resolver about an address; libc also reads 2130706433, 0x7f.1 and 0177.0.0.1 as one."""
    try:
        check_address(host)
    except ValueError:  # a name, or a spelling that only libc takes for an address
        try:
            packed = socket.inet_aton(host)
        except OSError:
            return
        raise ForbiddenDestination(f"an odd spelling of {ipaddress.ip_address(packed)}") from None


def check_address(text: str) -> None:
    """Raises ForbiddenDestination unless the address is public; ValueError when it is none."""
    address = ipaddress.ip_address(text.partition("%")[0])
    for one in _reached_through(address):
        is_special = any(one in network for network in SPECIAL)
        if is_special or not one.is_global or one.is_multicast or one.is_reserved:
            raise ForbiddenDestination("the address is not a public one")


def _reached_through(address: Address) -> tuple[Address, ...]:
    """The addresses that packets may end at: an IPv6 address can carry an IPv4 one."""
    if not isinstance(address, ipaddress.IPv6Address):
        return (address,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address in NAT64:
        return (ipaddress.IPv4Address(int(address) & 0xFFFFFFFF),)
    return (address,) if address.sixtofour is None else (address, address.sixtofour)


def open_session(*, allow_private: bool, resolver: AbstractResolver | None = None) -> aiohttp.ClientSession:
    """A session for one receiver whose connections go to checked addresses; call it inside the loop."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            resolver=resolver if allow_private else CheckedResolver(resolver), limit=CONNECTIONS
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,  # a small answer must not unpack to a large one
        trust_env=False,  # a proxy would resolve the name again, unchecked
        trace_configs=[_no_redirects()],
    )


def _no_redirects() -> aiohttp.TraceConfig:
    async def refuse(*_: object) -> None:
        raise ForbiddenDestination("redirects are not followed")

    config = aiohttp.TraceConfig()
    config.on_request_redirect.append(refuse)
    return config


class CheckedResolver(AbstractResolver):
    """Resolves through another resolver and lets nothing pass unless every address is public."""

    def __init__(self, inner: AbstractResolver | None = None) -> None:
        self._inner = inner if inner is not None else ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host, all of them checked."""
        found = await self._inner.resolve(host, port, family)
        for one in found:
            check_address(one["host"])
        return found

    async def close(self) -> None:
        """Closes the inner one."""
        await self._inner.close()
