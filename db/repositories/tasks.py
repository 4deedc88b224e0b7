"""Reads of what a workflow goes on from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import ARRAY, bindparam, func, select
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from db.models import Checkpoint, RoadmapTask

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession


async def get_task(session: AsyncSession, task_id: UUID) -> RoadmapTask | None:
    """Return a task's row."""
    return await session.get(RoadmapTask, task_id)


async def statuses_of(session: AsyncSession, task_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the statuses of those of these tasks that have a row."""
    wanted = bindparam("task_ids", list(task_ids), type_=ARRAY(PG_UUID(as_uuid=True)))
    statement = select(RoadmapTask.task_id, RoadmapTask.status).where(
        RoadmapTask.task_id == func.any(wanted)
    )
    return {row.task_id: row.status for row in await session.execute(statement)}


async def checkpoints(session: AsyncSession, task_id: UUID) -> Sequence[Checkpoint]:
    """Return a task's checkpoints in the order in which the steps ended."""
    statement = (
        select(Checkpoint).where(Checkpoint.task_id == task_id).order_by(Checkpoint.position)
    )
    return (await session.scalars(statement)).all()
