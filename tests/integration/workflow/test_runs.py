"""A task from request to its end, on a real PostgreSQL with the sample author."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.errors import ConflictError, InvalidRequestError, StaleVersionError
from core.settings import get_settings
from core.states import Decision
from roadmaps.requests import ReviewDecision
from tests.factories import ALICE, approve, column, events, new_task, pair
from workflow.ending import Result
from workflow.runs import run_task
from workflow.service import cancel_task, decide_review, retry_task

if TYPE_CHECKING:
    import asyncpg


async def test_completed(database: asyncpg.Connection) -> None:
    """Everything generated ends in completed/completed, with all contents and 100 per cent."""
    task = await new_task()
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert await pair(database, task) == ("completed", "completed")
    row = await database.fetchrow("SELECT * FROM roadmap_tasks WHERE task_id = $1", task)
    assert row is not None
    assert row["done"] == row["total"] > 0
    assert row["percent"] == 100
    assert (
        await database.fetchval("SELECT count(*) FROM contents WHERE status='completed'")
        == (row["total"])
    )
    told = await events(database, task)
    assert told[:2] == ["task_queued", "task_started"]
    assert told[-1] == "task_completed"


async def test_partial_failure(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """Some failed contents end in partial_failure/content_generation; a retry makes only those."""
    settings_env.setenv("ROADMAP_SAMPLE_FAIL", "Borrowing")
    get_settings.cache_clear()
    task = await new_task()
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    assert await pair(database, task) == ("partial_failure", "content_generation")
    before = await database.fetch("SELECT content_id, finished_at, status FROM contents")
    assert {row["status"] for row in before} == {"completed", "failed"}
    failed = sum(row["status"] == "failed" for row in before)
    assert await column(database, task, "failures") == failed
    assert await column(database, task, "step_ended") == len(before)

    settings_env.delenv("ROADMAP_SAMPLE_FAIL")
    get_settings.cache_clear()
    await _forget_author()
    await retry_task(task, actor=ALICE)
    assert await pair(database, task) == ("processing", "resuming")
    assert await run_task(task, worker="w") is Result.COMPLETED
    after = {
        row["content_id"]: row
        for row in await database.fetch("SELECT content_id, finished_at, status FROM contents")
    }
    assert len(after) == len(before)
    for row in before:
        redone = after[row["content_id"]]["finished_at"] != row["finished_at"]
        assert redone == (row["status"] == "failed")
    assert await column(database, task, "failures") == 0


async def test_failed_when_every_content_failed(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """When no content could be written the task is failed/content_generation and says why."""
    settings_env.setenv("ROADMAP_SAMPLE_FAIL", ".")
    get_settings.cache_clear()
    task = await new_task()
    assert await run_task(task, worker="w") is Result.FAILED
    assert await pair(database, task) == ("failed", "content_generation")
    code = await database.fetchval("SELECT error->>'code' FROM roadmap_tasks")
    assert code == "content_refused"


async def test_review_approved(database: asyncpg.Connection) -> None:
    """The review holds no lease; after approval a worker goes on to the end."""
    task = await new_task(review=True)
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    assert await pair(database, task) == ("human_review_pending", "human_review")
    assert await database.fetchval("SELECT lease_owner FROM roadmap_tasks") is None
    assert await run_task(task, worker="w") is Result.NOTHING_TO_DO
    await approve(task)
    assert await pair(database, task) == ("processing", "resuming")
    assert await run_task(task, worker="w") is Result.COMPLETED
    told = await events(database, task)
    assert told.count("review_required") == told.count("review_decided") == 1, "asked twice"


async def test_review_rejected(database: asyncpg.Connection) -> None:
    """A rejection with feedback is planned, edited, validated, and reviewed again."""
    task = await new_task(review=True)
    await run_task(task, worker="w")
    await decide_review(
        task, ReviewDecision(decision=Decision.REJECT, feedback="Remove Ownership"), actor=ALICE
    )
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    steps = [
        row["step"]
        for row in await database.fetch("SELECT step FROM checkpoints ORDER BY position")
    ]
    assert steps == [
        "intent_analysis",
        "curriculum_design",
        "structure_validation",
        "human_review",
        "edit_plan_analysis",
        "roadmap_edit",
        "structure_validation",
    ]
    assert await database.fetchval("SELECT version FROM reviews WHERE status = 'open'") == 2
    with pytest.raises(StaleVersionError):
        await approve(task, version=1)
    await approve(task, version=2)
    assert await run_task(task, worker="w") is Result.COMPLETED


async def test_second_decision(database: asyncpg.Connection) -> None:
    """A second decision is a conflict and changes nothing."""
    task = await new_task(review=True)
    await run_task(task, worker="w")
    await approve(task)
    with pytest.raises(ConflictError):
        await approve(task)
    assert (await events(database, task)).count("review_decided") == 1


async def test_reject_without_feedback() -> None:
    """Rejecting without feedback is refused with a sentence that says what is missing."""
    with pytest.raises(ValueError, match="feedback"):
        ReviewDecision(decision=Decision.REJECT)


async def test_edit_keeps_the_rest(database: asyncpg.Connection) -> None:
    """A reviewer's own edits make the next version; untouched concepts keep their ids."""
    task = await new_task(review=True)
    await run_task(task, worker="w")
    concepts = await database.fetch("SELECT * FROM concepts ORDER BY concept_id")
    first, second = concepts[0], concepts[1]
    module = first["module_id"]
    decision = ReviewDecision.model_validate(
        {
            "decision": "edit",
            "edits": [
                {"op": "rename", "concept_id": str(first["concept_id"]), "title": "Hello Rust"},
                {"op": "remove", "concept_id": str(second["concept_id"])},
                {"op": "add", "module_id": str(module), "title": "Unsafe Rust"},
            ],
        }
    )
    await decide_review(task, decision, actor=ALICE)
    assert await run_task(task, worker="w") is Result.COMPLETED
    rows = {row["concept_id"]: row for row in await database.fetch("SELECT * FROM concepts")}
    assert rows[first["concept_id"]]["title"] == "Hello Rust"
    assert rows[second["concept_id"]]["removed"]
    assert len(rows) == len(concepts) + 1
    written = await database.fetchval("SELECT count(*) FROM contents")
    assert written == 3 * len(concepts)
    assert await database.fetchval("SELECT total FROM roadmap_tasks") == written


