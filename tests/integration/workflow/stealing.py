"""Takes a lease away, and tells all that a task has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.factories import ALICE, expire_lease
from workflow.lease import acquire
from workflow.recovery import recover
from workflow.service import cancel_task

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg


async def taken_over(connection: asyncpg.Connection, task: UUID) -> None:
    """Another worker takes the task."""
    await expire_lease(connection, task)
    assert await acquire(task, worker="thief") is not None


async def freed(connection: asyncpg.Connection, task: UUID) -> None:
    """A sweep frees the task."""
    await expire_lease(connection, task)
    assert (await recover(None)).recovered == 1


async def cancelled(connection: asyncpg.Connection, task: UUID) -> None:
    """Somebody cancels the task."""
    await cancel_task(task, actor=ALICE)


async def everything(connection: asyncpg.Connection) -> list[Any]:
    """Return all rows of all our tables."""
    tables = await connection.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    )
    return [
        await connection.fetch(f"SELECT * FROM {table['tablename']} ORDER BY 1, 2")  # noqa: S608
        for table in tables
        if table["tablename"] != "alembic_version"
    ]
