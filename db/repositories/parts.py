"""Reads of the parts that a task's steps make."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select, true
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased, defer

from db.models import Part, RoadmapTask

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession


_ORDER: Final = ("step", "position", "key", "kind")
_IN_ORDER: Final = [getattr(Part, name) for name in _ORDER]


async def newest_parts(
    session: AsyncSession,
    task_id: UUID,
    *,
    step: str | None = None,
    hidden: bool = False,
    bodies: bool = False,
) -> Sequence[Part]:
    """Return the newest version of each part, those of a step in the order of its list.

    Their bodies stay in the database unless they are wanted: what they were made from is enough to
    plan work.

    Args:
        session: Where to read.
        task_id: Of this task.
        step: Of this step alone; of all when None.
        hidden: The hidden ones, too.
        bodies: With what they hold.
    """
    statement = (
        select(Part)
        .where(Part.task_id == task_id)
        .ext(distinct_on(Part.step, Part.key, Part.kind))
        .order_by(Part.step, Part.key, Part.kind, Part.version.desc())
    )
    if not bodies:
        statement = statement.options(defer(Part.body, raiseload=True))
    if not hidden:
        statement = statement.where(Part.hidden.is_(False))
    if step is not None:
        statement = statement.where(Part.step == step)
    found = (await session.scalars(statement)).all()
    return sorted(found, key=attrgetter(*_ORDER))


async def failed_parts(
    session: AsyncSession, task_ids: Sequence[UUID], *, each: int | None = None
) -> Sequence[Part]:
    """Return the parts that failed.

    The one definition for API, command line and worker: the newest version failed, and the part is
    not hidden. It costs as much as there are failures, or as are asked for, however many parts
    there are.

    Args:
        session: Where to read.
        task_ids: Of these tasks.
        each: How many of each task at most.
    """
    version = aliased(Part)
    # by itself for each that failed: joined, all versions would be gone through for each of them
    newest = (
        select(func.max(version.version))
        .where(
            version.task_id == Part.task_id,
            version.step == Part.step,
            version.key == Part.key,
            version.kind == Part.kind,
        )
        .scalar_subquery()
    )
    failed = (
        select(Part.content_id)
        .where(
            Part.task_id == RoadmapTask.task_id,
            Part.error.is_not(None),
            Part.hidden.is_(False),
            Part.version == newest,
        )
        .order_by(*_IN_ORDER)
        .limit(each)
        .correlate(RoadmapTask)
        .lateral("failed_here")
    )
    statement = (
        select(Part)
        .select_from(RoadmapTask)
        .join(failed, true())
        .join(Part, Part.content_id == failed.c.content_id)
        .where(RoadmapTask.task_id.in_(task_ids))
        .order_by(Part.task_id, *_IN_ORDER)
        .options(defer(Part.body, raiseload=True))
    )
    return (await session.scalars(statement)).all()
