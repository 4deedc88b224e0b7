"""Looking addresses up: what is gone is dropped, what is private is never asked."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from roadmaps.links.addresses import NotPublicError, Resolver, is_public
from roadmaps.links.check import Checker
from roadmaps.web_addresses import completed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from ipaddress import IPv4Address, IPv6Address

PRIVATE = [
    "127.0.0.1", "127.8.9.1", "0.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1",
    "169.254.169.254", "224.0.0.1", "255.255.255.255", "240.0.0.1", "::1", "::",
    "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b:1::1", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "0.0.0.2", "0.255.255.255", "fec0::1", "feff::1", "2002:808:808::1", "64:ff9b::808:808",
    "::7f00:1",
    "::ffff:0:7f00:1", "::ffff:8.8.8.8", "100.127.255.255", "168.63.129.16", "192.0.0.1",
    "198.18.0.1", "fd00:ec2::254", "4000::1", "2001:db8::1", "100::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses(address: str) -> None:
    """Loopback, private, link-local, shared and multicast ones, also wrapped in IPv6."""
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "2a00:1450::1", "100.128.0.1"])
def test_public_addresses(address: str) -> None:
    """What leads to the internet may be asked."""
    assert is_public(ipaddress.ip_address(address))


class Site:
    """A web server on loopback that answers paths with a status, and counts its visitors."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.hosts: set[str] = set()
        self.connections = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request: `/404` with that status, `/to/ADDRESS` with a redirect there."""
        self.connections += 1
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, _ = head.split(" ", 2)
        self.asked[f"{method} {path}"] += 1
        self.hosts |= {line[6:] for line in head.split("\r\n") if line.startswith("Host: ")}
        if path.startswith("/to/"):
            status, more = 302, f"Location: {path[4:]}\r\n"
        else:
            status, more = int(path[1:4]), ""
        if path.endswith("-get") and method == "HEAD":
            status = 404
        if path.endswith("-hangs-up") and method == "HEAD":
            writer.close()
            return
        if path.endswith("-policy"):
            more = f"Content-Security-Policy: {'x' * 20_000}\r\n"
        body = "whatever the method" if path.endswith("-body") else ""
        head = f"HTTP/1.1 {status} X\r\n{more}Content-Length: {len(body)}\r\n\r\n"
        writer.write(f"{head}{body}".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def site_and_checker(*, loopback: bool) -> AsyncIterator[tuple[Site, Checker]]:
    """A site, and a checker that takes loopback for public or not."""

    def may_be_asked(address: IPv4Address | IPv6Address) -> bool:
        return is_public(address) or (loopback and str(address) == "127.0.0.1")

    site, checker = Site(), Checker(Resolver(may_be_asked=may_be_asked))
    async with await asyncio.start_server(site.serve, "127.0.0.1", 0) as server:
        site.port = server.sockets[0].getsockname()[1]
        yield site, checker
    checker.close()


@pytest.mark.parametrize(
    ("path", "verdict"),
    [
        ("200", True),
        ("404", False),
        ("410", False),
        ("200-get", True),
        ("200-body", True),
        ("200-hangs-up", True),
        ("404-hangs-up", False),
        ("200-policy", True),
        ("500", None),
        ("403", None),
    ],
)
async def test_what_an_address_answers(path: str, *, verdict: bool | None) -> None:
    """Gone is only what says 404 or 410 to a GET, too; errors and refusals say nothing.

    A body that comes to a HEAD, against the rules, changes nothing, and a long head is read.
    """
    async with site_and_checker(loopback=True) as (site, checker):
        url = f"http://localhost:{site.port}/{path}"
        assert await checker.verdict(url) is verdict
        asked = site.connections
        assert await checker.verdict(url) is verdict
        assert site.connections == asked, "what is known was asked again"
        assert site.hosts == {f"localhost:{site.port}"}


async def test_redirects_are_followed_to_their_end() -> None:
    """Where an address leads to decides; one that goes in circles says nothing."""
    async with site_and_checker(loopback=True) as (site, checker):
        here = f"http://localhost:{site.port}"
        assert await checker.verdict(f"{here}/to/{here}/200") is True
        assert await checker.verdict(f"{here}/to/{here}/404") is False
        assert await checker.verdict(f"{here}/to//to//to//to//to//to//200") is None


async def test_an_invented_query_is_not_sent_and_nothing_is_known_without_it() -> None:
    """A page for all videos answers for none of them; what a search gave is asked as it is."""
    async with site_and_checker(loopback=True) as (site, checker):
        for status in (200, 404):
            url = f"http://localhost:{site.port}/{status}?v=invented"
            assert await checker.verdict(url, whole=False) is None
            assert site.connections == 0
        assert await checker.verdict(f"http://localhost:{site.port}/200#part", whole=False) is True
        assert await checker.verdict(f"http://localhost:{site.port}/200?v=found") is True
        assert site.asked["HEAD /200?v=found"] == 1


async def test_private_doors_are_not_knocked_at() -> None:
    """Neither by a name nor by an address: unverified, and nobody was asked."""
    async with site_and_checker(loopback=False) as (site, checker):
        for host in (
            "localhost",
            "127.0.0.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "0x7f.1",
            "2130706433",
        ):
            assert await checker.verdict(f"http://{host}:{site.port}/404") is None
        assert site.connections == 0


async def test_a_redirect_does_not_lead_to_a_private_door() -> None:
    """A public page that sends us on to an inner address is not followed there."""
    inner = Site()
    async with (
        site_and_checker(loopback=True) as (site, checker),
        await asyncio.start_server(inner.serve, "127.0.0.2", 0) as server,
    ):
        port = server.sockets[0].getsockname()[1]
        to = f"http://localhost:{site.port}/to/http://127.0.0.2:{port}/404"
        assert await checker.verdict(to) is None
        assert (site.connections, inner.connections) == (1, 0)


async def test_a_name_is_resolved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that turns private after it was looked at leads nowhere else (DNS rebinding)."""
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    resolved: list[str] = []

    def resolve(host: str) -> list[IPv4Address | IPv6Address]:
        resolved.append(host)
        return [ipaddress.ip_address(address) for address in next(answers)]

    monkeypatch.setattr("roadmaps.links.addresses._resolved", resolve)
    async with site_and_checker(loopback=True) as (site, checker):
        assert await checker.verdict(f"http://rebind.test:{site.port}/200") is True
        assert site.hosts == {f"rebind.test:{site.port}"}
        assert resolved == ["rebind.test"]


