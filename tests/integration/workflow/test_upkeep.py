"""Upkeep: old events purged; contradictions reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.factories import ALICE, events, new_task
from tests.ledger import LedgerAuthor, nothing
from workflow.lease import acquire
from workflow.runs import run_task
from workflow.service import cancel_task, retry_task
from workflow.upkeep import audit, purge

if TYPE_CHECKING:
    import asyncpg

CLEAN = {
    "events_with_gaps": 0,
    "completed_with_unfinished_contents": 0,
    "silent_for_minutes": 0,
}


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


async def test_purged_then_retried(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """A task that is retried after its events were purged counts on, and is no contradiction."""
    task = await new_task()
    await cancel_task(task, actor=ALICE)
    await database.execute("UPDATE roadmap_tasks SET finished_at = now() - interval '91 days'")
    await purge()
    await retry_task(task, actor=ALICE)
    seqs = await database.fetch("SELECT seq FROM task_events ORDER BY seq")
    assert [row["seq"] for row in seqs] == [4]
    assert await audit() == CLEAN


async def test_audit(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """Rows that contradict each other are counted and reported; nothing is changed (L35)."""
    author.before = nothing
    task, gap, silent = await new_task(), await new_task(), await new_task()
    await run_task(task, worker="w")
    await acquire(gap, worker="w")
    await acquire(silent, worker="w")
    assert await audit() == CLEAN
    await database.execute("DELETE FROM task_events WHERE task_id = $1 AND seq = 2", gap)
    await database.execute(
        "UPDATE roadmap_tasks SET lease_until = now() - interval '6 minutes' WHERE task_id = $1",
        silent,
    )
    await database.execute(
        "UPDATE contents SET status = 'running', body = NULL WHERE content_id ="
        " (SELECT content_id FROM contents LIMIT 1)"
    )
    assert await audit() == dict.fromkeys(CLEAN, 1)
