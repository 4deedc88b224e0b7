"""Tasks under review, and what is decided about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roadmaps.requests import ReviewDecision
from tests.factories import new_task
from workflow.ending import Result
from workflow.runs import run_task

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

    from tests.ledger import LedgerAuthor


async def reviewed(author: LedgerAuthor) -> UUID:
    """Return a task whose review is open."""
    task = await new_task(review=True)
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    return task


def decision(**fields: Any) -> ReviewDecision:
    """Return a reviewer's answer."""
    return ReviewDecision.model_validate(fields)


async def _under_review(connection: asyncpg.Connection, number: int) -> list[UUID]:
    """Insert tasks whose review is open."""
    rows = await connection.fetch(
        "INSERT INTO roadmap_tasks (task_id, user_id, goal, request, status, current_step,"
        " workflow_version, request_digest) SELECT gen_random_uuid(), 'alice', 'g',"
        " '{\"goal\": \"g\"}', 'human_review_pending', 'human_review', 1, 'd'"
        " FROM generate_series(1, $1) RETURNING task_id",
        number,
    )
    await connection.execute(
        "INSERT INTO reviews (review_id, task_id, round, version, status, due_at)"
        " SELECT gen_random_uuid(), task_id, 1, 1, 'open', now() + interval '1 day'"
        " FROM roadmap_tasks"
    )
    return [row["task_id"] for row in rows]