async def test_one_private_address_among_public_ones_is_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All addresses of a name must be public, or it is not asked."""
    found = [ipaddress.ip_address("1.1.1.1"), ipaddress.ip_address("10.0.0.1")]
    monkeypatch.setattr("roadmaps.links.addresses._resolved", lambda _host: found)
    resolver = Resolver()
    with pytest.raises(NotPublicError):
        await resolver.address_of("mixed.test")
    resolver.close()


@pytest.mark.parametrize(
    "url", ["", "x", "ftp://host/a", "javascript:alert(1)", "http://[", "http://"]
)
async def test_what_is_no_web_address_is_dropped(url: str) -> None:
    """Nothing is asked, and nothing is kept."""
    async with site_and_checker(loopback=False) as (_site, checker):
        assert await checker.verdict(url) is False


def test_a_missing_scheme_is_added() -> None:
    """Models leave it out; what has none and looks like a host gets https."""
    assert completed(" docs.python.org/3/ ") == "https://docs.python.org/3/"
    assert completed("http://a.b/") == "http://a.b/"
    assert completed("nothing") == "nothing"


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("//a.example/b", "https://a.example/b"),
        ("a.example:8080/b?c=d#e", "https://a.example:8080/b?c=d#e"),
        ("[The title](https://a.example/b_(c))", "https://a.example/b_(c)"),
        ("<https://a.example/b>", "https://a.example/b"),
        ("`https://a.example/b`", "https://a.example/b"),
        ("See https://me:secret@a.example/b.", "https://a.example/b"),
        ("https://a.example (official)", "https://a.example"),
        ("https://a.example/b_(c)", "https://a.example/b_(c)"),
        ("https://a.example or https://b.example", "https://a.example or https://b.example"),
        ("ISBN 978-3-16-148410-0", "ISBN 978-3-16-148410-0"),
    ],
)
def test_an_address_is_found_in_what_is_written_around_it(written: str, address: str) -> None:
    """Models write links of Markdown, signs and words; of two addresses none is chosen."""
    assert completed(written) == address
