"""SIGTERM: what has begun is finished, the rest goes on elsewhere at once."""

from __future__ import annotations

import asyncio
import signal
from datetime import datetime
from typing import TYPE_CHECKING

import asyncpg
import pytest

from tests.e2e.faults.judging import check_completed, plain_calls
from tests.e2e.faults.rig import LEASE_S
from tests.e2e.faults.whole_set import pools
from tests.factories import new_task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from tests.e2e.faults.rig import Rig
    from tests.e2e.faults.worker_process import WorkerProcess


OPEN_TASKS = 4


async def _told_to_stop(rig: Rig, worker: WorkerProcess, *, loops: int) -> None:
    worker.send_signal(signal.SIGTERM)
    await rig.until_true(
        lambda: len(worker.logged("drain_begun")) == loops, what="the beginning of the drain"
    )


def _handed_over_s(before: WorkerProcess, after: WorkerProcess, task: UUID) -> float:
    """Return the seconds from one worker's release to the other one's claim."""
    (released,) = before.logged("lease_released", task_id=str(task))
    claimed = after.logged("task_claimed", task_id=str(task))[0]
    return (
        datetime.fromisoformat(claimed["timestamp"]) - datetime.fromisoformat(released["timestamp"])
    ).total_seconds()


@pytest.mark.parametrize("pool", pools("threads"))
async def test_drained(
    rig: Rig,
    look: asyncpg.Connection,
    pool: str,
    record_property: Callable[[str, object], None],
) -> None:
    """SIGTERM: what is in flight ends and is not repeated; a second one cancels what does not.

    Another worker goes on at once: nobody waits for a lease.
    """
    first = rig.worker(pool=pool, concurrency=3, SHUTDOWN_GRACE_S="60", CONTENT_CONCURRENCY="1")
    topics = ("steps", "contents", "hanging")
    tasks = {topic: await new_task(goal=f"Learn {topic}") for topic in topics}
    gates = rig.model.gate("Learn steps", "curriculum_design")
    gates += rig.model.gate("Learn contents", "tutorial", "quiz", title="1.1.1$")
    rig.model.hold("Learn hanging", "structure_validation")
    for topic, calls in (("steps", 1), ("contents", 2), ("hanging", 1)):
        await rig.until_held(f"Learn {topic}", calls)
    second = rig.worker(pool=pool, concurrency=3, CONTENT_CONCURRENCY="1")
    await _told_to_stop(rig, first, loops=1 if pool == "threads" else 3)
    rig.model.open(*gates)
    ending = [tasks["steps"], tasks["contents"]]
    await rig.until_status(look, ending, "completed", within_s=20)
    assert rig.model.held("Learn hanging") == 1, "cancelled within the grace"
    assert first.logged("worker_draining", hurried=False)

    first.send_signal(signal.SIGTERM)
    await rig.until_status(look, [tasks["hanging"]], "completed", within_s=20)
    assert first.wait_end() == 0, first.log_text()
    assert first.logged("worker_draining", hurried=True)
    for topic, task in tasks.items():
        seen = await rig.see(look, task)
        check_completed(seen, contents=6)
        assert "task_recovered" not in seen.events, f"{topic} waited for a lease"
        assert rig.model.calls(f"Learn {topic}", "ok") == plain_calls(topic)
        cancelled = {"structure_validation": 1} if topic == "hanging" else {}
        assert rig.model.calls(f"Learn {topic}", "client_gone") == cancelled
        waited_s = _handed_over_s(first, second, task)
        assert waited_s < LEASE_S, f"{topic}: taken over after {waited_s} s"
        record_property(f"{topic}_handed_over_s", waited_s)


@pytest.mark.parametrize("pool", pools("prefork"))
async def test_grace_over(rig: Rig, look: asyncpg.Connection, pool: str) -> None:
    """At the end of SHUTDOWN_GRACE_S what still runs is cancelled and handed over."""
    rig.model.hold("Learn Kites", "curriculum_design")
    first = rig.worker(pool=pool, concurrency=1, SHUTDOWN_GRACE_S="1")
    task = await new_task(goal="Learn Kites")
    await rig.until_held("Learn Kites", 1)
    rig.worker(pool=pool, concurrency=1)
    await _told_to_stop(rig, first, loops=1)
    await rig.until_status(look, [task], "completed", within_s=20)
    assert first.wait_end() == 0, first.log_text()
    assert first.logged("drain_hurried")
    seen = await rig.see(look, task)
    check_completed(seen, contents=6)
    assert "task_recovered" not in seen.events, "it waited for a lease"
    assert rig.model.calls("Learn Kites", "ok") == plain_calls("Kites")
    assert rig.model.calls("Learn Kites", "client_gone") == {"curriculum_design": 1}


@pytest.mark.parametrize("pool", pools("threads"))
async def test_rolling_restart(rig: Rig, look: asyncpg.Connection, pool: str) -> None:
    """Two workers restarted in turn under load: all tasks complete, none waits for a lease."""
    rig.model.design(concepts=1)
    rig.model.slow_down(0.5)
    workers = [
        rig.worker(pool=pool, concurrency=4, ready=False, SHUTDOWN_GRACE_S="60") for _ in range(2)
    ]
    for worker in workers:
        worker.wait_ready()
    tasks: dict[str, UUID] = {}
    restarted = asyncio.Event()

    async def load() -> None:
        while not restarted.is_set():
            if (await rig.statuses(users, tasks.values()))["completed"] > len(tasks) - OPEN_TASKS:
                topic = f"rolling {len(tasks)}"
                tasks[topic] = await new_task(goal=f"Learn {topic}")
            await asyncio.sleep(0.02)

    users = await asyncpg.connect(rig.database_url)
    loading = asyncio.create_task(load())
    try:
        for worker in workers:
            await rig.until_true(lambda: rig.model.held() > 1, what="running tasks")
            worker.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(worker.wait_end) == 0, worker.log_text()
            worker.start()
            await asyncio.to_thread(worker.wait_ready)
    finally:
        restarted.set()
        await loading
        await users.close()
    await rig.until_status(look, tasks.values(), "completed", within_s=60)
    for topic, task in tasks.items():
        seen = await rig.see(look, task)
        check_completed(seen, contents=3)
        assert "task_recovered" not in seen.events, f"{topic} waited for a lease"
        assert rig.model.calls(f"Learn {topic}", "ok") == plain_calls(topic, concepts=1)


@pytest.fixture
def hang_up_counts() -> Iterator[None]:
    """Take SIGHUP as usual, also where the tests run under `nohup`: children inherit that."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hang_up_counts")
@pytest.mark.parametrize("pool", pools("threads"))
async def test_hung_up(rig: Rig, look: asyncpg.Connection, pool: str) -> None:
    """SIGHUP, a supervisor's "reload": a drain within its grace, and a new life of the process."""
    worker = rig.worker(pool=pool, concurrency=1, SHUTDOWN_GRACE_S="0.5")
    pid = worker.pid
    task = await new_task(goal="Learn hanging")
    rig.model.hold("Learn hanging", "structure_validation")
    await rig.until_held("Learn hanging", 1)
    worker.mark()
    worker.send_signal(signal.SIGHUP)
    await rig.until_true(lambda: bool(worker.logged("worker_ready")), what="a new life")
    assert (worker.pid, worker.returncode) == (pid, None)
    assert worker.logged("drain_hurried")
    await rig.until_status(look, [task], "completed", within_s=20)
    losses = await look.fetchval("SELECT losses FROM roadmap_tasks WHERE task_id = $1", task)
    assert losses == 0
