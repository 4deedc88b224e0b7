"""The open review of a task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from core.errors import NotFoundError
from core.states import ReviewStatus
from db.models import Outline, Review, Roadmap, RoadmapTask, TaskEvent
from db.session import read_session
from notifications.events import EventType
from roadmaps.diff import diff
from roadmaps.queries.shapes import ReviewView, RoadmapView
from roadmaps.queries.tree import tree
from roadmaps.steps.names import RoadmapStep

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from core.actor import Actor


async def open_review(task_id: UUID, *, actor: Actor, since: int | None = None) -> ReviewView:
    """Return what the review that waits for a decision is about: the tree and what changed in it.

    Args:
        task_id: Whose review.
        actor: Who asks.
        since: The round to compare with; by default the one before.

    Raises:
        NotFoundError: The task has no open review, or it belongs to somebody else.
    """
    statement = (
        select(Review, Roadmap, RoadmapTask.user_id)
        .join(RoadmapTask, RoadmapTask.task_id == Review.task_id)
        .join(Roadmap, Roadmap.task_id == Review.task_id)
        .where(Review.task_id == task_id, Review.status == ReviewStatus.OPEN)
    )
    async with read_session() as session:
        row = (await session.execute(statement)).one_or_none()
        if row is None or not actor.may_see(row.user_id):
            raise NotFoundError(f"Task {task_id} has no open review.")
        roadmap: Roadmap = row.Roadmap
        return ReviewView(
            roadmap=RoadmapView.model_validate_json(await tree(session, roadmap)),
            diff=await _changes(session, roadmap.roadmap_id, row.Review, since),
            issues=await _issues(session, task_id),
        )


async def _changes(
    session: AsyncSession, roadmap_id: UUID, review: Review, since: int | None
) -> list[dict[str, Any]] | None:
    """Return what changed since the version that the previous round, or another, was about."""
    earlier = select(Review.version).where(
        Review.task_id == review.task_id, Review.round < review.round
    )
    if since is not None:
        earlier = earlier.where(Review.round <= since)
    previous = await session.scalar(earlier.order_by(Review.round.desc()).limit(1))
    if previous is None:
        return None
    rows = await session.execute(
        select(Outline.version, Outline.outline).where(
            Outline.roadmap_id == roadmap_id, Outline.version.in_([previous, review.version])
        )
    )
    outlines = {version: outline for version, outline in rows}  # noqa: C416 - rows are no pairs
    if previous not in outlines or review.version not in outlines:
        return None
    try:
        return diff(outlines[previous], outlines[review.version])
    except (AttributeError, KeyError, TypeError):  # the audit tells of it; the tree can be decided
        return None


async def _issues(session: AsyncSession, task_id: UUID) -> list[str]:
    """Return what the newest validation found, from the event that told it."""
    payload = await session.scalar(
        select(TaskEvent.payload)
        .where(
            TaskEvent.task_id == task_id,
            TaskEvent.type == str(EventType.STEP_COMPLETED),
            TaskEvent.payload["data"]["step"].astext == str(RoadmapStep.STRUCTURE_VALIDATION),
        )
        .order_by(TaskEvent.seq.desc())
        .limit(1)
    )
    return [] if payload is None else list(payload["data"].get("issues", ()))
