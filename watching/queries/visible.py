"""Checks whose task it is when it is read: somebody else's is reported as not found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import NotFoundError
from db.models import RoadmapTask

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from core.actor import Actor


async def visible_task(session: AsyncSession, task_id: UUID, actor: Actor) -> RoadmapTask:
    """Return a task's row.

    Raises:
        NotFoundError: There is none, or it belongs to somebody else.
    """
    row = await session.get(RoadmapTask, task_id)
    if row is None or not actor.may_see(row.user_id):
        raise NotFoundError(f"There is no task {task_id}.")
    return row
