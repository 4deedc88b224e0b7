"""The loop-aware engine cache: one engine per event loop, keyed by the loop's id.

asyncpg connections belong to the event loop that opened them. An engine made at import, or used
over several loops, fails with "attached to a different loop"; NullPool only trades that for a new
connection per query. So each loop has its own engine, made on first use and disposed in that same
loop before it ends. `core.loop_local` argues why the id alone is not enough.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from sqlalchemy import event, text

from core.connection_budget import pool_size, processes
from core.logging import get_logger
from core.loop_local import LoopLocal, loop_number
from core.settings import get_settings
from db.connecting import APPLICATION
from db.dialing import new_engine
from db.liveness import leave_out_closed
from db.pool_metrics import PoolUse
from db.tracing import trace_statements

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

log = get_logger(__name__)

COMMAND_TIMEOUT_S: Final = 10.0
"""A silent server is given up after this; by default a client waited more than 30 s."""
CONNECT_TIMEOUT_S: Final = 5.0
POOL_TIMEOUT_S: Final = 10.0

SESSION_SETTINGS: Final = {
    "application_name": APPLICATION,
    "timezone": "UTC",
    "statement_timeout": "8000",
    "lock_timeout": "5000",
    "idle_in_transaction_session_timeout": "15000",
}


_numbers: Final = itertools.count(1)
"""Of this process's engines, for people who read the log."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """An engine, its connections as the driver knows them, and how many are in use."""

    engine: AsyncEngine
    connections: WeakSet[Any]
    use: PoolUse


def _open_engine() -> _Opened:
    settings = get_settings()
    size = pool_size(settings)
    engine = new_engine(
        settings,
        session=SESSION_SETTINGS,
        connect_timeout_s=CONNECT_TIMEOUT_S,
        command_timeout_s=COMMAND_TIMEOUT_S,
        pool_size=size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT_S,
        pool_recycle=1800,
        pool_use_lifo=True,  # lets idle connections age out instead of keeping all warm
    )
    leave_out_closed(engine)
    connections: WeakSet[Any] = WeakSet()

    @event.listens_for(engine.sync_engine, "connect")
    def _remember(dbapi_connection: Any, _record: Any) -> None:
        connections.add(dbapi_connection.driver_connection)

    if settings.otlp_endpoint is not None:
        trace_statements(engine)
    log.info(
        "db_engine_created_for_event_loop",
        loop_id=loop_number(),
        engine_id=next(_numbers),
        pid=os.getpid(),
        pool_size=size,
    )
    return _Opened(engine, connections, PoolUse(engine, size=size))


def _discard(opened: _Opened) -> None:
    """Drop an engine whose loop is closed.

    Its connections cannot be closed politely, because their transports belong to a loop that will
    never run again; shutting the sockets down lets the server end its side at once.
    """
    for connection in list(opened.connections):
        sock = connection._transport.get_extra_info("socket")  # noqa: SLF001 - no public way
        # already gone, which is what we want; uvloop closes them itself, and its sockets know no
        # shutdown
        with contextlib.suppress(OSError, TypeError):
            sock.shutdown(socket.SHUT_RDWR)
    opened.engine.sync_engine.dispose(close=False)
    opened.use.forget()
    log.warning("db_engine_discarded", reason="its event loop was closed without disposing it")


_engines: LoopLocal[_Opened] = LoopLocal(_open_engine, on_discard=_discard)


def get_engine() -> AsyncEngine:
    """Return the running loop's engine, made on first use.

    Raises:
        RuntimeError: No event loop is running; an engine outside a loop has no owner.
    """
    return _engines.get().engine


async def dispose_engine() -> None:
    """Close the running loop's engine, if there is one; call it in that loop before it ends."""
    opened = _engines.pop()
    if opened is not None:
        await opened.engine.dispose()
        opened.use.forget()
        log.info("db_engine_disposed", pid=os.getpid())


async def cleanup_unused_engines() -> int:
    """Discard the engines of loops that were closed; return how many there were."""
    return _engines.sweep()


async def get_pool_status() -> dict[str, Any]:
    """Return the state of this loop's pool and how many engines the process has.

    Keys: `engines`, `loop_id`, `pool_size`, `checked_in`, `checked_out`, `overflow`, and `budget`,
    the connections all processes together may open.
    """
    pool: Any = get_engine().pool
    settings = get_settings()
    return {
        "engines": len(_engines),
        "loop_id": loop_number(),
        "pool_size": pool.size(),
        "checked_in": pool.checkedin(),
        "checked_out": pool.checkedout(),
        "overflow": max(0, pool.overflow()),
        "budget": settings.database_max_connections,
        "processes": processes(settings),
    }


async def init_db() -> None:
    """Open the pool's first connection, so that a wrong address shows at start, not later."""
    async with get_engine().connect() as connection:
        await connection.execute(text("SELECT 1"))
