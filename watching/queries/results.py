"""What a task's finished steps gave, as it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from core.states import Status, Step
from db.models import Checkpoint, Part
from db.repositories.parts import newest_parts
from db.session import read_session
from watching.queries.visible import visible_task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from core.actor import Actor

MOST_AT_ONCE: Final = 5_000_000
"""Bytes that the parts of a step may take in the database to be shown as one result."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredResult:
    """What a step gave the last time it ran."""

    step: str
    round: int
    finished_at: datetime
    output: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredResults:
    """What a task has made so far.

    Attributes:
        workflow: Its workflow.
        steps: What each step gave the last time, in the order of their ends.
        finished_at: When the task ended with all or some of its parts; else None.
        parts: The newest version of each part of the steps that were asked for.
        too_large: Those of these steps whose parts hold too much to be read at once.
    """

    workflow: str
    steps: Sequence[StoredResult]
    finished_at: datetime | None
    parts: Sequence[Part]
    too_large: frozenset[str]


async def stored_results(
    task_id: UUID, *, actor: Actor, of_parts: Callable[[str], Sequence[str]]
) -> StoredResults:
    """Return what a task's steps gave.

    Args:
        task_id: The task.
        actor: Who asks.
        of_parts: Given the workflow, returns the steps whose parts are wanted.

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
        wanted = of_parts(row.workflow)
        ended = row.status in {Status.COMPLETED, Status.PARTIAL_FAILURE}
        parts: list[Part] = []
        too_large = await _too_large(session, task_id) & set(wanted) if wanted else set()
        for step in wanted:
            if step in newest or ended:
                bodies = step not in too_large
                parts += await newest_parts(session, task_id, step=step, bodies=bodies)
    return StoredResults(
        workflow=row.workflow,
        steps=tuple(newest.values()),
        finished_at=row.finished_at if ended else None,
        parts=parts,
        too_large=frozenset(too_large),
    )


async def _too_large(session: AsyncSession, task_id: UUID) -> set[str]:
    """Return the steps whose parts hold more than a step's result may."""
    size = func.sum(func.pg_column_size(Part.body))
    statement = (
        select(Part.step)
        .where(Part.task_id == task_id, Part.hidden.is_(False))
        .group_by(Part.step)
        .having(size > MOST_AT_ONCE)
    )
    return set(await session.scalars(statement))
