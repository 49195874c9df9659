"""Where messages may go: no spelling, name, answer or redirect leads to a private address."""

from __future__ import annotations

import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from alerts.notify.destination import CheckedResolver, ForbiddenDestination, check_address, checked_url
from alerts.notify.notifier import Delivered, Rejected
from alerts.notify.webhook import WebhookNotifier
from monitor.config import Secret
from tests.support.notifications import a_notification
from tests.support.receivers import SIGNING_SECRET, WebhookDesk, http_desk

PRIVATE_HOSTS = (
    "127.0.0.1",
    "127.1",
    "127.0.0.1.",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "0",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.8",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[::ffff:169.254.169.254]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::1]",
    "[2002:7f00:1::]",
    "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[fc00::1]",
    "[fec0::1]",
    "[ff02::1]",
    "①②⑦.⓪.⓪.①",
)
PUBLIC = (
    "93.184.215.14",
    "2606:2800:21f:cb07:6820:80da:af6b:8b2c",
    "::ffff:93.184.215.14",
    "64:ff9b::5db8:d70e",
)


class StubResolver(AbstractResolver):
    """Answers with fixed addresses, one list a question; the last one stays."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The next answer."""
        self.asked += 1
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(hostname=host, host=one, port=port, family=socket.AF_INET, proto=0, flags=0)
            for one in found
        ]

    async def close(self) -> None:
        """Nothing to close."""


def webhook(url: str, resolver: AbstractResolver | None = None, *, private: bool = False) -> WebhookNotifier:
    """A signed webhook to a URL."""
    return WebhookNotifier(
        "hook",
        url,
        Secret(SIGNING_SECRET, "the test"),
        allow_private_destinations=private,
        resolver=resolver,
    )


@pytest.mark.parametrize("host", PRIVATE_HOSTS)
async def test_no_spelling_of_a_private_address_is_sent_to(host) -> None:
    """Decimal, octal, hexadecimal, mapped, translated or tunnelled: refused at start, or not connected to."""
    try:
        notifier = webhook(f"https://{host}/hook")
    except ForbiddenDestination:
        return
    outcome = await notifier.notify(a_notification())
    await notifier.close()
    assert isinstance(outcome, Rejected), outcome


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_passes(address) -> None:
    """The check lets pass what it should, also where an IPv6 address carries a public IPv4 one."""
    check_address(address)


@given(st.ip_addresses())
def test_what_is_not_global_never_passes(address) -> None:
    """Every address that the standard library calls private, loopback or link-local is refused."""
    try:
        check_address(str(address))
    except ForbiddenDestination:
        return
    assert not (
        address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified
    )
    assert address.is_global or getattr(address, "ipv4_mapped", None)


@pytest.mark.parametrize(
    "url",
    [
        "http://desk.example/hook",
        "ftp://desk.example/hook",
        "file:///etc/passwd",
        "https:///hook",
        "hook",
        "https://user:canary@desk.example/",
        "https://desk.example:99999/",
        "https://[::1/",
    ],
)
def test_only_https_to_a_host_is_taken(url) -> None:
    """Other schemes, no host, and credentials in a URL are refused without repeating the URL."""
    with pytest.raises(ForbiddenDestination) as refused:
        checked_url(url, allow_private=False)
    assert "desk.example" not in str(refused.value)
    assert "canary" not in str(refused.value)


def test_http_is_taken_inside_only() -> None:
    """Plain HTTP and private addresses go together with allow_private_destinations."""
    assert str(checked_url("http://10.0.0.5/hook", allow_private=True)) == "http://10.0.0.5/hook"
    with pytest.raises(ForbiddenDestination):
        checked_url("ftp://10.0.0.5/hook", allow_private=True)


async def test_one_private_address_among_many_refuses_the_name() -> None:
    """A name is taken only when every address that it resolves to is public."""
    resolver = CheckedResolver(StubResolver(("93.184.215.14", "10.0.0.5")))
    with pytest.raises(ForbiddenDestination):
        await resolver.resolve("desk.example", 443)
    public = CheckedResolver(StubResolver(("93.184.215.14",)))
    assert [one["host"] for one in await public.resolve("desk.example", 443)] == ["93.184.215.14"]


async def test_a_name_that_leads_inside_is_never_connected_to() -> None:
    """A DNS answer with a private address is a refusal, and the server there is not asked."""
    desk = WebhookDesk()
    async with http_desk(desk):
        for answer in (("127.0.0.1",), ("93.184.215.14", "127.0.0.1")):
            notifier = webhook(f"https://desk.example:{desk.port}/hook", StubResolver(answer))
            outcome = await notifier.notify(a_notification())
            await notifier.close()
            assert outcome == Rejected("the address is not a public one")
    assert desk.requests == []


async def test_a_name_that_turns_inside_later_is_refused_then() -> None:
    """A second answer of the same name (DNS rebinding) is checked like the first."""
    resolver = CheckedResolver(StubResolver(("93.184.215.14",), ("169.254.169.254",)))
    await resolver.resolve("desk.example", 443)
    with pytest.raises(ForbiddenDestination):
        await resolver.resolve("desk.example", 443)


async def test_the_address_that_was_resolved_is_the_one_connected_to() -> None:
    """The name is asked for once a connection, and nobody resolves it again behind the check."""
    desk, names = WebhookDesk(), StubResolver(("127.0.0.1",))
    async with http_desk(desk):
        notifier = webhook(f"http://desk.example:{desk.port}/hook", names, private=True)
        assert await notifier.notify(a_notification()) == Delivered()
        await notifier.close()
    assert names.asked == 1
    assert desk.requests[0]["Host"] == f"desk.example:{desk.port}"
