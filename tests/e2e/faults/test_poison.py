"""A task that kills whoever works on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.faults.whole_set import whole_set_only
from tests.factories import new_task

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

    from tests.e2e.faults.rig import Rig


async def _check_given_up(rig: Rig, look: asyncpg.Connection, poison: UUID, healthy: UUID) -> None:
    seen = await rig.see(look, poison)
    assert seen.pair == ("failed", "intent_analysis")
    assert seen.row["error"]["code"] == "worker_lost", seen.row["error"]
    assert seen.events[-1] == "task_failed"
    assert seen.events.count("task_failed") == 1
    assert await rig.statuses(look, [healthy]) == {"completed": 1}


@whole_set_only
async def test_poison_kills_workers(rig: Rig, look: asyncpg.Connection) -> None:
    """A task that kills MAX_ATTEMPTS workers ends failed with worker_lost; others complete."""
    rig.model.hold("Learn Poison", "intent_analysis", times=None)
    workers = {w.name: w for w in [rig.worker(ready=False, MAX_ATTEMPTS="2") for _ in range(3)]}
    for worker in workers.values():
        worker.wait_ready()
    poison = await new_task(goal="Learn Poison")
    for number in range(2):
        await rig.until_held("Learn Poison", 1)
        owner = await look.fetchval(
            "SELECT lease_owner FROM roadmap_tasks WHERE task_id = $1", poison
        )
        workers[owner.split("@")[0]].kill()
        await rig.until_held("Learn Poison", 0)
        await rig.until_freed(look, poison, losses=number + 1)
    healthy = await new_task(goal="Learn Kites")
    await rig.until_status(look, [healthy, poison], sweeping=True)
    assert rig.model.calls("Learn Poison", "client_gone").total() == 2
    await _check_given_up(rig, look, poison, healthy)


async def test_poison_kills_children(rig: Rig, look: asyncpg.Connection) -> None:
    """Ditto when only prefork children die, one after the other."""
    rig.model.hold("Learn Poison", "intent_analysis", times=None)
    worker = rig.worker(pool="prefork", concurrency=1, MAX_ATTEMPTS="3")
    poison = await new_task(goal="Learn Poison")
    for number in range(3):
        await rig.until_held("Learn Poison", 1)
        await rig.kill_children(worker)
        await rig.until_held("Learn Poison", 0)
        await rig.until_freed(look, poison, losses=number + 1)
    healthy = await new_task(goal="Learn Kites")
    await rig.until_status(look, [healthy, poison], sweeping=True)
    assert rig.model.calls("Learn Poison", "client_gone").total() == 3
    await _check_given_up(rig, look, poison, healthy)
    assert worker.returncode is None, rig.logs()
