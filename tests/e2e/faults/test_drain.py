"""SIGTERM: what has begun is finished, the rest goes on elsewhere at once (F14)."""

from __future__ import annotations

import signal
from datetime import datetime
from itertools import product
from typing import TYPE_CHECKING

import pytest

from tests.e2e.faults.rig import LEASE_S, check_completed, plain_calls
from tests.e2e.faults.whole_set import WHOLE_SET, pools
from tests.factories import new_task

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    import asyncpg

    from tests.e2e.faults.rig import Rig
    from tests.e2e.faults.worker_process import WorkerProcess

SECOND, GRACE = "second signal", "end of the grace"
HURRIED = (
    list(product(pools(), (SECOND, GRACE)))
    if WHOLE_SET
    else [("threads", SECOND), ("prefork", GRACE)]
)


async def _told_to_stop(rig: Rig, worker: WorkerProcess, *, loops: int) -> None:
    worker.signal(signal.SIGTERM)
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
async def test_steps_end_then_another_goes_on(
    rig: Rig,
    look: asyncpg.Connection,
    pool: str,
    record_property: Callable[[str, object], None],
) -> None:
    """Steps and contents in flight are finished and not repeated; nobody waits for a lease."""
    first = rig.worker(
        pool=pool, concurrency=2, LEASE_S="60", SHUTDOWN_GRACE_S="60", CONTENT_CONCURRENCY="1"
    )
    in_step = await new_task(goal="Learn steps")
    gates = rig.model.gate("Learn steps", "curriculum_design")
    in_contents = await new_task(goal="Learn contents")
    gates += rig.model.gate("Learn contents", "tutorial", "quiz", title="1.1.1$")
    await rig.until_held("Learn steps", 1)
    await rig.until_held("Learn contents", 2)
    second = rig.worker(pool=pool, concurrency=2, LEASE_S="60", CONTENT_CONCURRENCY="1")
    await _told_to_stop(rig, first, loops=1 if pool == "threads" else 2)
    rig.model.open(*gates)
    await rig.until_status(look, [in_step, in_contents], "completed", within_s=20)
    assert first.wait_end() == 0, first.log_text()
    for task, topic in ((in_step, "steps"), (in_contents, "contents")):
        seen = await rig.see(look, task)
        check_completed(seen, contents=6)
        assert "task_recovered" not in seen.events, "it waited for a lease"
        assert rig.model.calls(f"Learn {topic}", "ok") == plain_calls(topic)
        assert not rig.model.calls(f"Learn {topic}", "client_gone")
        waited_s = _handed_over_s(first, second, task)
        assert waited_s < LEASE_S, f"{topic}: taken over after {waited_s} s"
        record_property("handed_over_s", waited_s)
    assert first.logged("worker_draining", hurried=False)
    assert not first.logged("drain_hurried"), "the grace was not over"


@pytest.mark.parametrize(("pool", "by"), HURRIED)
async def test_hurried(rig: Rig, look: asyncpg.Connection, pool: str, by: str) -> None:
    """A second SIGTERM, or the end of the grace, cancels what does not end and hands it over."""
    grace_s = "60" if by == SECOND else "1"
    rig.model.hold("Learn Kites", "curriculum_design")
    first = rig.worker(pool=pool, concurrency=1, LEASE_S="60", SHUTDOWN_GRACE_S=grace_s)
    task = await new_task(goal="Learn Kites")
    await rig.until_held("Learn Kites", 1)
    rig.worker(pool=pool, concurrency=1, LEASE_S="60")
    await _told_to_stop(rig, first, loops=1)
    if by == SECOND:
        first.signal(signal.SIGTERM)
    await rig.until_status(look, [task], "completed", within_s=20)
    assert first.wait_end() == 0, first.log_text()
    assert len(first.logged("drain_hurried")) == 1
    seen = await rig.see(look, task)
    check_completed(seen, contents=6)
    assert "task_recovered" not in seen.events, "it waited for a lease"
    assert rig.model.calls("Learn Kites", "ok") == plain_calls("Kites")
    assert rig.model.calls("Learn Kites", "client_gone") == {"curriculum_design": 1}


@pytest.mark.parametrize("pool", pools("threads"))
async def test_rolling_restart(rig: Rig, look: asyncpg.Connection, pool: str) -> None:
    """Two workers restarted in turn under load: all tasks complete, none waits for a lease."""
    rig.model.design(concepts=1)
    rig.model.slow_down(0.1)
    workers = [
        rig.worker(pool=pool, concurrency=4, ready=False, LEASE_S="60", SHUTDOWN_GRACE_S="60")
        for _ in range(2)
    ]
    for worker in workers:
        worker.wait_ready()
    topics = [f"rolling {number}" for number in range(40)]
    tasks = {topic: await new_task(goal=f"Learn {topic}") for topic in topics}
    for worker in workers:
        await rig.until_true(lambda: rig.model.held() > 0, what="running tasks")
        worker.signal(signal.SIGTERM)
        assert worker.wait_end() == 0, worker.log_text()
        worker.start()
        worker.wait_ready()
    await rig.until_status(look, tasks.values(), "completed", within_s=60)
    for topic, task in tasks.items():
        seen = await rig.see(look, task)
        check_completed(seen, contents=3)
        assert "task_recovered" not in seen.events, f"{topic} waited for a lease"
        assert rig.model.calls(f"Learn {topic}", "ok") == plain_calls(topic, concepts=1)
