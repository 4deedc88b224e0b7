"""Which addresses of the internet may be asked: public ones, resolved once and then kept to.

A model may name any host, and whoever owns a name decides what it resolves to, differently each
time if they like. So a name is resolved here, every address it has must be public, and the
connection goes to the very address that was looked at.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    Address = ipaddress.IPv4Address | ipaddress.IPv6Address

REMEMBER_S: Final = 60.0
_NAMES: Final = 2000
_THREADS: Final = 8

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_NAT64_LOCAL: Final = ipaddress.ip_network("64:ff9b:1::/48")


class NotPublicError(Exception):
    """The host is not on the public internet, as far as its name says."""


def is_public(address: Address) -> bool:
    """Tell whether an address leads to the public internet, whatever it is wrapped in."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in _NAT64:
            inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address in _NAT64_LOCAL or not all(is_public(v4) for v4 in inner if v4 is not None):
            return False
        if address.ipv4_mapped is not None:
            return True
    return address.is_global and not address.is_multicast and not address.is_reserved


class Resolver:
    """Resolves names on threads of its own: a name server that is silent blocks nobody else.

    A name that was resolved, or could not be, is remembered for a minute.
    """

    def __init__(self, *, may_be_asked: Callable[[Address], bool] = is_public) -> None:
        self._may_be_asked = may_be_asked
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="resolver")
        self._known: dict[str, tuple[float, asyncio.Future[list[Address]]]] = {}

    async def address_of(self, host: str) -> Address:
        """Return an address of the host that may be asked.

        Raises:
            NotPublicError: At least one of its addresses may not.
            OSError: The name cannot be resolved.
        """
        found = await asyncio.shield(self._lookup(host))
        if not found or not all(self._may_be_asked(address) for address in found):
            raise NotPublicError(host)
        return found[0]

    def close(self) -> None:
        """Give the threads up; those that wait for a silent server end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _lookup(self, host: str) -> asyncio.Future[list[Address]]:
        now = time.monotonic()
        known = self._known.get(host)
        if known is not None and known[0] > now and not known[1].cancelled():
            return known[1]
        if len(self._known) >= _NAMES:
            self._known = {name: entry for name, entry in self._known.items() if entry[0] > now}
        if len(self._known) >= _NAMES:
            self._known.clear()
        future = asyncio.get_running_loop().run_in_executor(self._threads, _resolved, host)
        future.add_done_callback(_looked_at)
        self._known[host] = (now + REMEMBER_S, future)
        return future


def _resolved(host: str) -> list[Address]:
    entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    # IPv4 first: many servers' networks have no way out for IPv6
    entries.sort(key=lambda entry: entry[0] != socket.AF_INET)
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in entries]


def _looked_at(future: asyncio.Future[list[Address]]) -> None:
    """Take note of an error that nobody waits for any more, so that asyncio does not complain."""
    if not future.cancelled():
        future.exception()
