"""What a task's finished steps gave, as it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from core.states import Step
from db.models import Checkpoint
from db.session import read_session
from watching.queries.visible import visible_task

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from core.actor import Actor


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredResult:
    """What a step gave the last time it ran."""

    step: str
    round: int
    finished_at: datetime
    output: dict[str, Any]


async def stored_results(task_id: UUID, *, actor: Actor) -> tuple[str, Sequence[StoredResult]]:
    """Return a task's workflow, and what each step gave the last time, in the order of their ends.

    Raises:
        NotFoundError: There is no such task, or it belongs to somebody else.
    """
    statement = (
        select(Checkpoint)
        .where(Checkpoint.task_id == task_id, Checkpoint.step != Step.HUMAN_REVIEW)
        .order_by(Checkpoint.position)
    )
    async with read_session() as session:
        row = await visible_task(session, task_id, actor)
        newest: dict[str, StoredResult] = {}
        for found in await session.scalars(statement):
            before = newest.pop(found.step, None)
            newest[found.step] = StoredResult(
                step=found.step,
                round=1 if before is None else before.round + 1,
                finished_at=found.created_at,
                output=found.output,
            )
    return row.workflow, tuple(newest.values())
