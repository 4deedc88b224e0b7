"""Redis emptied, silent, killed and restarted: it is a doorbell, nothing more."""

from __future__ import annotations

import signal
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.e2e.faults.judging import check_completed, plain_calls
from tests.e2e.faults.rig import STANDING_SLOTS
from tests.e2e.faults.whole_set import pools
from tests.factories import new_task

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    import asyncpg

    from tests.e2e.faults.rig import Rig


async def test_flushed_with_queue(rig: Rig, look: asyncpg.Connection) -> None:
    """FLUSHALL with 50 waiting and some running tasks: all are rung again and complete once."""
    rig.model.design(concepts=1)
    gates = rig.model.gate("Learn Flushed [0-9]+", "intent_analysis")
    worker = rig.standing_worker()
    topics = [f"Flushed {number}" for number in range(50 + STANDING_SLOTS)]
    tasks = {topic: await new_task(goal=f"Learn {topic}") for topic in topics}
    await rig.until_true(lambda: rig.model.held() == STANDING_SLOTS, what="running tasks")
    await rig.until_true(lambda: rig.queued() == 0, what="a look at each message")
    # as if some of them had not been looked at: their messages are lost
    await look.execute("UPDATE roadmap_tasks SET deferred_at = NULL WHERE goal LIKE '%1'")
    rig.flush()
    rig.model.open(*gates)
    await rig.rings_were_long_ago(look)
    await rig.until_status(look, tasks.values(), within_s=60, sweeping=True)
    for topic, task in tasks.items():
        seen = await rig.see(look, task)
        check_completed(seen, contents=3)
        assert "task_recovered" not in seen.events, "nobody was lost"
        assert rig.model.calls(f"Learn {topic}", "ok") == plain_calls(topic, concepts=1)
    assert worker.returncode is None, rig.logs()


@pytest.mark.parametrize("pool", pools("threads"))
async def test_gone_while_busy(
    rig: Rig,
    look: asyncpg.Connection,
    pool: str,
    record_property: Callable[[str, object], None],
) -> None:
    """With Redis silent or dead running work is as quick, and new work is done when it is back."""
    rig.model.slow_down(0.1)
    if pool == "threads":
        worker = rig.standing_worker()
    else:
        worker = rig.worker(pool=pool, concurrency=STANDING_SLOTS)
    warm = await new_task(goal="Learn warming up")
    await rig.until_status(look, [warm], "completed")
    normal_s = await _timed(rig, look, "normal", lambda: None, tasks=STANDING_SLOTS)

    def silence() -> None:
        rig.redis_signal(signal.SIGSTOP)

    def wake() -> None:
        rig.redis_signal(signal.SIGCONT)

    faults = {"silent": (silence, wake), "killed": (rig.kill_redis, rig.start_redis)}
    for name, (fault, end) in faults.items():
        fault_s = await _timed(rig, look, name, fault, tasks=STANDING_SLOTS)
        record_property(f"{name}_slower_by_percent", round(100 * (fault_s / normal_s - 1), 1))
        assert fault_s < 1.5 * normal_s + 1, f"{name}: {fault_s:.2f} s, not {normal_s:.2f} s"
        assert worker.returncode is None, rig.logs()
        back = time.monotonic()
        end()
        await _works(rig, look, f"after {name}")
        record_property(f"{name}_back_after_s", round(time.monotonic() - back, 2))

    # and while nothing runs, without its data
    rig.kill_redis()
    rig.start_redis()
    rig.flush()
    await _works(rig, look, "after idle")
    assert worker.returncode is None, rig.logs()


async def test_killed_with_a_message_in_hand(rig: Rig, look: asyncpg.Connection) -> None:
    """A message that a worker has fetched and not begun does not take it along when Redis dies."""
    worker = rig.standing_worker()
    rig.sweep(in_s=60)  # fetched at once, begun in a minute
    await rig.until_true(lambda: "maintenance.recover" in worker.log_text(), what="the message")
    rig.kill_redis()
    await rig.until_true(lambda: "Connection to broker lost" in worker.log_text(), what="the loss")
    rig.start_redis()
    await _works(rig, look, "after a message in hand")
    assert worker.returncode is None, rig.logs()


async def test_connections_cut(rig: Rig, look: asyncpg.Connection) -> None:
    """A worker whose connections are all cut, and can be made anew at once, takes messages again.

    So it is when a proxy or Sentinel leads to a new primary.
    """
    worker = rig.standing_worker()
    with rig.broker() as client:
        for kind in ("pubsub", "normal"):
            client.client_kill_filter(_type=kind, skipme=True)
            await _works(rig, look, f"after {kind} connections were cut")
    assert worker.returncode is None, rig.logs()


async def _works(rig: Rig, look: asyncpg.Connection, topic: str) -> None:
    task = await new_task(goal=f"Learn {topic}")
    await rig.rings_were_long_ago(look)
    await rig.until_status(look, [task], "completed", sweeping=True)
    assert rig.model.calls(f"Learn {topic}", "ok") == plain_calls(topic)


async def _timed(
    rig: Rig, look: asyncpg.Connection, name: str, fault: Callable[[], None], *, tasks: int
) -> float:
    """Return how long tasks take from a moment at which all of them run, the fault included."""
    gates = rig.model.gate(f"Learn {name} [0-9]+", "intent_analysis")
    running: list[UUID] = [await new_task(goal=f"Learn {name} {number}") for number in range(tasks)]
    await rig.until_true(lambda: rig.model.held() == tasks, what=f"{tasks} running tasks")
    fault()
    began = time.monotonic()
    rig.model.open(*gates)
    await rig.until_status(look, running, "completed")
    took = time.monotonic() - began
    calls = Counter[str]()
    for number in range(tasks):
        calls += rig.model.calls(f"Learn {name} {number}", "ok")
    assert calls == sum((plain_calls(f"{name} {n}") for n in range(tasks)), Counter[str]())
    return took


async def test_rung_twice(rig: Rig, look: asyncpg.Connection) -> None:
    """A foreign program sends the same task twice: it runs once."""
    tid = "0199aaaa-0000-7000-8000-000000000001"
    gates = rig.model.gate("Learn Kites", "curriculum_design")
    worker = rig.standing_worker()
    for _ in range(2):
        rig.send(tid, "Learn Kites")
    await rig.until_held("Learn Kites", 1)
    await rig.until_true(
        lambda: "nothing_to_do" in worker.log_text(), what="the second message's end"
    )
    rig.model.open(*gates)
    rows = await look.fetch("SELECT task_id, user_id FROM roadmap_tasks")
    assert [(str(row["task_id"]), row["user_id"]) for row in rows] == [(tid, "alice")]
    (task,) = (row["task_id"] for row in rows)
    await rig.until_status(look, [task], "completed")
    check_completed(await rig.see(look, task), contents=6)
    assert rig.model.calls("Learn Kites", "ok") == plain_calls("Kites")
