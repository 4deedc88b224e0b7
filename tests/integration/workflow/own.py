"""Asks for tasks of authors' workflows, decides their reviews, and looks at what they gave."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.states import Decision
from tests.factories import ALICE
from workflow import registry
from workflow.authoring import definition
from workflow.service import create_task, decide_review

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

    from roadmap_worker import Workflow


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
