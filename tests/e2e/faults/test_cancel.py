"""Cancel in each status, with Redis and without it (F11)."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.factories import ALICE, approve, new_task, pair
from workflow.service import cancel_task

if TYPE_CHECKING:
    import asyncpg

    from tests.e2e.faults.rig import Rig

STOPS_WITHIN_S = 2.0


@pytest.mark.parametrize(
    ("pool", "redis"),
    [("threads", "there"), ("threads", "silent"), ("threads", "killed"), ("prefork", "silent")],
)
async def test_cancel_in_each_status(
    rig: Rig, look: asyncpg.Connection, pool: str, redis: str
) -> None:
    """Terminal at once, running calls end within 2 s, and nothing is written or asked after."""
    worker = rig.worker(pool=pool, concurrency=2, CONTENT_CONCURRENCY="1")
    steps = {}
    for name in ("human_review", "resuming"):
        steps[name] = await new_task(goal=f"Learn {name}", review=True)
    await rig.until_status(look, steps.values(), "human_review_pending")
    # from here on both slots are taken: one in a step, one among contents with more to come
    steps["intent_analysis"] = await new_task(goal="Learn intent_analysis")
    rig.model.hold("Learn intent_analysis", "intent_analysis", times=None)
    steps["content_generation"] = await new_task(goal="Learn content_generation")
    rig.model.hold("Learn content_generation", "tutorial", times=None)
    await rig.until_held("Learn intent_analysis", 1)
    await rig.until_held("Learn content_generation", 1)
    await rig.until_contents(look, steps["content_generation"], 2)
    steps["queued"] = await new_task(goal="Learn queued")
    await approve(steps["resuming"])
    for name, task in steps.items():
        assert (await pair(look, task))[1] == name

    if redis == "silent":
        rig.redis_signal(signal.SIGSTOP)
    elif redis == "killed":
        rig.kill_redis()
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
    assert len(rig.model.entries()) == calls, "the model was asked again"
    if redis == "silent":
        rig.redis_signal(signal.SIGCONT)
    elif redis == "killed":
        rig.start_redis()

    # queued behind all messages of the cancelled ones: when it is done, they were looked at
    witness = await new_task(goal="Learn witness")
    await rig.rings_were_long_ago(look)
    await rig.until_status(look, [witness], "completed", sweeping=True)
    for name, task in steps.items():
        assert await rig.see(look, task) == before[name], f"{name} was written to"
    asked = [entry.goal for entry in rig.model.entries()[calls:] if entry.goal != "Learn witness"]
    assert not asked, f"the model was asked for cancelled tasks: {asked}"
    assert worker.returncode is None, rig.logs()
