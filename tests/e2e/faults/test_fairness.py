"""One user's flood and another one's only task."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from core.ids import new_id
from tests.e2e.faults.whole_set import WHOLE_SET, pools
from tests.factories import ALICE
from workflow.service import cancel_task

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    import asyncpg

    from tests.e2e.faults.rig import Rig

FLOOD = 500 if WHOLE_SET else 150
SLOTS = 2
GOING_ON = 10


@pytest.mark.parametrize("pool", pools("threads"))
async def test_a_flood_starves_nobody(
    rig: Rig,
    look: asyncpg.Connection,
    pool: str,
    record_property: Callable[[str, object], None],
) -> None:
    """Hundreds of long tasks hold all slots of their user; another one's begins in seconds.

    Then the flood goes on from the line, and no task begins twice.
    """
    rig.worker(pool=pool, concurrency=SLOTS)
    rig.model.hold("Learn flood", "intent_analysis", times=None)
    flood, bobs = [new_id() for _ in range(FLOOD)], new_id()
    await asyncio.to_thread(_send_all, rig, flood)
    rig.send(str(bobs), "Learn quickly", user="bob")
    waited_s = await rig.until_status(look, [bobs], "completed", within_s=30)
    record_property("waited_s", waited_s)
    assert rig.model.held("Learn flood") == SLOTS, "its user has no more than his slots"
    line = await look.fetchval("SELECT count(*) FROM roadmap_tasks WHERE deferred_at IS NOT NULL")
    assert line > FLOOD / 2, "the rest waits in line, not in the queue"

    rig.model.reset()
    for task in await look.fetch("SELECT task_id FROM roadmap_tasks WHERE status = 'processing'"):
        await cancel_task(task["task_id"], actor=ALICE)
    await rig.until_true(
        lambda: rig.model.calls("Learn flood", "ok")["intent_analysis"] >= GOING_ON,
        what="the flood to go on",
    )
    again = await look.fetchval(
        "SELECT count(*) FROM (SELECT FROM task_events WHERE type = 'task_started'"
        " GROUP BY task_id HAVING count(*) > 1) twice"
    )
    assert again == 0


def _send_all(rig: Rig, tasks: list[UUID]) -> None:
    for task in tasks:
        rig.send(str(task), "Learn flood")
