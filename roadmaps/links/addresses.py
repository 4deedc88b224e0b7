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

_UNICAST: Final = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is given out; what is left is special: fec0::/10, NAT64, IPv4 in IPv6."""
_NOT_PUBLIC: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # behind a provider's NAT, where clouds put services of their own
        "168.63.129.16/32",  # Azure's own
        "192.0.0.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "198.18.0.0/15",
        "2001::/23",  # Teredo and others
        "2002::/16",  # 6to4: leads to any IPv4 address, inner ones included
    )
)


class NotPublicError(Exception):
    """The host is not on the public internet, as far as its name says."""


def is_public(address: Address) -> bool:
    """Tell whether an address leads to the public internet; one that wraps another does not."""
    if address.version == 6 and address not in _UNICAST:  # noqa: PLR2004 - as in IPv6
        return False
    if any(address in network for network in _NOT_PUBLIC):
        return False
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
