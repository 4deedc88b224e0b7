"""Asks web servers whether an address exists."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin

import aiohttp
import certifi
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from core import timeouts
from core.logging import get_logger
from roadmaps.links.addresses import NotPublicError, Resolver
from roadmaps.links.budget import Budget
from roadmaps.web_addresses import host_of

if TYPE_CHECKING:
    from uuid import UUID

log = get_logger(__name__)

CHECK_TIMEOUT_S: Final = 5.0
AT_A_TIME: Final = 20
REDIRECTS: Final = 4
GONE: Final = frozenset({404, 410})
_MOVED: Final = frozenset({301, 302, 303, 307, 308})
_SUCCESS: Final = 2
_UNSURE: Final = GONE | {403, 405, 501}
_REMEMBER_S: Final = 600.0
_REMEMBERED: Final = 2000
_LARGEST_HEAD: Final = 65_536
"""Bytes of one line of an answer's head: some sites put a whole policy into one."""
_MOST_HEADERS: Final = 500
_AGENT: Final = "Mozilla/5.0 (compatible; roadmap-worker link check)"


class Checker:
    """Asks addresses, a few at a time; what it learnt it remembers for ten minutes."""

    def __init__(self, resolver: Resolver | None = None) -> None:
        self._resolver = resolver or Resolver()
        self._slots = asyncio.Semaphore(AT_A_TIME)
        self._known: dict[str, tuple[float, bool | None]] = {}
        self._budget = Budget()

    async def verdict(
        self, url: str, *, task_id: UUID | None = None, whole: bool = True
    ) -> bool | None:
        """Return True when the address answers, False when it is gone, None when nobody knows.

        Args:
            url: The address.
            task_id: For which task it is asked.
            whole: It may be asked as it is; else it is not asked when it has a query, and nothing
                is known: the page without it is another one.
        """
        if not host_of(url):
            return False
        url = url.partition("#")[0]
        if not whole and "?" in url:
            return None
        known = self._known.get(url)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        if not self._budget.allows(host_of(url), task_id):
            return None
        async with self._slots:
            try:
                async with timeouts.timeout(CHECK_TIMEOUT_S):
                    found = await self._follow(url)
            except NotPublicError:
                log.info("link_not_public", host=host_of(url))
                found = None
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
                log.debug("link_check_failed", host=host_of(url), error=type(error).__name__)
                found = None
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[url] = (time.monotonic() + _REMEMBER_S, found)
        return found

    def close(self) -> None:
        """Give up what is open."""
        self._resolver.close()

    async def _follow(self, url: str) -> bool | None:
        """Ask an address, and those it sends on to; each is looked at before it is asked."""
        for _ in range(1 + REDIRECTS):
            answer = await self._ask(URL(url))
            if answer.status in GONE:
                return False
            if answer.status not in _MOVED or "location" not in answer.headers:
                return True if answer.status // 100 == _SUCCESS else None
            url = urljoin(url, answer.headers["location"])
            if not host_of(url):
                return None
        return None

    async def _ask(self, url: URL) -> aiohttp.ClientResponse:
        # some answer with a body all the same, some hang up
        with suppress(aiohttp.ClientResponseError, aiohttp.ServerDisconnectedError):
            answer = await self._send("HEAD", url)
            if answer.status not in _UNSURE:
                return answer
        return await self._send("GET", url)  # some servers know no HEAD: ask as a browser does

    async def _send(self, method: str, url: URL) -> aiohttp.ClientResponse:
        """Send a request to the one address that was looked at; only the head is read."""
        await self._resolver.address_of(url.host or "")
        connector = aiohttp.TCPConnector(
            resolver=_LookedAt(self._resolver), use_dns_cache=False, ssl=_certificates()
        )
        async with (
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": _AGENT},
                max_line_size=_LARGEST_HEAD,
                max_field_size=_LARGEST_HEAD,
                max_headers=_MOST_HEADERS,
            ) as client,
            client.request(method, url, allow_redirects=False) as answer,
        ):
            return answer


class _LookedAt(AbstractResolver):
    """Leads a connection to the address that was looked at, whatever the name means by now."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        address = await self._resolver.address_of(host)
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6  # noqa: PLR2004
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=family,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Leave it open: it serves other checks."""


@lru_cache(maxsize=1)
def _certificates() -> ssl.SSLContext:
    """Read the trusted certificates once: it takes 90 ms, and each check would, in the loop."""
    return ssl.create_default_context(cafile=certifi.where())
