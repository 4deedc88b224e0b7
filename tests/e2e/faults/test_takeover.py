"""How soon the tasks of a process that ended go on, at the settings' own lease of half a minute."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.faults.judging import check_completed, plain_calls
from tests.e2e.faults.whole_set import WHOLE_SET
from tests.factories import events, new_task, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    import asyncpg

    from tests.e2e.faults.rig import Rig
    from tests.e2e.faults.worker_process import WorkerProcess

LONGEST_S: Final = 5.0
TIMES: Final = 10 if WHOLE_SET else 2


async def _held(rig: Rig, look: asyncpg.Connection, topic: str) -> UUID:
    """Start a task, and return when only the model's last answer is missing."""
    rig.model.hold(f"Learn {topic}", "tutorial", title="2$")
    task = await new_task(goal=f"Learn {topic}")
    await rig.until_held(f"Learn {topic}", 1)
    await rig.until_contents(look, task, 5)
    return task


async def _taken_over(rig: Rig, look: asyncpg.Connection, task: UUID, since: float) -> float:
    """Wait until another worker has the task; return how long that took."""

    async def recovered() -> bool:
        return "task_recovered" in await events(look, task)

    try:
        await until(recovered, within_s=20, what="another worker")
    except AssertionError as error:
        raise AssertionError(f"{error}\n{rig.logs()}") from None
    at = await look.fetchval(
        "SELECT max(created_at) FROM task_events WHERE task_id = $1 AND type = 'task_recovered'",
        task,
    )
    return float(at.timestamp() - since)


async def _ended_once(rig: Rig, look: asyncpg.Connection, topic: str, task: UUID) -> None:
    await rig.until_status(look, [task], "completed")
    check_completed(await rig.see(look, task), contents=6)
    assert rig.model.calls(f"Learn {topic}", "ok") == plain_calls(topic)


@pytest.mark.parametrize("pool", ["threads", "prefork"])
async def test_another_goes_on(
    rig: Rig,
    look: asyncpg.Connection,
    pool: str,
    record_property: Callable[[str, object], None],
) -> None:
    """Killed with SIGKILL, it is replaced within seconds by a worker that was idle."""
    other = rig.worker(concurrency=4)
    took = []
    for number in range(TIMES):
        other.signal_group(signal.SIGSTOP)  # so that the doomed one takes the task
        doomed = rig.worker(pool=pool, concurrency=1)
        task = await _held(rig, look, f"Kites {pool} {number}")
        other.signal_group(signal.SIGCONT)
        await _turns(rig, other)
        killed_at = time.time()
        await asyncio.to_thread(doomed.kill)
        took.append(await _taken_over(rig, look, task, killed_at))
        await _ended_once(rig, look, f"Kites {pool} {number}", task)
    record_property("takeover_s", sorted(round(each, 2) for each in took))
    assert max(took) < LONGEST_S, took


async def _turns(rig: Rig, worker: WorkerProcess) -> None:
    """Wait until a worker that was frozen is at work again."""
    await rig.until_true(lambda: worker.returncode is None, what="a worker")
    await asyncio.sleep(1)


async def test_a_child_is_replaced(rig: Rig, look: asyncpg.Connection) -> None:
    """A prefork child that is killed alone is replaced within seconds; its worker lives on."""
    worker = rig.worker(pool="prefork", concurrency=1)
    task = await _held(rig, look, "Kites")
    killed_at = time.time()
    await rig.kill_children(worker)
    took = await _taken_over(rig, look, task, killed_at)
    await _ended_once(rig, look, "Kites", task)
    assert took < LONGEST_S + 2, "its children are made anew first"
    assert worker.returncode is None, rig.logs()
