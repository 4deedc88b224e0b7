"""Reads of what a workflow goes on from: checkpoints, outlines, contents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased, defer

from core.states import ContentStatus
from db.models import Checkpoint, Concept, Content, Outline, Roadmap, RoadmapTask

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession


async def get_task(session: AsyncSession, task_id: UUID) -> RoadmapTask | None:
    """Return a task's row."""
    return await session.get(RoadmapTask, task_id)


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
    session: AsyncSession, roadmap_ids: Sequence[UUID]
) -> list[tuple[Content, str]]:
    """Return the contents that failed, with their concepts' titles.

    The one definition for API, command line and worker: the newest version failed, and its concept
    was not removed.
    """
    newest = aliased(Content, _newest(roadmap_ids).subquery())
    statement = (
        select(newest, Concept.title)
        .join(Concept, Concept.concept_id == newest.concept_id)
        .where(newest.status == ContentStatus.FAILED)
        .order_by(newest.concept_id, newest.kind)
    )
    return [(content, title) for content, title in await session.execute(statement)]
