"""Cancel in each status, with Redis and without it."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.e2e.faults.rig import STANDING_SLOTS
from tests.e2e.faults.whole_set import WHOLE_SET, pools
from tests.factories import ALICE, approve, new_task, pair
from workflow.service import cancel_task

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    import asyncpg

    from tests.e2e.faults.rig import Rig

STOPS_WITHIN_S = 2.0


@pytest.mark.parametrize("pool", pools("threads"))
async def test_cancel_in_each_status(rig: Rig, look: asyncpg.Connection, pool: str) -> None:
    """Terminal at once, running calls end within 2 s, and nothing is written or asked after."""
    if pool == "threads":
        worker = rig.standing_worker()
    else:
        worker = rig.worker(pool=pool, concurrency=STANDING_SLOTS, CONTENT_CONCURRENCY="1")

    def silence() -> None:
        rig.redis_signal(signal.SIGSTOP)

    def wake() -> None:
        rig.redis_signal(signal.SIGCONT)

    def nothing() -> None:
        pass

    faults = {"silent": (silence, wake), "killed": (rig.kill_redis, rig.start_redis)}
    if WHOLE_SET:
        faults["there"] = (nothing, nothing)
    for name, (fault, end) in faults.items():
        await _cancel_all(rig, look, f"Redis {name}", fault, end)
        assert worker.returncode is None, rig.logs()


async def _bring_to_each_status(rig: Rig, look: asyncpg.Connection, topic: str) -> dict[str, UUID]:
    """Return a task for each step at which one can be cancelled."""
    steps = {}
    for name in ("human_review", "resuming"):
        steps[name] = await new_task(goal=f"Learn {topic} {name}", review=True)
    await rig.until_status(look, steps.values(), "human_review_pending")
    # from here on all slots are taken: in steps, and among contents with more to come
    for name, kind in (
        ("intent_analysis", "intent_analysis"),
        ("curriculum_design", "curriculum_design"),
        ("structure_validation", "structure_validation"),
        ("content_generation", "tutorial"),
    ):
        goal = f"Learn {topic} {name}"
        rig.model.hold(goal, kind, times=None)
        steps[name] = await new_task(goal=goal)
        await rig.until_held(goal, 1)
    await rig.until_contents(look, steps["content_generation"], 2)
    steps["queued"] = await new_task(goal=f"Learn {topic} queued")
    await approve(steps["resuming"])
    for name, task in steps.items():
        assert (await pair(look, task))[1] == name
    return steps


async def _cancel_all(
    rig: Rig,
    look: asyncpg.Connection,
    topic: str,
    fault: Callable[[], None],
    end: Callable[[], None],
) -> None:
    steps = await _bring_to_each_status(rig, look, topic)
    fault()
    calls = len(rig.model.entries())
    before = {}
    for name, task in steps.items():
        await cancel_task(task, actor=ALICE)
        assert await pair(look, task) == ("cancelled", name), "not terminal when cancel returned"
        before[name] = await rig.see(look, task)
        assert before[name].events[-2:] == ("task_cancel_requested", "task_cancelled")
    await rig.until_true(
        lambda: not rig.model.held(), what="the end of running calls", within_s=STOPS_WITHIN_S
    )
    end()

    # queued behind all messages of the cancelled ones: when it is done, they were looked at
    witness = await new_task(goal=f"Learn {topic} witness")
    await rig.rings_were_long_ago(look)
    await rig.until_status(look, [witness], "completed", sweeping=True)
    for name, task in steps.items():
        assert await rig.see(look, task) == before[name], f"{topic}: {name} was written to"
    asked = {entry.goal for entry in rig.model.entries()[calls:]}
    assert asked == {f"Learn {topic} witness"}, "the model was asked for cancelled tasks"
