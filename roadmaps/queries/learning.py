"""How far a user is with learning a roadmap. Always one's own, also for admins."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from sqlalchemy import or_, select, text

from db.models import Concept, LearnerProgress
from db.session import read_session
from roadmaps.marks import Mark
from roadmaps.queries.roadmaps import visible_roadmap
from roadmaps.queries.shapes import (
    ConceptProgressView,
    LearnerProgressView,
    LearningList,
    LearningView,
    NextConceptView,
    QuizScoreView,
)

if TYPE_CHECKING:
    from uuid import UUID

    from core.actor import Actor

_BEGUN: Final = text(
    """
    WITH begun AS (
        SELECT roadmap_id, max(greatest(done_at, quiz_at, learner_progress.created_at)) AS at
        FROM learner_progress JOIN roadmaps USING (roadmap_id)
        WHERE learner_progress.user_id = :user_id AND (:admin OR roadmaps.user_id = :user_id)
            AND num_nonnulls(done_at, mark, quiz_at) > 0
        GROUP BY roadmap_id
    ), rows AS (
        SELECT concepts.roadmap_id, concepts.concept_id, concepts.title,
            done_at IS NOT NULL AS done, done_at IS NULL AND mark = 'skipped' AS skipped,
            row_number() OVER (
                PARTITION BY concepts.roadmap_id
                ORDER BY done_at IS NOT NULL OR coalesce(mark, '') = 'skipped',
                    coalesce(mark, '') <> 'learning',
                    stages.position, modules.position, concepts.position
            ) AS place
        FROM begun JOIN concepts USING (roadmap_id)
        JOIN modules USING (module_id) JOIN stages USING (stage_id)
        LEFT JOIN learner_progress AS mine
            ON mine.concept_id = concepts.concept_id AND mine.user_id = :user_id
        WHERE NOT removed
    ), counted AS (
        SELECT roadmap_id, count(*) AS total, count(*) FILTER (WHERE done) AS done,
            count(*) FILTER (WHERE skipped) AS skipped
        FROM rows GROUP BY roadmap_id
    )
    SELECT roadmap_id, roadmaps.title, language, counted.done, counted.skipped, total,
        concept_id, rows.title AS concept
    FROM begun JOIN counted USING (roadmap_id) JOIN roadmaps USING (roadmap_id)
    JOIN rows USING (roadmap_id)
    WHERE place = 1 AND counted.done + counted.skipped < total
    ORDER BY begun.at DESC, roadmap_id LIMIT :most
    """
)


async def begun_roadmaps(*, actor: Actor, most: int) -> LearningList:
    """Return the roadmaps that the actor has begun to learn and not finished, newest first."""
    values = {"user_id": actor.user_id, "admin": actor.admin, "most": most}
    async with read_session() as session:
        rows = (await session.execute(_BEGUN, values)).all()
    return LearningList(
        roadmaps=[
            LearningView(
                roadmap_id=row.roadmap_id,
                title=row.title,
                language=row.language,
                done=row.done,
                skipped=row.skipped,
                total=row.total,
                next=NextConceptView(concept_id=row.concept_id, title=row.concept),
            )
            for row in rows
        ]
    )


async def learner_progress(roadmap_id: UUID, *, actor: Actor) -> LearnerProgressView:
    """Return what the actor has done of a roadmap, in no order.

    Raises:
        NotFoundError: There is no such roadmap for this actor.
    """
    shown = select(Concept.concept_id).where(
        Concept.roadmap_id == roadmap_id, Concept.removed.is_(False)
    )
    own = select(LearnerProgress).where(
        LearnerProgress.roadmap_id == roadmap_id,
        LearnerProgress.user_id == actor.user_id,
        or_(
            LearnerProgress.done_at.is_not(None),
            LearnerProgress.mark.is_not(None),
            LearnerProgress.quiz_at.is_not(None),
        ),
    )
    async with read_session() as session:
        await visible_roadmap(session, roadmap_id, actor)
        # put together here: a planner that takes a new roadmap for a small one does it row by row
        known = set(await session.scalars(shown))
        rows = await session.scalars(own)
        concepts = [concept_progress(row) for row in rows if row.concept_id in known]
    marks = Counter(concept.mark for concept in concepts)
    return LearnerProgressView(
        roadmap_id=roadmap_id,
        done=marks[Mark.DONE],
        learning=marks[Mark.LEARNING],
        skipped=marks[Mark.SKIPPED],
        total=len(known),
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
