"""A worker whose main process alone is killed."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from tests.factories import new_task

if TYPE_CHECKING:
    import asyncpg

    from tests.e2e.faults.rig import Rig


async def test_children_end_with_their_parent(rig: Rig, look: asyncpg.Connection) -> None:
    """A prefork child in the middle of a model call does not outlive its killed main process."""
    worker = rig.worker(pool="prefork", concurrency=1)
    rig.model.hold("Learn Kites", "intent_analysis", times=None)
    await new_task(goal="Learn Kites")
    await rig.until_held("Learn Kites", 1)
    assert len(worker.processes()) > 1
    worker.send_signal(signal.SIGKILL)
    await rig.until_true(lambda: not worker.processes(), what="the end of its children")
    await rig.until_held("Learn Kites", 0)
