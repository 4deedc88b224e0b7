"""One event loop and one engine per process, and nothing left of them (L1, L2, L4, L7)."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from tests.e2e.faults.rig import check_completed
from tests.factories import until

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

    from tests.e2e.faults.rig import Rig
    from tests.e2e.faults.worker_process import WorkerProcess

FOREIGN_LOOP = "attached to a different loop"


async def _connections(look: asyncpg.Connection) -> int:
    # the test's own engine is not used here, so all of these are the worker's
    found = await look.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'roadmap-worker'"
    )
    return int(found)


async def _all_completed(look: asyncpg.Connection, tasks: int) -> int:
    """Wait until so many tasks are complete; return the most connections seen meanwhile."""
    most = 0

    async def done() -> bool:
        nonlocal most
        most = max(most, await _connections(look))
        completed = await look.fetchval(
            "SELECT count(*) FROM roadmap_tasks WHERE status = 'completed'"
        )
        return bool(completed == tasks)

    await until(done, within_s=60, what=f"{tasks} completed tasks")
    return most


def _pids(worker: WorkerProcess, event: str) -> list[int]:
    return [entry["pid"] for entry in worker.logged(event)]


async def _end(rig: Rig, look: asyncpg.Connection, worker: WorkerProcess) -> None:
    worker.signal(signal.SIGTERM)
    assert worker.wait_end() == 0, worker.log_text()
    assert FOREIGN_LOOP not in worker.log_text()
    assert not worker.logged("db_engine_discarded")

    async def none_left() -> bool:
        return await _connections(look) == 0

    await until(none_left, within_s=5, what="the end of all database connections")


async def test_two_hundred_tasks(rig: Rig, look: asyncpg.Connection) -> None:
    """200 tasks through one worker: one loop, one engine, and never more than its pool."""
    rig.model.design(concepts=1)
    worker = rig.worker()
    ids = [f"0199aaaa-0000-7000-8000-{number:012d}" for number in range(200)]
    for number, task_id in enumerate(ids):
        rig.send(task_id, f"Learn many {number}")
    most = await _all_completed(look, 200)
    (loop_pid,) = _pids(worker, "event_loop_started")
    (engine,) = worker.logged("db_engine_created")
    assert engine["pid"] == loop_pid == worker.pid
    assert 0 < most <= engine["pool_size"], f"{most} connections"
    await _end(rig, look, worker)
    rows: list[UUID] = [
        row["task_id"] for row in await look.fetch("SELECT task_id FROM roadmap_tasks")
    ]
    assert sorted(map(str, rows)) == ids
    for task in rows[::20]:
        check_completed(await rig.see(look, task), contents=3)
    assert len(rig.model.entries()) == 200 * 6, "each call was made once"


async def test_prefork_children(rig: Rig, look: asyncpg.Connection) -> None:
    """Two prefork children: one loop and one engine each, none in the main process."""
    rig.model.design(concepts=1)
    gates = rig.model.gate("Learn many [0-9]+", "intent_analysis")
    worker = rig.worker(pool="prefork", concurrency=2)
    for number in range(20):
        rig.send(f"0199aaaa-0000-7000-8000-{number:012d}", f"Learn many {number}")
    await rig.until_true(lambda: rig.model.held() == 2, what="two busy children")
    rig.model.open(*gates)
    await _all_completed(look, 20)
    children = {process.pid for process in worker.processes()} - {worker.pid}
    assert sorted(_pids(worker, "event_loop_started")) == sorted(children)
    assert sorted(_pids(worker, "db_engine_created")) == sorted(children)
    await _end(rig, look, worker)
    assert sorted(_pids(worker, "db_engine_disposed")) == sorted(children)
    assert sorted(_pids(worker, "event_loop_stopped")) == sorted(children)
