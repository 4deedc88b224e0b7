"""Empties a test's database quickly, and lets commits of a run's database be quick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from db.models import Base

if TYPE_CHECKING:
    import asyncpg

KEPT: Final = "workflow_steps"
"""What a migration, or a process that starts, writes once and every task refers to."""
TABLES: Final = [table.name for table in Base.metadata.sorted_tables if table.name != KEPT]
LARGE: Final = 16_000_000
"""Bytes of rows, dead ones included, from which on new files cost less than deleting."""


async def empty(connection: asyncpg.Connection) -> None:
    """Delete all rows of all our tables.

    TRUNCATE makes new files for each table and index and waits for the disk: 200 ms and more where
    deleting the few rows that a test left takes five. Foreign keys and triggers sleep meanwhile.
    """
    size = await connection.fetchval(
        "SELECT sum(pg_relation_size(name::regclass)) FROM unnest($1::text[]) AS name", TABLES
    )
    if size > LARGE:
        await connection.execute(f"TRUNCATE {', '.join(TABLES)}")
        return
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(";".join(f"DELETE FROM {name}" for name in TABLES))  # noqa: S608 - our own tables


async def commit_quickly(connection: asyncpg.Connection) -> None:
    """Let commits of new sessions not wait for the disk.

    A server that is killed may lose the last ones then: tests that kill one have one of their own.
    """
    name = await connection.fetchval("SELECT quote_ident(current_database())")
    await connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
