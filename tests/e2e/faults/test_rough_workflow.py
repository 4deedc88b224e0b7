"""Careless code of a workflow harms only its own task, on both pools."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from core.ids import new_id
from tests.e2e.faults.whole_set import WHOLE_SET, whole_set_only
from tests.factories import ALICE, until
from tests.rough_flow import ENDS, rough
from worker.loop import ENDED
from workflow import registry
from workflow.authoring import definition
from workflow.service import cancel_task

if TYPE_CHECKING:
    from pathlib import Path

    import asyncpg

    from tests.e2e.faults.rig import Rig


@pytest.mark.parametrize("pool", ["threads", "prefork"] if WHOLE_SET else ["threads"])
async def test_what_blocks_hangs_and_breaks(
    rig: Rig, look: asyncpg.Connection, tmp_path: Path, pool: str
) -> None:
    """It is named, tried again, left behind and told; the only slot is free for the next task."""
    registry.register(definition(rough))
    flow = "tests.rough_flow:rough"
    worker = rig.worker(pool=pool, concurrency=1, WORKFLOWS=flow, SHUTDOWN_GRACE_S="0.1")
    careless, stuck, next_one = new_id(), new_id(), new_id()
    words = ["fine", "busy", "broken", "swallows", "blocks"]
    _send(rig, str(careless), words, tmp_path)
    await rig.until_status(look, [careless], "partial_failure", within_s=90)
    rows = await look.fetch("SELECT key, error FROM parts WHERE status = 'failed'")
    errors = {row["key"]: json.loads(row["error"]) for row in rows}
    assert {key: error["code"] for key, error in errors.items()} == {
        "broken": "unexpected_error",
        "swallows": "step_timeout",
    }
    assert "rough_flow.py" in errors["broken"]["trace"]
    results = {
        row["step"]: json.loads(row["output"]).get("value")
        for row in await look.fetch("SELECT step, output FROM checkpoints")
    }
    assert results["hang"][1:] == ["blocks", "busy", "fine", "broken", "swallows"]
    assert results["hang"][0].startswith("step-")
    assert results["block"] == "event-loop"
    assert (tmp_path / "ledger").read_text().splitlines().count("busy") == 2
    named = f"block of task {careless}"  # a busy machine may hold the loop up elsewhere, too
    (blocked,) = (e for e in worker.logged("event_loop_blocked_by") if e["function"] == named)
    assert "time.sleep(1.6)" in blocked["stack"]

    _send(rig, str(stuck), ["hangs"], tmp_path)

    async def hangs() -> bool:
        return "hanging" in (tmp_path / "ledger").read_text()

    await until(hangs, what="the step that hangs")
    await cancel_task(stuck, actor=ALICE)
    _send(rig, str(next_one), ["fine"], tmp_path)
    await rig.until_status(look, [next_one], "completed", within_s=40)

    async def left_behind() -> bool:
        return bool(worker.logged("function_left_behind"))

    await until(left_behind, within_s=30, what="the function that is left behind")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait_end(within_s=20) == 0  # for ninety seconds nobody waits


@pytest.mark.parametrize("how", ENDS)
async def test_what_ends_the_loop(
    rig: Rig, look: asyncpg.Connection, tmp_path: Path, how: str
) -> None:
    """A process does not stay without an event loop: it ends, and another one goes on."""
    registry.register(definition(rough))
    flow = "tests.rough_flow:rough"
    worker, task = rig.worker(concurrency=1, WORKFLOWS=flow), new_id()
    _send(rig, str(task), [how], tmp_path)
    assert worker.wait_end(within_s=30) == ENDED
    assert worker.logged("event_loop_ended")
    rig.worker(concurrency=1, WORKFLOWS=flow)
    await rig.until_status(look, [task], "completed", within_s=60)


@whole_set_only
async def test_a_child_that_stands_still(
    rig: Rig, look: asyncpg.Connection, tmp_path: Path
) -> None:
    """A prefork worker ends it within about a minute; its task goes on in another child."""
    registry.register(definition(rough))
    worker = rig.worker(pool="prefork", concurrency=1, WORKFLOWS="tests.rough_flow:rough")
    task = new_id()
    _send(rig, str(task), ["stands"], tmp_path)
    await rig.until_status(look, [task], "completed", within_s=120)
    (ended,) = worker.logged("child_ended_for_standing_still")
    assert "`block` (" in ended["held_up_by"]
    assert worker.returncode is None


def _send(rig: Rig, task_id: str, words: list[str], folder: Path) -> None:
    kwargs = {
        "workflow": "rough",
        "task_id": task_id,
        "user_id": "alice",
        "request": {"words": words, "folder": str(folder)},
    }
    rig.foreign.send_task("workflow.run", queue="roadmap", task_id=task_id, kwargs=kwargs)
