"""Holds a worker between its work and the commit of it: a trigger that waits for a lock."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import asyncpg

from tests.factories import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_LOCK: Final = 0x4B494C4C
_FUNCTION: Final = f"""
CREATE OR REPLACE FUNCTION hold_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_advisory_xact_lock({_LOCK}); RETURN NEW; END $$
"""

CLAIM: Final = ("roadmap_tasks", "UPDATE", "NEW.lease_owner IS NOT NULL AND OLD.lease_owner IS NULL")
COMPLETION: Final = ("roadmap_tasks", "UPDATE", "NEW.status = 'completed'")
CHECKPOINT: Final = ("checkpoints", "INSERT", "NEW.step = 'curriculum_design'")
CONTENT: Final = ("contents", "UPDATE", "NEW.status = 'completed' AND NEW.kind = 'quiz'")


class CommitHold:
    """Transactions that do a certain write wait, once this is on, until it is let go."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def waiting(self) -> int:
        """Return how many transactions wait at this moment."""
        found = await self._connection.fetchval(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            " AND objid = $1",
            _LOCK,
        )
        return int(found)

    async def until_waiting(self, transactions: int) -> None:
        """Wait until so many transactions wait."""

        async def there() -> bool:
            return await self.waiting() == transactions

        await until(there, within_s=20, what=f"{transactions} held transactions")


@contextlib.asynccontextmanager
async def commit_hold(
    database_url: str, write: tuple[str, str, str], *, goals: str = ""
) -> AsyncIterator[CommitHold]:
    """Hold transactions with that write until the block ends.

    Args:
        database_url: The database.
        write: Table, operation and condition, such as `CLAIM`.
        goals: For `roadmap_tasks`: only rows whose goal matches this regular expression.
    """
    table, operation, condition = write
    if goals:
        condition = f"({condition}) AND NEW.goal ~ '{goals}'"
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(_FUNCTION)
        await connection.execute(f"SELECT pg_advisory_lock({_LOCK})")
        await connection.execute(
            f"CREATE TRIGGER hold_commit BEFORE {operation} ON {table} FOR EACH ROW"
            f" WHEN ({condition}) EXECUTE FUNCTION hold_commit()"
        )
        yield CommitHold(connection)
    finally:
        # let go first: who waits holds locks that dropping the trigger wants
        await connection.execute(f"SELECT pg_advisory_unlock({_LOCK})")
        await connection.execute(f"DROP TRIGGER IF EXISTS hold_commit ON {table}")
        await connection.execute("DROP FUNCTION hold_commit")
        await connection.close()
