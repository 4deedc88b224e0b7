"""Upkeep: one run at a time, remembered; old events purged."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson

from tests.factories import events, new_task
from workflow.lease import acquire
from workflow.runs import run_task
from workflow.upkeep import purge, run_job

if TYPE_CHECKING:
    import asyncpg

    from tests.ledger import LedgerAuthor


async def outcome(connection: asyncpg.Connection, name: str) -> Any:
    """Return what a job reported the last time."""
    row = await connection.fetchrow("SELECT * FROM schedules WHERE name = $1", name)
    return row and (orjson.loads(row["outcome"]), row["last_run_at"], row["duration_s"])


async def test_one_run_at_a_time(database: asyncpg.Connection) -> None:
    """Of two schedulers at the same moment one runs a job; other jobs are not held up (L59)."""
    running, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> dict[str, Any]:
        running.set()
        await go_on.wait()
        return {"ran": 1}

    async def quick() -> dict[str, Any]:
        return {"ran": 2}

    first = asyncio.create_task(run_job("purge", slow))
    await running.wait()
    assert await run_job("purge", quick) is None
    assert await run_job("audit", quick) == {"ran": 2}
    go_on.set()
    assert await first == {"ran": 1}
    reported, last_run, took = await outcome(database, "purge")
    assert (reported, last_run is not None) == ({"ran": 1}, True)
    assert took >= 0
    assert await run_job("purge", quick) == {"ran": 2}
    assert (await outcome(database, "purge"))[0] == {"ran": 2}


async def test_failure_is_remembered(database: asyncpg.Connection) -> None:
    """A job that fails says so in its outcome, and runs again the next time (L59)."""

    async def fails() -> dict[str, Any]:
        raise KeyError

    assert await run_job("recover", fails) == {"error": "KeyError"}
    assert (await outcome(database, "recover"))[0] == {"error": "KeyError"}


async def test_paused(database: asyncpg.Connection) -> None:
    """A paused job does not run, and stays paused (L59)."""
    await database.execute("INSERT INTO schedules (name, paused) VALUES ('remind', true)")

    async def never() -> dict[str, Any]:
        raise AssertionError

    assert await run_job("remind", never) is None
    assert await database.fetchval("SELECT paused FROM schedules")


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
