"""One event loop and one engine per process, and nothing left of them."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from tests.e2e.faults.judging import check_completed
from tests.e2e.faults.whole_set import WHOLE_SET
from tests.factories import until

if TYPE_CHECKING:
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


async def _all_ended(look: asyncpg.Connection, tasks: int) -> int:
    """Wait until so many tasks have ended; return the most connections seen meanwhile."""
    most = 0

    async def done() -> bool:
        nonlocal most
        most = max(most, await _connections(look))
        ended = await look.fetchval(
            "SELECT count(*) FROM roadmap_tasks WHERE finished_at IS NOT NULL"
        )
        return bool(ended == tasks)

    await until(done, within_s=60, what=f"the end of {tasks} tasks")
    return most


def _pids(worker: WorkerProcess, event: str) -> list[int]:
    return [entry["pid"] for entry in worker.logged(event)]


async def _end(rig: Rig, look: asyncpg.Connection, worker: WorkerProcess) -> None:
    worker.send_signal(signal.SIGTERM)
    assert worker.wait_end() == 0, worker.log_text()
    assert FOREIGN_LOOP not in worker.log_text()
    assert not worker.logged("db_engine_discarded")

    async def none_left() -> bool:
        return await _connections(look) == 0

    await until(none_left, within_s=5, what="the end of all database connections")


async def test_two_hundred_tasks(rig: Rig, look: asyncpg.Connection) -> None:
    """200 tasks, failing ones too, through one worker: one loop, one engine, within its pool."""
    rig.model.design(concepts=1)
    rig.model.rule("status", goal="Learn in vain", kind="intent_analysis", status=401)
    worker = rig.worker()
    # most end at their first call: the way to `failed` is where such systems broke
    topics = ["many" if WHOLE_SET or number % 10 == 0 else "in vain" for number in range(200)]
    ids = [f"0199aaaa-0000-7000-8000-{number:012d}" for number in range(200)]
    for number, (task_id, topic) in enumerate(zip(ids, topics, strict=True)):
        rig.send(task_id, f"Learn {topic} {number}")
    most = await _all_ended(look, 200)
    (loop_pid,) = _pids(worker, "event_loop_started")
    (engine,) = worker.logged("db_engine_created_for_event_loop")
    assert engine["pid"] == loop_pid == worker.pid
    # one more than the pool's: by it the others see that the worker lives
    assert 0 < most <= engine["pool_size"] + 1, f"{most} connections"
    await _end(rig, look, worker)
    rows = await look.fetch("SELECT task_id, status FROM roadmap_tasks ORDER BY task_id")
    assert [str(row["task_id"]) for row in rows] == ids
    wanted = ["completed" if topic == "many" else "failed" for topic in topics]
    assert [row["status"] for row in rows] == wanted
    for row in rows[::20]:
        check_completed(await rig.see(look, row["task_id"]), contents=3)
    calls = sum(6 if topic == "many" else 1 for topic in topics)
    assert len(rig.model.entries()) == calls, "each call was made once"


async def test_prefork_children(rig: Rig, look: asyncpg.Connection) -> None:
    """Two prefork children: one loop and one engine each, none in the main process."""
    rig.model.design(concepts=1)
    gates = rig.model.gate("Learn many [0-9]+", "intent_analysis")
    worker = rig.worker(pool="prefork", concurrency=2)
    for number in range(20):
        rig.send(f"0199aaaa-0000-7000-8000-{number:012d}", f"Learn many {number}")
    await rig.until_true(lambda: rig.model.held() == 2, what="two busy children")
    rig.model.open(*gates)
    await _all_ended(look, 20)
    children = {process.pid for process in worker.processes()} - {worker.pid}
    assert sorted(_pids(worker, "event_loop_started")) == sorted(children)
    assert sorted(_pids(worker, "db_engine_created_for_event_loop")) == sorted(children)
    await _end(rig, look, worker)
    assert sorted(_pids(worker, "db_engine_disposed")) == sorted(children)
    assert sorted(_pids(worker, "event_loop_stopped")) == sorted(children)
