"""Counts open connections, and bounds those that keep the server waiting for a request.

A connection waits while its request's head or body is not complete, and while it is kept alive
between two requests. Those cost memory for nothing, so their number, their bytes and their time are
bound; where there are too many, the one that has been waiting longest has to go, which is never an
ordinary client's. Connections whose request is being answered, streams included, are only counted.
"""

from __future__ import annotations

import ipaddress
from collections import Counter as Tally
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol

from prometheus_client import Counter, Gauge

from core.loop_local import LoopLocal
from core.settings import get_settings

if TYPE_CHECKING:
    import asyncio

HEAD_BYTES: Final = 32 * 1024
"""Of a request's first line and headers together."""
HEADERS: Final = 100
HEAD_S: Final = 10.0
"""Within which a request's head must be complete."""
BODY_S: Final = 30.0
"""Within which its body must be."""
BODY_PATIENCE_S: Final = 5.0
BODY_RATE: Final = 1000
"""Bytes a second that a body must have come at, after that patience."""
BODIES_BYTES: Final = 8 * 1024 * 1024
"""Of all unfinished bodies together."""
PIPELINED: Final = 16
"""Requests that one connection may send before the first is answered."""
SWEEP_S: Final = 0.5

OPEN: Final = Gauge(
    "roadmap_connections_open", "Connections to the API.", multiprocess_mode="livesum"
)
CLOSED: Final = Counter(
    "roadmap_connections_refused_total",
    "Connections that were refused or given up before a request was complete.",
    ["reason"],
)


class Connection(Protocol):
    """What the registry needs of a connection."""

    address: str

    def overdue(self, now: float) -> str | None:
        """Return why it is to be given up now; None to go on waiting."""
        ...

    def give_up(self, reason: str) -> None:
        """Say why, and close."""
        ...


@dataclass(slots=True)
class Connections:
    """The open connections of one event loop."""

    _open: dict[Connection, None] = field(default_factory=dict)
    _by_address: Tally[str] = field(default_factory=Tally)
    _waiting: dict[Connection, None] = field(default_factory=dict)
    _waiting_of: dict[str, dict[Connection, None]] = field(default_factory=dict)
    _bodies: dict[Connection, int] = field(default_factory=dict)
    _held: int = 0
    _sweep: asyncio.TimerHandle | None = None

    def join(self, connection: Connection) -> str | None:
        """Count a new connection.

        Returns:
            Why it cannot be taken, when nobody who waits could make room; None when it is taken.
        """
        settings = get_settings()
        address = connection.address
        refusal = None
        if len(self._open) >= settings.api_max_connections and not self._make_room(self._waiting):
            refusal = "full"
        most = settings.address_max_connections
        if most and self._by_address[address] >= most and not is_proxy(address):
            others = self._waiting_of.get(address, {})
            refusal = refusal or (None if self._make_room(others) else "address_full")
        self._open[connection] = None
        self._by_address[address] += 1
        OPEN.set(len(self._open))
        return refusal

    @property
    def flooded(self) -> bool:
        """There are so many connections that not even a refusal is worth its time."""
        return len(self._open) > 1.1 * get_settings().api_max_connections

    def leave(self, connection: Connection) -> None:
        """Forget a connection; again is fine."""
        if self._open.pop(connection, 0) == 0:
            return
        self.answered(connection)
        self._by_address[connection.address] -= 1
        if not self._by_address[connection.address]:
            del self._by_address[connection.address]
        OPEN.set(len(self._open))

    def waits(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> None:
        """Note that a connection waits from now on, behind all others that do."""
        self._stop_waiting(connection)
        self._waiting[connection] = None
        mine = self._waiting_of.setdefault(connection.address, {})
        mine[connection] = None
        most = get_settings().address_max_unfinished
        if most and len(mine) > most and not is_proxy(connection.address):
            self._make_room(mine)
        if self._sweep is None:
            self._sweep = loop.call_later(SWEEP_S, self._look, loop)

    def holds(self, connection: Connection, size: int) -> None:
        """Note how much of an unfinished body was received."""
        self._held += size - self._bodies.get(connection, 0)
        self._bodies[connection] = size
        while self._held > BODIES_BYTES and self._bodies:
            self._give_up(next(iter(self._bodies)), "bodies_full")

    def answered(self, connection: Connection) -> None:
        """Note that it no longer waits: its request is complete, or it is gone."""
        self._stop_waiting(connection)
        self._held -= self._bodies.pop(connection, 0)

    def _stop_waiting(self, connection: Connection) -> None:
        if self._waiting.pop(connection, 0) == 0:
            return
        mine = self._waiting_of[connection.address]
        del mine[connection]
        if not mine:
            del self._waiting_of[connection.address]

    def _make_room(self, waiting: dict[Connection, None]) -> bool:
        oldest = next(iter(waiting), None)
        if oldest is not None:
            self._give_up(oldest, "oldest")
        return oldest is not None

    def _give_up(self, connection: Connection, reason: str) -> None:
        self.answered(connection)
        connection.give_up(reason)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give up those that are overdue; once more as long as somebody waits."""
        now = loop.time()
        for connection in list(self._waiting):
            reason = connection.overdue(now)
            if reason is not None:
                self._give_up(connection, reason)
        self._sweep = loop.call_later(SWEEP_S, self._look, loop) if self._waiting else None


_connections: Final[LoopLocal[Connections]] = LoopLocal(Connections)


def connections() -> Connections:
    """Return the running loop's connections."""
    return _connections.get()


def address_of(client: tuple[str, int] | None) -> str:
    """Return whose connection it is, as connections are counted."""
    return client[0] if client else "local"


def is_proxy(address: str) -> bool:
    """Tell whether an address is a proxy's of ours: it speaks for many, so no bound is its own."""
    return _in_networks(address, tuple(getattr(get_settings(), "trusted_proxies", ())))


@lru_cache(maxsize=4096)
def _in_networks(address: str, networks: tuple[str, ...]) -> bool:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return any(parsed in ipaddress.ip_network(network, strict=False) for network in networks)
