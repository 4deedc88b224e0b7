"""A worker that was frozen for longer than its lease."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import asyncpg
import pytest

from tests.e2e.faults.judging import check_completed, plain_calls
from tests.e2e.faults.whole_set import pools
from tests.factories import new_task

if TYPE_CHECKING:
    from tests.e2e.faults.rig import Rig


@pytest.mark.parametrize("pool", pools("threads"))
async def test_zombie_changes_nothing(rig: Rig, look: asyncpg.Connection, pool: str) -> None:
    """Frozen, replaced and thawed, it writes nothing, and says that it was fenced off."""
    zombie = rig.worker(pool=pool, concurrency=2, doomed=True)
    taken = await new_task(goal="Learn Kites taken")
    gates = rig.model.gate("Learn Kites taken", "tutorial", title="1.1.1$")
    kept = await new_task(goal="Learn Kites kept")
    kept_gates = rig.model.gate("Learn Kites kept", "curriculum_design")
    await rig.until_held("Learn Kites kept", 1)
    await rig.until_held("Learn Kites taken", 1)
    await rig.until_contents(look, taken, 5)

    # whichever is quicker when it thaws: its write, which is refused, or its heartbeat
    noticed = {"workflow_fenced_off", "lease_lost"}
    # nobody takes the other task over meanwhile: sweeps pass over locked rows
    async with look.transaction():
        await look.fetch("SELECT 1 FROM roadmap_tasks WHERE task_id = $1 FOR UPDATE", kept)
        other = await asyncpg.connect(rig.database_url)
        try:
            zombie.signal_group(signal.SIGSTOP)
            rig.model.open(*gates)  # its answer waits in the zombie's socket
            rig.worker(pool=pool, concurrency=2)
            await rig.until_status(other, [taken], "completed", sweeping=True)
            before = await rig.see(other, taken)
            check_completed(before, contents=6)
            expected = plain_calls("Kites taken")
            expected["tutorial of Kites taken 1.1.1"] += 1  # in flight when it was frozen
            assert rig.model.calls("Learn Kites taken", "ok") == expected

            zombie.signal_group(signal.SIGCONT)
            await rig.until_true(
                lambda: any(zombie.logged(event, task_id=str(taken)) for event in noticed),
                what="the zombie's end",
            )
            assert await rig.see(other, taken) == before, "the zombie changed something"
        finally:
            await other.close()
    rig.model.open(*kept_gates)
    await rig.until_status(look, [kept], "completed", sweeping=True)
    assert await rig.see(look, taken) == before, "the zombie changed something later"
    check_completed(await rig.see(look, kept), contents=6)
    assert zombie.returncode is None, rig.logs()
