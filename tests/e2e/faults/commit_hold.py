"""Holds a worker between its work and the commit of it: a trigger that waits for a lock."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final

import asyncpg

from tests.factories import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_LOCK: Final = 0x4B494C4C
_numbers: Final = count(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Write:
    """A write to hold: to which table, which one, and how its task is found from the new row."""

    table: str
    operation: str
    condition: str
    goal: str


CLAIM: Final = Write(
    table="roadmap_tasks",
    operation="UPDATE",
    condition="NEW.lease_owner IS NOT NULL AND OLD.lease_owner IS NULL",
    goal="NEW.goal",
)
COMPLETION: Final = Write(
    table="roadmap_tasks",
    operation="UPDATE",
    condition="NEW.status = 'completed'",
    goal="NEW.goal",
)
CHECKPOINT: Final = Write(
    table="checkpoints",
    operation="INSERT",
    condition="NEW.step = 'curriculum_design'",
    goal="(SELECT goal FROM roadmap_tasks t WHERE t.task_id = NEW.task_id)",
)
CONTENT: Final = Write(
    table="contents",
    operation="UPDATE",
    condition="NEW.status = 'completed' AND NEW.kind = 'quiz'",
    goal="(SELECT t.goal FROM roadmap_tasks t JOIN roadmaps r USING (task_id)"
    " WHERE r.roadmap_id = NEW.roadmap_id)",
)


async def held_commits(connection: asyncpg.Connection) -> int:
    """Return how many transactions wait at this moment."""
    found = await connection.fetchval(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = $1",
        _LOCK,
    )
    return int(found)


async def until_commits_held(connection: asyncpg.Connection, transactions: int) -> None:
    """Wait until so many transactions wait."""

    async def there() -> bool:
        return await held_commits(connection) == transactions

    await until(there, within_s=20, what=f"{transactions} held transactions")


@contextlib.asynccontextmanager
async def commit_hold(database_url: str, write: Write, *, goals: str) -> AsyncIterator[None]:
    """Hold transactions with that write until the block, and every other such block, ends.

    Args:
        database_url: The database.
        write: Which write, such as `CLAIM`.
        goals: Only of tasks whose goal matches this regular expression.
    """
    name = f"hold_commit_{next(_numbers)}"
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF {write.goal} ~ '{goals}' THEN PERFORM pg_advisory_xact_lock({_LOCK}); END IF;"
            " RETURN NEW; END $$"
        )
        await connection.execute(f"SELECT pg_advisory_lock_shared({_LOCK})")
        await connection.execute(
            f"CREATE TRIGGER {name} BEFORE {write.operation} ON {write.table} FOR EACH ROW"
            f" WHEN ({write.condition}) EXECUTE FUNCTION {name}()"
        )
        yield
    finally:
        # let go first: who waits holds locks that dropping the trigger wants
        await connection.execute(f"SELECT pg_advisory_unlock_shared({_LOCK})")
        await connection.execute(f"DROP TRIGGER IF EXISTS {name} ON {write.table}")
        await connection.execute(f"DROP FUNCTION {name}")
        await connection.close()
