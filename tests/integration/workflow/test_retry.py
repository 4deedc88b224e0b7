"""A retry does again what failed, and nothing else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from core.errors import ConflictError
from core.provider_errors import ProviderUnavailableError
from roadmaps.regeneration import regenerate
from tests.factories import ALICE, column, events, new_task, pair
from tests.integration.workflow.stopping import (
    ALL_CALLS,
    contents,
    fails_for,
    percent_is_honest,
    stuck_at_call,
)
from tests.ledger import STRUCTURE, LedgerAuthor, nothing
from workflow.ending import Result
from workflow.runs import run_task
from workflow.service import cancel_task, retry_task

if TYPE_CHECKING:
    import asyncpg

    from llm import Call


@pytest.mark.parametrize("kind", STRUCTURE)
async def test_retry_of_a_failed_step(
    database: asyncpg.Connection, author: LedgerAuthor, kind: str
) -> None:
    """A failed task says at which step, and a retry goes on exactly there."""

    async def before(call: Call[Any]) -> None:
        if call.kind == kind:
            raise ProviderUnavailableError

    author.before = before
    task = await new_task()
    assert await run_task(task, worker="w") is Result.FAILED
    assert await pair(database, task) == ("failed", str(kind))
    error = await database.fetchrow(
        "SELECT error->>'code' AS code, error->>'step' AS step FROM roadmap_tasks"
    )
    assert error is not None
    assert (error["code"], error["step"]) == ("provider_unavailable", str(kind))
    author.before = nothing
    await retry_task(task, actor=ALICE)
    assert await column(database, task, "error") is None
    assert await column(database, task, "attempt") == 2
    assert await run_task(task, worker="w") is Result.COMPLETED
    for step in STRUCTURE:
        assert author.answered.count((step, "")) == 1
    told = await events(database, task)
    assert told.count("task_started") == told.count("task_retried") == 1
    await percent_is_honest(database, task)


async def test_retry_of_a_partial_failure(
    database: asyncpg.Connection, author: LedgerAuthor
) -> None:
    """Only what failed is written again, and percent starts from what is done."""
    author.before = fails_for("Wind")
    task = await new_task()
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    before = await contents(database)
    author.before = nothing
    await retry_task(task, actor=ALICE)
    assert await column(database, task, "percent") == 55.0
    assert await run_task(task, worker="w") is Result.COMPLETED
    after = await contents(database)
    for key, row in before.items():
        assert (after[key] == row) == (row["status"] == "completed")
    assert set(author.contents().values()) == {1}
    await percent_is_honest(database, task)


async def test_one_concept_counts_once(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """Three failed contents of one concept neither abort the task nor count thrice."""
    author.titles = [f"T{n}" for n in range(6)]
    author.before = fails_for("T3")
    task = await new_task()
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    row = await database.fetchrow(
        "SELECT payload->'data' AS data FROM task_events WHERE type = 'task_partially_failed'"
    )
    assert row is not None
    assert row["data"] == '{"failed": 3, "completed": 15}'
    assert (await events(database, task)).count("concept_completed") == 5


async def test_failed_twice(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """A second failure of the same contents is told again, under the same version."""
    author.before = fails_for("Wind")
    task = await new_task()
    await run_task(task, worker="w")
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    assert len(await contents(database)) == 6
    assert (await events(database, task)).count("task_partially_failed") == 2
    await percent_is_honest(database, task)


@pytest.mark.parametrize("number", range(1, ALL_CALLS + 1))
async def test_cancelled_at_each_call_and_retried(
    database: asyncpg.Connection, author: LedgerAuthor, number: int
) -> None:
    """Cancelled at whatever call the work stops by itself; a retry redoes nothing."""
    task = await new_task()
    async with stuck_at_call(number, database, author, task) as run:
        status, step = await pair(database, task)
        await cancel_task(task, actor=ALICE)
        assert status == "processing"
        assert await pair(database, task) == ("cancelled", step)
        assert await asyncio.wait_for(run, 5) is Result.CANCELLED
    rows = await contents(database)
    assert "running" not in {row["status"] for row in rows.values()}, "a zombie"
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert max(author.counts().values()) == 1
    assert (await events(database, task)).count("task_cancelled") == 1
    await percent_is_honest(database, task)


@pytest.mark.parametrize("status", ["pending", "processing", "human_review_pending", "completed"])
async def test_retry_of_what_has_not_failed(
    database: asyncpg.Connection, author: LedgerAuthor, status: str
) -> None:
    """Only what failed, failed partly or was cancelled can be retried."""
    task = await new_task(review=status == "human_review_pending")
    if status != "pending":
        await run_task(task, worker="w")
    if status == "processing":
        await regenerate(
            await column(database, task, "roadmap_id"),
            await database.fetchval("SELECT concept_id FROM concepts LIMIT 1"),
            ["quiz"],
            actor=ALICE,
        )
    assert (await pair(database, task))[0] == status
    before = await events(database, task)
    with pytest.raises(ConflictError):
        await retry_task(task, actor=ALICE)
    assert await events(database, task) == before


async def test_two_retries_at_once(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """Of ten retries at the same moment one begins the next attempt."""
    author.before = fails_for("Wind")
    task = await new_task()
    await run_task(task, worker="w")
    done = await asyncio.gather(
        *(retry_task(task, actor=ALICE) for _ in range(10)), return_exceptions=True
    )
    assert sum(each is None for each in done) == 1
    assert sum(isinstance(each, ConflictError) for each in done) == 9
    assert await column(database, task, "attempt") == 2
