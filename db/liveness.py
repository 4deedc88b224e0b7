"""Is a pooled connection still good? Asked at each use, so it may cost no round trip.

SQLAlchemy's own question takes three round trips, which is more than most reads. A server that has
closed a connection has said so on its socket, whether or not the event loop has read that yet; an
idle connection has nothing else to read. In the instant between its last words and the closing,
the first statement fails as on a lost connection, and is tried again where those are.
"""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, Any

import asyncpg
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine


def leave_out_closed(engine: AsyncEngine) -> None:
    """Let the engine's pool open a new connection in the place of one that was closed."""

    @event.listens_for(engine.sync_engine, "checkout")
    def _check(dbapi_connection: Any, _record: Any, _proxy: Any) -> None:
        if _is_closed(dbapi_connection.driver_connection):
            raise DisconnectionError("the server closed the connection")

    @event.listens_for(engine.sync_engine, "handle_error")
    def _ended_in_between(context: Any) -> None:
        # the server's last words were read and its closing not yet: the driver refuses to begin
        if isinstance(context.original_exception.__cause__, asyncpg.InternalClientError):
            context.is_disconnect = True


def _is_closed(connection: Any) -> bool:
    if connection.is_closed():
        return True
    transport = getattr(connection, "_transport", None)  # no public way
    sock = transport.get_extra_info("socket") if transport is not None else None
    if sock is None or sock.fileno() < 0:
        return True
    waiting = select.poll()
    waiting.register(sock.fileno(), select.POLLIN)
    return bool(waiting.poll(0))
