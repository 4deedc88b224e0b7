"""How far a user is with learning a roadmap. Always one's own, also for admins."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from db.models import Concept, LearnerProgress
from db.session import read_session
from roadmaps.marks import Mark
from roadmaps.queries.roadmaps import visible_roadmap
from roadmaps.queries.shapes import ConceptProgressView, LearnerProgressView, QuizScoreView

if TYPE_CHECKING:
    from uuid import UUID

    from core.actor import Actor


async def learner_progress(roadmap_id: UUID, *, actor: Actor) -> LearnerProgressView:
    """Return what the actor has done of a roadmap, in no order.

    Raises:
        NotFoundError: There is no such roadmap for this actor.
    """
    own = (LearnerProgress.roadmap_id == roadmap_id) & (LearnerProgress.user_id == actor.user_id)
    visible = (Concept.roadmap_id == roadmap_id) & Concept.removed.is_(False)
    async with read_session() as session:
        await visible_roadmap(session, roadmap_id, actor)
        total = await session.scalar(select(func.count()).select_from(Concept).where(visible))
        rows = await session.scalars(
            select(LearnerProgress)
            .join(Concept, Concept.concept_id == LearnerProgress.concept_id)
            .where(own, visible)
            .where(
                or_(
                    LearnerProgress.done_at.is_not(None),
                    LearnerProgress.mark.is_not(None),
                    LearnerProgress.quiz_at.is_not(None),
                )
            )
        )
        concepts = [concept_progress(row) for row in rows]
    marks = Counter(concept.mark for concept in concepts)
    return LearnerProgressView(
        roadmap_id=roadmap_id,
        done=marks[Mark.DONE],
        learning=marks[Mark.LEARNING],
        skipped=marks[Mark.SKIPPED],
        total=total or 0,
        concepts=concepts,
    )


def concept_progress(row: LearnerProgress) -> ConceptProgressView:
    """Return a row as it is shown."""
    return ConceptProgressView(
        concept_id=row.concept_id,
        mark=Mark.DONE if row.done_at else row.mark and Mark(row.mark),
        done_at=row.done_at,
        quiz=None
        if row.quiz_at is None
        else QuizScoreView.model_validate(
            {
                "version": row.quiz_version,
                "correct": row.quiz_correct,
                "total": row.quiz_total,
                "answers": row.quiz_answers,
                "at": row.quiz_at,
            }
        ),
    )
