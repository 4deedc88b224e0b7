"""A process's life as PostgreSQL sees it: an advisory lock, held on a connection of its own.

When a process dies, the kernel closes its connections and PostgreSQL releases its locks within
milliseconds; a process that is only frozen, or too busy to answer, keeps them. So a free lock tells
the dead from the slow, which a lease cannot. A host that vanished closes nothing: PostgreSQL asks
it, and gives the connection up within ten seconds.

The lock is of the session, so it needs a connection that is ours alone. Behind a pooler that lends
out connections by transaction there is none, and leases alone count.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import Gauge

from core.addresses import postgres_address
from core.choices import Pooler
from core.connection_budget import has_room_for_life
from core.logging import get_logger
from core.loop_local import LoopLocal
from core.settings import get_settings
from db.connecting import APPLICATION, open_connection

if TYPE_CHECKING:
    import asyncpg

log = get_logger(__name__)

HELD: Final = Gauge(
    "roadmap_lives_held",
    "1 for a worker's process whose death is seen at once; 0 while only its leases tell.",
    multiprocess_mode="livesum",
)

CONNECT_S: Final = 5.0
ANSWER_S: Final = 10.0
"""A server that is silent for longer is given up, and connected to anew."""
SESSION: Final = {
    "application_name": APPLICATION,
    "timezone": "UTC",
    "statement_timeout": "8000",
    "lock_timeout": "5000",
    # a host that vanished without a word is given up within 9 s
    "tcp_keepalives_idle": "3",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "9000",
}
_CLOSE_S: Final = 1.0
_LOCK: Final = "SELECT pg_try_advisory_lock($1)"


class Life:
    """Holds the lock of this process's life, and the connection that it lives on."""

    def __init__(self) -> None:
        self.number = secrets.randbits(62)
        """Names this life among all; the lock's key."""
        self.broken = asyncio.Event()
        """The connection ended; it is to be opened again at once."""
        self._connection: asyncpg.Connection[Any] | None = None
        self._locked = False
        self._impossible = False

    @property
    def held(self) -> int | None:
        """This life's number while its lock is held; None when leases alone count."""
        return self.number if self._locked else None

    @property
    def connection(self) -> asyncpg.Connection[Any] | None:
        """The connection of its own, while there is one."""
        return self._connection

    async def hold(self) -> bool:
        """Open the connection and take the lock, whichever of them is missing.

        Returns:
            Whether the connection was opened anew.

        Raises:
            Exception: PostgreSQL cannot be reached.
        """
        opened = False
        if self._connection is not None and self._connection.is_closed():
            self._forget()
        if self._connection is None and not self._impossible:
            await self._open()
            opened = self._connection is not None
        if self._connection is not None and not self._locked:
            # refused while PostgreSQL has not noticed yet that our last connection ended
            self._locked = bool(await self._connection.fetchval(_LOCK, self.number))
            HELD.set(self._locked)
        return opened

    async def _open(self) -> None:
        settings = get_settings()
        if not has_room_for_life(settings):
            self._give_up("too few connections for each process")
            return
        address = postgres_address(settings.database_url.get_secret_value())
        connection, between = await open_connection(
            address,
            session={**SESSION, **address.server_settings},
            pooler=settings.database_pooler,
            connect_timeout_s=CONNECT_S,
            command_timeout_s=ANSWER_S,
        )
        if between is not Pooler.NONE:
            await connection.close(timeout=_CLOSE_S)
            self._give_up("a pooler stands between")
            return
        self._connection = connection
        self.broken.clear()
        connection.add_termination_listener(self._ended)

    def _give_up(self, why: str) -> None:
        self._impossible = True
        log.warning("life_lock_impossible", reason=why)

    def _ended(self, connection: Any) -> None:
        if connection is self._connection:
            self._forget()
            self.broken.set()

    def _forget(self) -> None:
        self._connection, self._locked = None, False
        HELD.set(0)

    def drop(self) -> None:
        """Leave a connection that does not answer; the next `hold` opens another one."""
        connection = self._connection
        self._forget()
        if connection is not None:
            connection.terminate()

    async def end(self) -> None:
        """Give the lock back: this process holds no lease any more."""
        connection = self._connection
        self._forget()
        if connection is not None:
            with contextlib.suppress(Exception):
                await connection.close(timeout=_CLOSE_S)


_lives: Final = LoopLocal(Life)


def life() -> Life:
    """Return the life of the running loop's process."""
    return _lives.get()


async def end_life() -> None:
    """End the running loop's life, if there is one."""
    ended = _lives.pop()
    if ended is not None:
        await ended.end()
