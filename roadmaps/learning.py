"""What learners do with a roadmap: mark concepts, answer quizzes. Each for themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from core.errors import ConflictError, InvalidRequestError, StaleVersionError
from core.states import ContentStatus
from db.models import LearnerProgress, Part
from db.session import transaction
from roadmaps.kinds import quiz
from roadmaps.marks import Mark
from roadmaps.queries.learning import concept_progress
from roadmaps.queries.roadmaps import visible_concept

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from core.actor import Actor
    from roadmaps.queries.shapes import ConceptProgressView
    from roadmaps.requests import QuizAnswers

_DONE_AT: Final = func.coalesce(LearnerProgress.done_at, func.now())
"""Now, unless it was done before."""


async def mark(
    roadmap_id: UUID, concept_id: UUID, wanted: Mark | None, *, actor: Actor
) -> ConceptProgressView:
    """Mark a concept, or take its mark away; again is fine, and the first time of "done" stays.

    Raises:
        NotFoundError: There is no such concept for this actor.
    """
    other = None if wanted in {None, Mark.DONE} else str(wanted)
    first, again = (func.now(), _DONE_AT) if wanted is Mark.DONE else (None, None)
    values = {"done_at": first, "mark": other}
    return await _mark(
        roadmap_id, concept_id, actor, values=values, changes={**values, "done_at": again}
    )


async def mark_not_done(roadmap_id: UUID, concept_id: UUID, *, actor: Actor) -> ConceptProgressView:
    """Take the mark "done" away, and no other; again is fine.

    Raises:
        NotFoundError: There is no such concept for this actor.
    """
    none = {"done_at": None}
    return await _mark(roadmap_id, concept_id, actor, values=none, changes=none)


async def answer_quiz(
    roadmap_id: UUID, concept_id: UUID, answers: QuizAnswers, *, actor: Actor
) -> ConceptProgressView:
    """Mark a learner's answers against the quiz and keep the newest score.

    Raises:
        NotFoundError: There is no such concept for this actor.
        ConflictError: The concept has no quiz yet.
        StaleVersionError: The quiz was written anew meanwhile.
        InvalidRequestError: The answers do not fit the questions.
    """
    async with transaction() as tx:
        await visible_concept(tx.session, roadmap_id, concept_id, actor)
        quiz = await _newest_quiz(tx.session, concept_id)
        if quiz is None or quiz.body is None:
            raise ConflictError("This concept has no quiz yet.")
        if quiz.version != answers.version:
            raise StaleVersionError(
                f"Version {answers.version} of the quiz was replaced by {quiz.version}."
                " Read the concept again and answer anew."
            )
        questions = quiz.body["questions"]
        score = {
            "quiz_version": quiz.version,
            "quiz_answers": [sorted(set(chosen)) for chosen in answers.answers],
            "quiz_correct": _correct(questions, answers.answers),
            "quiz_total": len(questions),
            "quiz_at": func.now(),
        }
        row = await _write(tx.session, actor, roadmap_id, concept_id, values=score, changes=score)
        return concept_progress(row)


async def _mark(
    roadmap_id: UUID,
    concept_id: UUID,
    actor: Actor,
    *,
    values: dict[str, Any],
    changes: dict[str, Any],
) -> ConceptProgressView:
    async with transaction() as tx:
        await visible_concept(tx.session, roadmap_id, concept_id, actor)
        row = await _write(
            tx.session, actor, roadmap_id, concept_id, values=values, changes=changes
        )
        return concept_progress(row)


async def _newest_quiz(session: AsyncSession, concept_id: UUID) -> Part | None:
    statement = (
        select(Part)
        .where(
            Part.concept_id == concept_id,
            Part.kind == quiz.KIND.name,
            Part.status == str(ContentStatus.COMPLETED),
        )
        .order_by(Part.version.desc())
        .limit(1)
    )
    return (await session.scalars(statement)).one_or_none()


def _correct(questions: Sequence[dict[str, Any]], answers: Sequence[Sequence[int]]) -> int:
    """Return how many questions were answered with exactly the right options."""
    if len(questions) != len(answers):
        raise InvalidRequestError(
            f"The quiz has {len(questions)} questions; {len(answers)} answers were given."
        )
    for number, (question, chosen) in enumerate(zip(questions, answers, strict=True), 1):
        if any(position >= len(question["options"]) for position in chosen):
            raise InvalidRequestError(f"Question {number} has no such option.")
    return sum(
        set(question["correct"]) == set(chosen)
        for question, chosen in zip(questions, answers, strict=True)
    )


async def _write(
    session: AsyncSession,
    actor: Actor,
    roadmap_id: UUID,
    concept_id: UUID,
    *,
    values: dict[str, Any],
    changes: dict[str, Any],
) -> LearnerProgress:
    """Insert the actor's row for a concept, or change it."""
    statement = (
        insert(LearnerProgress)
        .values(user_id=actor.user_id, concept_id=concept_id, roadmap_id=roadmap_id, **values)
        .on_conflict_do_update(index_elements=["user_id", "concept_id"], set_=changes)
        .returning(LearnerProgress)
    )
    return (await session.scalars(statement)).one()
