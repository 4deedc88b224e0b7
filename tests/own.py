"""What tests of authors' workflows share: asking for a task, and looking at what it made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from core import stages
from workflow import registry
from workflow.authoring import definition
from workflow.service import create_task

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg
    import pytest

    from workflow import Workflow


async def asked(workflow: Workflow[Any], **request: Any) -> UUID:
    """Ask for a task of an author's workflow, for alice."""
    registry.register(definition(workflow))
    return await create_task(
        workflow.request.model_validate(request), user_id="alice", workflow=workflow.name
    )


def unknown(monkeypatch: pytest.MonkeyPatch, workflow: str) -> None:
    """Let a workflow be one that this process does not know, until the test ends."""
    monkeypatch.delitem(registry._known, workflow)
    monkeypatch.delitem(stages._known, workflow)


async def outputs(database: asyncpg.Connection, task: UUID) -> list[tuple[str, Any]]:
    """Return what each finished step gave, in order."""
    rows = await database.fetch(
        "SELECT step, output FROM checkpoints WHERE task_id = $1 ORDER BY position", task
    )
    return [(row["step"], json.loads(row["output"])) for row in rows]


async def failed_parts(database: asyncpg.Connection, task: UUID) -> dict[str, str]:
    """Return the code of each part whose newest version failed, by its key."""
    rows = await database.fetch(
        "SELECT key, error->>'code' AS code FROM parts WHERE task_id = $1 AND status = 'failed'"
        " ORDER BY version",
        task,
    )
    return {row["key"]: row["code"] for row in rows}


async def error_of(database: asyncpg.Connection, task: UUID) -> dict[str, Any]:
    """Return why a task failed."""
    stored = await database.fetchval("SELECT error FROM roadmap_tasks WHERE task_id = $1", task)
    error: dict[str, Any] = json.loads(stored or "{}")
    return error
