"""The audit finds what contradicts itself in a real database, and mends what is safe."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pydantic import BaseModel

from roadmap_worker import Context, Workflow
from tests.factories import ALICE, column, new_task, pair, until
from tests.integration.workflow.healthy import APPROVAL, COUNTS, TASKS, Healthy, kinds, unguarded
from watching.queries import audit_findings
from workflow.audit import audit, examine_all, repair
from workflow.authoring import definition
from workflow.lease import acquire
from workflow.recovery import Queue, recover
from workflow.registry import register
from workflow.runs import run_task
from workflow.schedules import run_job
from workflow.service import decide_review, retry_task
from workflow.upkeep import purge

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg
    import pytest

    from tests.ledger import LedgerAuthor


class Partless(BaseModel):
    """Nothing is asked for."""


async def test_what_the_workflow_leaves_is_healthy(
    healthy: Healthy, database: asyncpg.Connection
) -> None:
    """Tasks in every status, some with a lost worker, give no finding; a repair changes nothing."""
    found = await examine_all()
    assert (found.kept, found.tasks) == ([], sum(COUNTS.values()))
    statuses = {row["status"] for row in await database.fetch("SELECT status FROM roadmap_tasks")}
    assert len(statuses) == 7, "one of each status"
    before = await database.fetch("SELECT * FROM roadmap_tasks ORDER BY task_id")
    assert await repair(found.kept) == ([], [])
    assert await database.fetch("SELECT * FROM roadmap_tasks ORDER BY task_id") == before


async def test_a_workflow_without_parts_is_examined(database: asyncpg.Connection) -> None:
    """A workflow that makes no parts, and so has no step to partly fail at, gives no finding."""
    flow = Workflow("partless", request=Partless)

    @flow.step
    async def think(ctx: Context) -> str:
        return "done"

    register(definition(flow))
    assert (await examine_all()).kept == []


async def test_one_bad_task_does_not_hide_another(
    healthy: Healthy, database: asyncpg.Connection
) -> None:
    """Each task is mended on its own; what cannot be mended of one hinders nothing."""
    async with unguarded(database):
        await database.execute(TASKS.format("status = 'lost', done = 1"), healthy["failed"][0])
        await database.execute(TASKS.format("done = 1"), healthy["completed"][0])
        _, left = await repair((await examine_all()).kept)
        assert {finding.key for finding in left} == {healthy["failed"][0]}
        assert await column(database, healthy["completed"][0], "done") == 6


async def test_retention_is_no_contradiction(
    healthy: Healthy, database: asyncpg.Connection
) -> None:
    """Events that were purged are not missed, and a retry counts on from there."""
    await database.execute(
        "UPDATE roadmap_tasks SET finished_at = now() - interval '91 days',"
        " started_at = now() - interval '92 days', created_at = now() - interval '93 days'"
        " WHERE task_id = ANY($1)",
        [healthy["cancelled"][0], healthy["partial"][0]],
    )
    await purge()
    await retry_task(healthy["partial"][0], actor=ALICE)
    assert await events_left(database, healthy["cancelled"][0]) == 0
    assert await events_left(database, healthy["partial"][0]) == 1
    assert kinds(await examine_all()) == set()


async def events_left(connection: asyncpg.Connection, task: UUID) -> int:
    """Return how many events a task has."""
    count = await connection.fetchval("SELECT count(*) FROM task_events WHERE task_id = $1", task)
    return int(count)


async def test_a_busy_database_is_healthy_at_every_moment(
    database: asyncpg.Connection, author: LedgerAuthor
) -> None:
    """While workflows run, wait, are lost and recovered, no moment looks like a contradiction."""
    over = False

    async def look_on() -> int:
        looks = 0
        while not over:
            assert (await examine_all()).kept == []
            looks += 1
        return looks

    async def live(number: int) -> None:
        task = await new_task(review=number % 2 == 0)
        await run_task(task, worker="w")
        if number % 2 == 0:
            await decide_review(task, APPROVAL, actor=ALICE)
            await run_task(task, worker="w")
        assert await pair(database, task) == ("completed", "completed")

    looking = asyncio.create_task(look_on())
    await acquire(await new_task(), worker="vanished")
    await database.execute("UPDATE roadmap_tasks SET lease_until = now() - interval '1 minute'")
    for number in range(6):
        await live(number)
        await recover(Queue(depth=0))
    over = True
    assert await looking > 3


async def test_the_job_goes_on_where_it_stopped(
    healthy: Healthy, database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run has a budget; the next one goes on after the last task, and the pass adds up."""
    monkeypatch.setattr("workflow.audit.examine.TASKS_AT_A_TIME", 10)
    completed = healthy["completed"][0]
    await database.execute(TASKS.format("done = 0"), completed)
    seen = []
    for _ in range(4):
        outcome = await run_job("audit", lambda: audit(budget_s=0), scheduled=False)
        assert outcome is not None
        seen.append((outcome["complete"], outcome["tasks"]))
    assert seen == [(False, 10), (False, 20), (False, 25), (True, 25)]
    assert outcome is not None
    assert outcome["findings"] == {"progress_counts": 1}
    assert outcome["examples"] == {"progress_counts": [str(completed)]}
    assert await audit_findings() == {"progress_counts": 1}
    await repair((await examine_all()).kept)
    again = await run_job("audit", audit, scheduled=False)
    assert again is not None
    assert (again["complete"], again["tasks"], again["findings"]) == (True, 25, {})
    assert await audit_findings() == {}


async def test_it_locks_nobody_out(healthy: Healthy, database: asyncpg.Connection) -> None:
    """While the audit looks, tasks are locked and written; it waits for none of them either."""
    async with database.transaction():
        await database.execute("SELECT FROM roadmap_tasks FOR UPDATE")
        looking = asyncio.create_task(examine_all())

        async def done() -> bool:
            return looking.done()

        await until(done, within_s=10, what="the audit beside a lock on every task")
    assert (await looking).kept == []
