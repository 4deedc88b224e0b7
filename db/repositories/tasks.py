"""Reads of what a workflow goes on from: checkpoints, outlines, contents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    bindparam,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased, defer

from core.states import ContentStatus
from db.models import Checkpoint, Concept, Content, Outline, Roadmap, RoadmapTask

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

_FAILED: Final[ColumnElement[str]] = literal_column(f"'{ContentStatus.FAILED}'")
"""Written out: an index of the failed ones alone serves no statement that is told later."""


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


async def roadmap_of(session: AsyncSession, task_id: UUID) -> Roadmap | None:
    """Return the task's roadmap, if it was designed already."""
    return (await session.scalars(select(Roadmap).where(Roadmap.task_id == task_id))).one_or_none()


async def outline(session: AsyncSession, roadmap_id: UUID, version: int) -> dict[str, Any] | None:
    """Return one version's structure as it was stored."""
    row = await session.get(Outline, (roadmap_id, version))
    return None if row is None else row.outline


def _newest(roadmap_ids: Sequence[UUID]) -> Select[Content]:
    return (
        select(Content)
        .join(Concept, Concept.concept_id == Content.concept_id)
        .where(Content.roadmap_id.in_(roadmap_ids), Concept.removed.is_(False))
        .ext(distinct_on(Content.concept_id, Content.kind))
        .order_by(Content.concept_id, Content.kind, Content.version.desc())
    )


async def newest_contents(session: AsyncSession, roadmap_id: UUID) -> Sequence[Content]:
    """Return the newest version of each content of concepts that were not removed.

    Their bodies stay in the database: what they were made from is enough to plan work.
    """
    statement = _newest([roadmap_id]).options(defer(Content.body, raiseload=True))
    return (await session.scalars(statement)).all()


async def failed_contents(
    session: AsyncSession, roadmap_ids: Sequence[UUID], *, each: int | None = None
) -> list[tuple[Content, str]]:
    """Return the contents that failed, with their concepts' titles.

    The one definition for API, command line and worker: the newest version failed, and its concept
    was not removed. It costs as much as there are failures, or as are asked for, however many
    contents there are.

    Args:
        session: Where to read.
        roadmap_ids: Of these.
        each: How many of each roadmap at most.
    """
    newer = aliased(Content)
    superseded = select(newer.content_id).where(
        newer.concept_id == Content.concept_id,
        newer.kind == Content.kind,
        newer.version > Content.version,
    )
    failed = (
        select(Content.content_id, Concept.title)
        .join(Concept, Concept.concept_id == Content.concept_id)
        .where(
            Content.roadmap_id == Roadmap.roadmap_id,
            Content.status == _FAILED,
            Concept.removed.is_(False),
            ~superseded.exists(),
        )
        .order_by(Content.concept_id, Content.kind)
        .limit(each)
        .correlate(Roadmap)
        .lateral("failed_here")
    )
    statement = (
        select(Content, failed.c.title)
        .select_from(Roadmap)
        .join(failed, true())
        .join(Content, Content.content_id == failed.c.content_id)
        .where(Roadmap.roadmap_id.in_(roadmap_ids))
        .order_by(Content.concept_id, Content.kind)
        .options(defer(Content.body, raiseload=True))
    )
    return [(content, title) for content, title in await session.execute(statement)]
