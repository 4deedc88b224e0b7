"""How a connection to PostgreSQL is opened: directly, or through a pooler by transaction.

A pooler such as PgBouncer that hands out its connections by transaction keeps nothing between two
transactions: what is set at the start of a session is refused or lost, and a statement prepared on
one server connection is unknown on the next. Behind one, statements stay unnamed and the time
limits are set in each transaction.
"""

from __future__ import annotations

import random
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from core.addresses.postgres_tls import tls_arguments
from core.choices import Pooler
from core.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.addresses import PostgresAddress

log = get_logger(__name__)

APPLICATION: Final = "roadmap-worker"
ADMITTED: Final = """
    LEAST(
        current_setting('max_connections')::int
            - current_setting('superuser_reserved_connections')::int
            - coalesce(current_setting('reserved_connections', true)::int, 0),
        (SELECT LEAST(nullif(us.rolconnlimit, -1), nullif(here.datconnlimit, -1))
         FROM pg_roles AS us, pg_database AS here
         WHERE us.rolname = session_user AND here.datname = current_database()
             AND NOT us.rolsuper)
    )
"""
"""How many connections we may have, in SQL: the server's limit, our role's and our database's own.

What is kept for superusers and the like is nothing of ours, and nothing else limits them.
"""
_KEPT: Final = frozenset(("application_name", "timezone", "options"))
"""What a pooler sets again on whatever connection it hands out, or reads itself."""
_REFUSED: Final = "unsupported startup parameter"
_OWN_PROCESS: Final = "SELECT pg_backend_pid()"
_KEEPALIVES: Final = {
    "keepalives_idle": "TCP_KEEPIDLE",
    "keepalives_interval": "TCP_KEEPINTVL",
    "keepalives_count": "TCP_KEEPCNT",
    "tcp_user_timeout": "TCP_USER_TIMEOUT",
}

_found: dict[PostgresAddress, Pooler] = {}


def forget_poolers() -> None:
    """Find out again what stands between."""
    _found.clear()


def arguments(address: PostgresAddress, *, connect_timeout_s: float) -> dict[str, Any]:
    """Return asyncpg's arguments for an address: all of them, so that no `PG…` variable counts."""
    given = address.parameters
    hosts = [*address.hosts]
    if given.get("hostaddr"):
        numbers = given["hostaddr"].split(",")
        hosts = [
            (number.strip() or host, port)
            for number, (host, port) in zip(numbers, hosts, strict=True)
        ]
    if given.get("load_balance_hosts") == "random":
        random.shuffle(hosts)
    wait_s = int(given.get("connect_timeout") or given.get("timeout") or 0)
    own = Path(given.get("passfile") or Path.home() / ".pgpass")
    return {
        "host": [host for host, _ in hosts],
        "port": [port for _, port in hosts],
        "user": address.user,
        "password": address.password if address.password is not None or own.is_file() else "",
        "passfile": str(own),
        "database": address.database,
        "timeout": wait_s if wait_s > 0 else connect_timeout_s,
        "target_session_attrs": given.get("target_session_attrs") or "any",
        "krbsrvname": "postgres",
        "gsslib": "gssapi",
        **tls_arguments(address),
    }


def pooled_arguments(*, session: Mapping[str, str], pooler: Pooler) -> dict[str, Any]:
    """Return the arguments that say what a session is told, and what it may keep."""
    if pooler is Pooler.NONE:
        return {"server_settings": dict(session)}
    kept = {name: value for name, value in session.items() if name in _KEPT}
    return {"server_settings": kept, "statement_cache_size": 0}


async def open_connection(
    address: PostgresAddress,
    *,
    session: Mapping[str, str],
    pooler: Pooler | None,
    connect_timeout_s: float,
    command_timeout_s: float | None,
) -> tuple[asyncpg.Connection[Any], Pooler]:
    """Open a connection; find out about a pooler unless the setting or the address tells.

    Args:
        address: Where.
        session: What the server is told at the start of the session.
        pooler: What stands between, when that is known.
        connect_timeout_s: Limit of connecting, unless the address has its own.
        command_timeout_s: Limit of one command.

    Returns:
        The connection, and what stands between.
    """

    async def connected(behind: Pooler) -> asyncpg.Connection[Any]:
        connection: asyncpg.Connection[Any] = await asyncpg.connect(
            command_timeout=command_timeout_s,
            **arguments(address, connect_timeout_s=connect_timeout_s),
            **pooled_arguments(session=session, pooler=behind),
        )
        _keep_alive(connection, address.parameters)
        return connection

    known = pooler or (Pooler.TRANSACTION if address.pooled else _found.get(address))
    if known is not None:
        return await connected(known), known
    try:
        connection = await connected(Pooler.NONE)
        if not await _behind_pooler(connection):
            _found[address] = Pooler.NONE
            return connection, Pooler.NONE
        await connection.close()
    except asyncpg.PostgresError as error:
        if _REFUSED not in str(error):
            raise
    _found[address] = Pooler.TRANSACTION
    log.info("database_pooler_found", pooler="transaction")
    return await connected(Pooler.TRANSACTION), Pooler.TRANSACTION


def limits_sql(session: Mapping[str, str]) -> str:
    """Return the statement that sets, for one transaction, what a pooler does not keep.

    Empty when there is nothing to set.
    """
    local = [
        f"set_config('{name}', '{value.replace(chr(39), chr(39) * 2)}', true)"
        for name, value in session.items()
        if name not in _KEPT
    ]
    return f"SELECT {', '.join(local)}" if local else ""


async def _behind_pooler(connection: asyncpg.Connection[Any]) -> bool:
    """Tell whether something stands between: the server's process is another than we were told."""
    asking = connection.transaction()
    await asking.start()
    try:
        statement = await connection.prepare(_OWN_PROCESS, name="")
        return bool(await statement.fetchval() != connection.get_server_pid())
    finally:
        await asking.rollback()


def _keep_alive(connection: asyncpg.Connection[Any], given: Mapping[str, str]) -> None:
    """Set what the address says about the socket."""
    transport = getattr(connection, "_transport", None)
    sock = transport.get_extra_info("socket") if transport is not None else None
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    if given.get("keepalives"):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, int(given["keepalives"] != "0"))
    for name, option in _KEEPALIVES.items():
        value = int(given.get(name) or 0)
        if value > 0 and hasattr(socket, option):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
