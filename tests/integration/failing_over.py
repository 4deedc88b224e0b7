"""Tasks that run while the broker's server dies, and must end on the one that takes over."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.factories import new_task, pair, until

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg
    from celery import Celery

    from tests.e2e.faults.worker_process import WorkerProcess


async def begin_two(database: asyncpg.Connection, app: Celery) -> list[UUID]:
    """Send two tasks, and return them once the first one's contents are being written."""
    tasks = [await new_task() for _ in range(2)]
    for task in tasks:
        app.send_task("roadmap.generate", queue="roadmap", kwargs={"task_id": str(task)})

    async def works() -> bool:
        return (await pair(database, tasks[0]))[1] == "content_generation"

    await until(works, what="a running task")
    return tasks


async def check_they_end(
    database: asyncpg.Connection, app: Celery, tasks: list[UUID], *, worker: WorkerProcess
) -> None:
    """Sweep the new server until both tasks are completed; their worker never lost one."""
    await database.execute(
        "UPDATE roadmap_tasks SET deferred_at = NULL, rung_at = now() - interval '1 minute'"
    )

    async def done() -> bool:
        app.send_task("maintenance.recover", queue="maintenance", retry=False)
        await asyncio.sleep(0.5)
        return {await pair(database, task) for task in tasks} == {("completed",) * 2}

    await until(done, within_s=40, what="both tasks")
    lost = await database.fetchval("SELECT sum(losses) FROM roadmap_tasks")
    assert (worker.returncode, lost) == (None, 0), worker.log_text()[-3000:]
