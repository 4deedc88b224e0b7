"""How far one is with learning: concepts marked, quizzes answered. Always one's own."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body

from api.auth import CurrentActor
from api.http import ConceptId, RoadmapId
from api.problems import documented
from roadmaps import learning, queries
from roadmaps.marks import Mark
from roadmaps.queries import ConceptProgressView, LearnerProgressView
from roadmaps.requests import MarkRequest, QuizAnswers

router = APIRouter(prefix="/roadmaps/{roadmap_id}", tags=["learning"])

_EXAMPLES: Final[dict[str, Any]] = {
    "three": {
        "summary": "Three questions, the last one left out",
        "value": {"version": 1, "answers": [[0], [1, 2], []]},
    },
}

_MARKS: Final[dict[str, Any]] = {
    "learning": {"summary": "In hand", "value": {"mark": "learning"}},
    "skipped": {"summary": "Left out on purpose", "value": {"mark": "skipped"}},
}


@router.get(
    "/progress",
    operation_id="getProgress",
    summary="What one has learnt of a roadmap",
    responses=documented(404),
)
async def get_progress(roadmap_id: RoadmapId, actor: CurrentActor) -> LearnerProgressView:
    """Return the concepts that one has marked or whose quiz one has answered."""
    return await queries.learner_progress(roadmap_id, actor=actor)


@router.put(
    "/concepts/{concept_id}/mark",
    operation_id="markConcept",
    summary="Mark a concept as being learnt, done or skipped",
    responses=documented(404),
)
async def mark(
    roadmap_id: RoadmapId,
    concept_id: ConceptId,
    wanted: Annotated[MarkRequest, Body(openapi_examples=_MARKS)],
    actor: CurrentActor,
) -> ConceptProgressView:
    """Mark it, in the place of the mark before, or with null take the mark away."""
    return await learning.mark(roadmap_id, concept_id, wanted.mark, actor=actor)


@router.put(
    "/concepts/{concept_id}/done",
    operation_id="markDone",
    summary="Mark a concept as done",
    responses=documented(404),
)
async def mark_done(
    roadmap_id: RoadmapId, concept_id: ConceptId, actor: CurrentActor
) -> ConceptProgressView:
    """Mark it; again is fine, and the time of the first marking stays."""
    return await learning.mark(roadmap_id, concept_id, Mark.DONE, actor=actor)


@router.delete(
    "/concepts/{concept_id}/done",
    operation_id="markNotDone",
    summary="Mark a concept as not done",
    responses=documented(404),
)
async def mark_not_done(
    roadmap_id: RoadmapId, concept_id: ConceptId, actor: CurrentActor
) -> ConceptProgressView:
    """Take this mark away and no other; again is fine. The quiz's score stays."""
    return await learning.mark_not_done(roadmap_id, concept_id, actor=actor)


@router.put(
    "/concepts/{concept_id}/quiz-answers",
    operation_id="answerQuiz",
    summary="Answer a concept's quiz",
    responses=documented(404, 409, 412),
)
async def answer_quiz(
    roadmap_id: RoadmapId,
    concept_id: ConceptId,
    answers: Annotated[QuizAnswers, Body(openapi_examples=_EXAMPLES)],
    actor: CurrentActor,
) -> ConceptProgressView:
    """Have the answers marked; the newest score is kept."""
    return await learning.answer_quiz(roadmap_id, concept_id, answers, actor=actor)
