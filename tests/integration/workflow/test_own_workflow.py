"""An author's workflow, run by the engine: typed results, reviews, parts, versions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from core.errors import InvalidRequestError
from core.states import Decision
from tests import book
from tests.factories import ALICE, events, pair
from workflow import registry
from workflow.authoring import definition
from workflow.ending import Result
from workflow.runs import run_task
from workflow.service import create_task, decide_review, retry_task

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

    from workflow import Workflow


@dataclass(frozen=True)
class Answered:
    """A human's answer."""

    decision: Decision
    feedback: str | None = None
    edits: Any = None
    then: Any = None
    looks_again: bool = False

    @property
    def replaces(self) -> bool:
        """An edit brings a whole value."""
        return self.decision is Decision.EDIT


async def asked(workflow: Workflow[Any], **request: Any) -> UUID:
    """Ask for a task of an author's workflow."""
    registry.register(definition(workflow))
    return await create_task(
        workflow.request.model_validate(request), user_id="alice", workflow=workflow.name
    )


async def decide(task: UUID, decision: str, **more: Any) -> None:
    """Decide the open review."""
    await decide_review(task, Answered(Decision(decision), **more), actor=ALICE)


async def outputs(database: asyncpg.Connection, task: UUID) -> list[tuple[str, Any]]:
    """Return what each finished step gave, in order."""
    rows = await database.fetch(
        "SELECT step, output FROM checkpoints WHERE task_id = $1 ORDER BY position", task
    )
    return [(row["step"], json.loads(row["output"])) for row in rows]


async def test_a_book(database: asyncpg.Connection) -> None:
    """A rejection runs the step again with its feedback, an edit replaces it, parts fail alone."""
    task = await asked(book.book, topic="Wind", fails=["sails"])
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    await decide(task, "reject", feedback="Sails")
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    history = await outputs(database, task)
    assert [step for step, _ in history] == ["outline", "human_review", "outline"]
    value = history[-1][1]["value"]
    assert [each["title"] for each in value["chapters"]] == ["Chapter 1", "Chapter 2", "Sails"]
    with pytest.raises(InvalidRequestError, match=r"value\.chapters\.0\.title"):
        await decide(task, "edit", edits={"title": "Wind", "chapters": [{"slug": "a"}]})
    value["chapters"][0]["title"] = "Gusts"
    await decide(task, "edit", edits=value)
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    assert await pair(database, task) == ("partial_failure", "chapter")
    first = dict(await outputs(database, task))["index"]["value"]
    assert first["missing"] == ["sails"]
    assert first["entries"] == {"chapter-1": "# Gusts of Wind", "chapter-2": "# Chapter 2 of Wind"}
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.COMPLETED
    last = dict(await outputs(database, task))["index"]["value"]
    assert (sorted(last["entries"]), last["missing"]) == (["chapter-1", "chapter-2", "sails"], [])
    parts = await database.fetch("SELECT * FROM parts WHERE task_id = $1 ORDER BY key", task)
    assert [(p["step"], p["key"], p["kind"], p["title"], p["version"]) for p in parts] == [
        ("chapter", "chapter-1", "chapter", "Gusts", 1),
        ("chapter", "chapter-2", "chapter", "Chapter 2", 1),
        ("chapter", "sails", "chapter", "Sails", 1),
    ]
    told = await events(database, task)
    assert told.count("content_failed") == 1
    assert told.count("content_completed") == 3
    assert await database.fetchval("SELECT title FROM roadmap_tasks WHERE task_id = $1", task) == (
        "A book about Wind"
    )
