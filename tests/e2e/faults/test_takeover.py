"""How soon the tasks of a process that ended go on, at the settings' own lease of half a minute."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from tests.e2e.faults.judging import check_completed, plain_calls
from tests.e2e.faults.vanishing import vanished
from tests.e2e.faults.whole_set import WHOLE_SET
from tests.factories import events, new_task, until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    import asyncpg

    from tests.e2e.faults.rig import Rig

LONGEST_S: Final = 15.0
"""Half a lease: it is two seconds, but not on a machine that is busy with other tests."""
TIMES: Final = 3 if WHOLE_SET else 1


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


async def test_another_goes_on(
    rig: Rig, look: asyncpg.Connection, record_property: Callable[[str, object], None]
) -> None:
    """Killed with SIGKILL, a process is replaced within seconds: threads, a child, prefork."""
    took: dict[str, list[float]] = {"threads": [], "child": [], "prefork": []}

    async def kill(what: str, end: Callable[[], Awaitable[object]]) -> None:
        topic = f"Kites {what} {len(took[what])}"
        task = await _held(rig, look, topic)
        if what != "child":
            others.append(
                rig.worker(pool="prefork" if what == "threads" else "threads", concurrency=2)
            )
        killed_at = time.time()
        await end()
        took[what].append(await _taken_over(rig, look, task, killed_at))
        await _ended_once(rig, look, topic, task)

    others = [rig.worker(concurrency=2)]
    for _ in range(TIMES):
        await kill("threads", lambda: asyncio.to_thread(others[-2].kill))
        await kill("child", lambda: rig.kill_children(others[-1]))
        await kill("prefork", lambda: asyncio.to_thread(others[-2].kill))
        assert others[-2].returncode == -signal.SIGKILL, rig.logs()
    record_property("takeover_s", {key: [round(s, 2) for s in each] for key, each in took.items()})
    assert all(max(each) < LONGEST_S for each in took.values()), took


async def test_a_host_that_vanishes(
    rig: Rig, look: asyncpg.Connection, record_property: Callable[[str, object], None]
) -> None:
    """A host whose connections neither answer nor end is given up long before its lease ends."""
    lost = rig.worker(concurrency=2)
    task = await _held(rig, look, "Kites afar")
    rig.worker(concurrency=2)
    port = urlsplit(rig.database_url).port
    assert port
    with vanished(lost.pid, port) as connections:
        assert connections > 1
        since = time.time()
        await asyncio.to_thread(lost.kill)
        took = await _taken_over(rig, look, task, since)
        record_property("takeover_s", round(took, 2))
        assert 2 < took < LONGEST_S
        await _ended_once(rig, look, "Kites afar", task)
