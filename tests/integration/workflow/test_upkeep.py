"""Upkeep: old events purged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.factories import events, new_task
from workflow import upkeep
from workflow.lease import acquire
from workflow.runs import run_task
from workflow.upkeep import purge

if TYPE_CHECKING:
    import asyncpg
    import pytest

    from tests.ledger import LedgerAuthor


async def test_a_retry_meanwhile_keeps_its_log(
    database: asyncpg.Connection, author: LedgerAuthor
) -> None:
    """A task that somebody writes while the purge looks at it keeps its events."""
    task = await new_task()
    await run_task(task, worker="w")
    await database.execute("UPDATE roadmap_tasks SET finished_at = now() - interval '91 days'")
    before = await events(database, task)
    async with database.transaction():
        await database.fetch("SELECT FROM roadmap_tasks FOR UPDATE")
        assert (await purge())["events"] == 0
        assert await events(database, task) == before
    assert (await purge())["events"] == len(before)


async def test_purge(
    database: asyncpg.Connection, author: LedgerAuthor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events of tasks that ended long ago go, batch by batch; others keep all of them."""
    monkeypatch.setattr(upkeep, "PURGE_BATCH", 1)
    old, older, young, running = [await new_task() for _ in range(4)]
    for task in (old, older, young):
        await run_task(task, worker="w")
    await acquire(running, worker="w")
    await database.execute(
        "UPDATE roadmap_tasks SET finished_at = now() - interval '91 days' WHERE task_id = ANY($1)",
        [old, older],
    )
    await database.execute(
        "UPDATE notifications SET read_at = now(), created_at = now() - interval '91 days'"
        " WHERE task_id = $1",
        old,
    )
    purged = await purge()
    assert purged["events"] > 20
    assert purged["notifications"] == 1
    assert await events(database, old) == await events(database, older) == []
    assert len(await events(database, young)) > 10
    assert len(await events(database, running)) == 2
    assert await purge() == {"events": 0, "notifications": 0, "rejected": 0}
