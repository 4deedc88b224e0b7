"""Upkeep: old events purged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.factories import events, new_task
from workflow.lease import acquire
from workflow.runs import run_task
from workflow.upkeep import purge

if TYPE_CHECKING:
    import asyncpg

    from tests.ledger import LedgerAuthor


async def test_purge(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """Events of tasks that ended long ago go; a task that goes on keeps all (L50)."""
    old, young, running = await new_task(), await new_task(), await new_task()
    for task in (old, young):
        await run_task(task, worker="w")
    await acquire(running, worker="w")
    await database.execute(
        "UPDATE roadmap_tasks SET finished_at = now() - interval '91 days' WHERE task_id = $1", old
    )
    await database.execute(
        "UPDATE notifications SET read_at = now(), created_at = now() - interval '91 days'"
        " WHERE task_id = $1",
        old,
    )
    purged = await purge()
    assert purged["events"] > 10
    assert purged["notifications"] == 1
    assert await events(database, old) == []
    assert len(await events(database, young)) > 10
    assert len(await events(database, running)) == 2
    assert await purge() == {"events": 0, "notifications": 0}
