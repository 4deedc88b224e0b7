"""Holds a worker between its work and the commit of it: a trigger that waits for a lock."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import asyncpg

from tests.factories import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

_LOCK: Final = 0x4B494C4C


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
    table="parts",
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
async def commit_hold(database_url: str, writes: Mapping[str, Write]) -> AsyncIterator[None]:
    """Hold transactions with certain writes until the block ends.

    Args:
        database_url: The database.
        writes: By regular expressions for the goals of the tasks that are held, such as
            `{"^Learn Kites$": CLAIM}`.
    """
    names = {f"hold_commit_{number}": goals for number, goals in enumerate(writes, 1)}
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(f"SELECT pg_advisory_lock({_LOCK})")
        for name, goals in names.items():
            write = writes[goals]
            await connection.execute(
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                f" IF {write.goal} ~ '{goals}' THEN PERFORM pg_advisory_xact_lock({_LOCK}); END IF;"
                " RETURN NEW; END $$"
            )
            await connection.execute(
                f"CREATE TRIGGER {name} BEFORE {write.operation} ON {write.table} FOR EACH ROW"
                f" WHEN ({write.condition}) EXECUTE FUNCTION {name}()"
            )
        yield
    finally:
        # let go first: who waits holds locks that dropping the triggers wants
        await connection.execute(f"SELECT pg_advisory_unlock({_LOCK})")
        for name, goals in names.items():
            await connection.execute(f"DROP TRIGGER IF EXISTS {name} ON {writes[goals].table}")
            await connection.execute(f"DROP FUNCTION IF EXISTS {name}")
        await connection.close()
