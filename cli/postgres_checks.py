"""The doctor's questions to PostgreSQL: there, new enough, migrated, with room for all of us."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from cli.findings import Finding, clean
from cli.tls_advice import tls_advice
from db.connecting import ADMITTED, APPLICATION, open_connection

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from core.settings import Settings

_TIMEOUT_S: Final = 5.0
_OLDEST_POSTGRES: Final = 14
_FULL: Final = "53300"
_ROOM: Final = (
    "lower ROADMAP_DATABASE_MAX_CONNECTIONS, or raise what limits them: max_connections, or the"
    " CONNECTION LIMIT of the role or database"
)
_FACTS_SQL: Final = f"""
    SELECT current_setting('server_version_num')::int / 10000,
           current_setting('server_version'),
           {ADMITTED},
           current_setting('server_encoding'),
           current_setting('transaction_read_only') = 'on',
           (SELECT min(quote_ident(nspname)) FROM pg_class c
            JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relname = 'roadmap_tasks' AND NOT pg_table_is_visible(c.oid)),
           to_regclass('alembic_version') IS NOT NULL
"""  # noqa: S608 - our own words


def check_postgres(url: str, settings: Settings) -> list[Finding]:
    """Look at the database: reachable, new enough, migrated, enough connections."""
    import asyncpg

    from core.addresses import AddressError

    try:
        facts = asyncio.run(_postgres_facts(url, settings))
    except (
        OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, AddressError,
    ) as error:  # fmt: skip
        return [_unreachable(error, url)]
    major, version, available, encoding, read_only, elsewhere, revision, pooled = facts
    findings = [
        Finding(
            name="PostgreSQL",
            ok=major >= _OLDEST_POSTGRES,
            message=f"version {version}"
            + (", behind a pooler that lends out connections by transaction" if pooled else "")
            + ("" if major >= _OLDEST_POSTGRES else f"; {_OLDEST_POSTGRES} or newer is needed"),
        ),
        _encoded(encoding),
        _migrated(revision, elsewhere),
    ]
    if read_only:
        said = (
            "is read-only: a standby, or default_transaction_read_only is on; nothing is accepted"
        )
        findings.append(Finding(name="database writes", ok=False, message=said))
    findings += [_shared_out(settings), _taken_over(settings, pooled=pooled)]
    budget = settings.database_max_connections
    enough = available >= budget
    findings.append(
        Finding(
            name="database connections",
            ok=enough,
            message=f"the server admits {available}, our budget over all processes is {budget}"
            + ("" if enough else f"; {_ROOM}"),
            required=False,
        )
    )
    return findings


def _unreachable(error: Exception, url: str) -> Finding:
    reason = clean(str(error) or type(error).__name__)
    advice = tls_advice(reason, url) or " Check ROADMAP_DATABASE_URL, or start `roadmap up`."
    message = f"cannot be reached: {reason}.{advice}"
    if getattr(error, "sqlstate", None) == _FULL:
        message = f"has no connection left for us: {reason}; {_ROOM}"
    return Finding(name="PostgreSQL", ok=False, message=message)


def _shared_out(settings: Settings) -> Finding:
    """Look whether the budget is enough for the processes that share it (OPERATIONS.md#sizing)."""
    from core.connection_budget import fits, needed, pool_size

    total, budget = needed(settings), settings.database_max_connections
    enough = fits(budget, settings.database_processes)
    said = (
        f"{settings.database_processes} processes of {pool_size(settings)} connections and a"
        f" reserve need {total} of {budget}"
    )
    if not enough:
        said += (
            ", and none of them starts; run fewer processes, raise"
            " ROADMAP_DATABASE_MAX_CONNECTIONS, or correct ROADMAP_DATABASE_PROCESSES"
        )
    return Finding(name="connection budget", ok=enough, message=said)


def _taken_over(settings: Settings, *, pooled: bool) -> Finding:
    """Look whether a dead worker can be told from a silent one."""
    from core.connection_budget import has_room_for_life

    why = None
    if pooled:
        why = (
            "a pooler by transaction keeps no lock; give workers a ROADMAP_DATABASE_URL that"
            " leads to PostgreSQL itself"
        )
    elif not has_room_for_life(settings):
        why = (
            "each process needs a third connection for that; raise"
            " ROADMAP_DATABASE_MAX_CONNECTIONS or run fewer processes"
        )
    return Finding(
        name="takeover",
        ok=why is None,
        message="the tasks of a killed worker go on within seconds"
        if why is None
        else f"the tasks of a killed worker wait for its lease ({settings.lease_s:g} s): {why}",
        required=False,
    )


def _encoded(encoding: str) -> Finding:
    from db.migrate import ENCODING, ENCODING_REMEDY

    right = encoding == ENCODING
    said = encoding if right else f"{encoding}, {ENCODING_REMEDY}"
    return Finding(name="database encoding", ok=right, message=said)


def _migrated(revision: str | None, elsewhere: str | None) -> Finding:
    from db.migration_names import Schema, head, schema_of

    schema = schema_of(revision)
    if schema is Schema.NEWEST:
        return Finding(name="migrations", ok=True, message=f"at {revision}")
    if schema is Schema.NEWER:
        said = f"at {revision}, of a later release; this one works with it"
        return Finding(name="migrations", ok=True, message=said)
    said = f"at {revision or 'nothing'}, {head()} is needed; run `roadmap db upgrade`"
    if revision is None and elsewhere is not None:
        said = (
            f"nothing is here, and tables of ours are in the schema {elsewhere}, which the"
            f" search_path does not name: add ?search_path={elsewhere} to ROADMAP_DATABASE_URL, or"
            " run `roadmap db upgrade` for a second, empty set of tables"
        )
    return Finding(name="migrations", ok=False, message=said)


@asynccontextmanager
async def connected(url: str, settings: Settings) -> AsyncIterator[Any]:
    """Open a connection to PostgreSQL as our processes do, and tell of a pooler before it."""
    from core.addresses import postgres_address

    address = postgres_address(url)
    connection, between = await open_connection(
        address,
        session={"application_name": APPLICATION, **address.server_settings},
        pooler=settings.database_pooler,
        connect_timeout_s=_TIMEOUT_S,
        command_timeout_s=_TIMEOUT_S,
    )
    try:
        yield connection, between
    finally:
        await connection.close(timeout=_TIMEOUT_S)


async def _postgres_facts(
    url: str, settings: Settings
) -> tuple[int, str, int, str, bool, str | None, str | None, bool]:
    from core.choices import Pooler

    async with connected(url, settings) as (connection, between):
        row = await connection.fetchrow(_FACTS_SQL)
        if row is None:
            raise OSError("PostgreSQL answered nothing")
        *facts, stamped = row
        revision = None
        if stamped:
            revision = await connection.fetchval("SELECT version_num FROM alembic_version")
        return (*facts, revision, between is Pooler.TRANSACTION)
