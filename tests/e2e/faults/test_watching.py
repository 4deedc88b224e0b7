"""Watching a task while Redis is silent, or was never there."""

from __future__ import annotations

import asyncio
import signal
import statistics
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.e2e.faults.whole_set import WHOLE_SET, whole_set_only
from tests.factories import new_task
from tests.integration.api.processes import running_api
from tests.viewers import TRANSPORTS, Viewer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import asyncpg

    from tests.e2e.faults.rig import Rig
    from tests.integration.api.processes import Api

LATEST_S: Final = 3.0
"""How late an event may be at a viewer, with Redis or without."""
LIVE_AGAIN_S: Final = 5.0
LIVE_S: Final = 0.5
"""What comes sooner was carried, not found by asking."""


@dataclass(slots=True)
class Watched:
    """One task's run: how long it took, and how late each viewer heard of each event."""

    took_s: float = 0.0
    late: list[tuple[float, float]] = field(default_factory=list)
    """When an event came, by the monotonic clock, and how late, in seconds."""
    seqs: list[list[int]] = field(default_factory=list)

    def latest_s(self, *, since: float = 0.0) -> float:
        """Return how late the latest event was that came after a moment."""
        return max((late for at, late in self.late if at >= since), default=0.0)


pytestmark = pytest.mark.timeout(200)


@pytest.fixture
async def api(rig: Rig) -> AsyncIterator[Api]:
    """The API of the rig."""
    async with running_api() as started:
        yield started


async def watch(
    rig: Rig, look: asyncpg.Connection, api: Api, goal: str, fault: Callable[[], Any] | None
) -> Watched:
    """Run a task with a viewer of each transport; the fault comes with the first content."""
    found = Watched()
    writing = asyncio.Event()

    def note(event: dict[str, Any]) -> None:
        late_s = (datetime.now(UTC) - datetime.fromisoformat(event["at"])).total_seconds()
        found.late.append((time.monotonic(), late_s))
        if event["type"] == "content_completed":
            writing.set()

    task = await new_task(goal=goal, user="local")
    viewers = [Viewer(api.address, task, transport=t, on_event=note) for t in TRANSPORTS]
    async with asyncio.timeout(150), asyncio.TaskGroup() as group:
        for viewer in viewers:
            group.create_task(viewer.watch())
        await writing.wait()
        if fault is not None:
            await fault()
    found.seqs = [viewer.seqs for viewer in viewers]
    row = await look.fetchrow(
        "SELECT status, last_seq, extract(epoch FROM finished_at - started_at)::float AS took"
        " FROM roadmap_tasks WHERE task_id = $1",
        task,
    )
    assert row is not None
    assert row["status"] == "completed", rig.logs()
    found.took_s = row["took"]
    assert found.seqs == [list(range(1, row["last_seq"] + 1))] * len(viewers)
    return found


async def test_a_silent_redis_delays_nobody_by_more_than_three_seconds(
    rig: Rig, look: asyncpg.Connection, api: Api, record_property: Callable[[str, object], None]
) -> None:
    """All events still come, by the log, at most 3 s late, and live again within 5 s after."""
    silent_s = 30.0 if WHOLE_SET else 3.0
    rig.model.slow_down(0.25)
    rig.model.design(concepts=int((silent_s + LIVE_AGAIN_S + 2) / 0.25))
    rig.worker(CONTENT_CONCURRENCY="1")
    woken = 0.0

    async def silence() -> None:
        nonlocal woken
        rig.redis_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(silent_s)
        finally:
            rig.redis_signal(signal.SIGCONT)
        woken = time.monotonic()

    found = await watch(rig, look, api, "Learn watching", silence)
    record_property("latest_s", round(found.latest_s(), 2))
    record_property("latest_after_it_was_back_s", round(found.latest_s(since=woken + 5), 3))
    assert found.latest_s() <= LATEST_S
    assert found.latest_s(since=woken + LIVE_AGAIN_S) <= LIVE_S
    assert any(at >= woken + LIVE_AGAIN_S for at, _late in found.late), "it ended too early"


@whole_set_only
@pytest.mark.timeout(600)
async def test_a_silent_redis_costs_the_workflow_nothing(
    rig: Rig, look: asyncpg.Connection, api: Api, record_property: Callable[[str, object], None]
) -> None:
    """The same work, alternating, takes as long with 30 s of silence as without, within 5 %."""
    rig.model.slow_down(0.25)
    rig.model.design(concepts=140)  # 35 s of contents, one concept at a time
    rig.worker(CONTENT_CONCURRENCY="1")

    async def silence() -> None:
        rig.redis_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(30)
        finally:
            rig.redis_signal(signal.SIGCONT)

    took: dict[str, list[float]] = {"normal": [], "silent": []}
    for number in range(2):
        for name, fault in (("normal", None), ("silent", silence)):
            found = await watch(rig, look, api, f"Learn {name} {number}", fault)
            took[name].append(found.took_s)
            assert found.latest_s() <= LATEST_S
    slower = statistics.mean(took["silent"]) / statistics.mean(took["normal"]) - 1
    record_property("took_s", took)
    record_property("slower_by_percent", round(100 * slower, 2))
    assert slower <= 0.05, took