async def test_edit_that_does_not_fit(database: asyncpg.Connection) -> None:
    """An edit of a concept that is not there is refused, and the review stays open."""
    task = await new_task(review=True)
    await run_task(task, worker="w")
    decision = ReviewDecision.model_validate(
        {"decision": "edit", "edits": [{"op": "remove", "concept_id": str(task)}]}
    )
    with pytest.raises(InvalidRequestError, match="Edit 1"):
        await decide_review(task, decision, actor=ALICE)
    assert await pair(database, task) == ("human_review_pending", "human_review")


async def test_cancelled_review_is_retried_with_edits_kept(database: asyncpg.Connection) -> None:
    """A task cancelled after an edit goes on with the edited structure when it is retried."""
    task = await new_task(review=True)
    await run_task(task, worker="w")
    concept = await database.fetchval("SELECT concept_id FROM concepts LIMIT 1")
    await decide_review(
        task,
        ReviewDecision.model_validate(
            {
                "decision": "edit",
                "edits": [{"op": "rename", "concept_id": str(concept), "title": "My own"}],
            }
        ),
        actor=ALICE,
    )
    await cancel_task(task, actor=ALICE)
    assert await pair(database, task) == ("cancelled", "resuming")
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert "My own" in [row["title"] for row in await database.fetch("SELECT title FROM concepts")]


async def test_cancel_while_reviewed(database: asyncpg.Connection) -> None:
    """Cancelling during the review closes it; a retry opens a new one."""
    task = await new_task(review=True)
    await run_task(task, worker="w")
    await cancel_task(task, actor=ALICE)
    assert await pair(database, task) == ("cancelled", "human_review")
    with pytest.raises(ConflictError):
        await approve(task)
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    assert await database.fetchval("SELECT round FROM reviews WHERE status = 'open'") == 2


async def _forget_author() -> None:
    from workflow.asking import close_author

    await close_author()
