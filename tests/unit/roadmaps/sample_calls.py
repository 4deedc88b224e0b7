"""Asks the sample author as the workflow does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from core.settings import Settings
from llm import Call, create_author
from llm.output import Output
from roadmaps.inputs import CallKind, ContentInputs, DesignInputs, Inputs, IntentInputs, Learner
from roadmaps.outputs import ConceptDraft, CurriculumDraft, IntentAnalysis
from tests.prompts import prompt_of

if TYPE_CHECKING:
    from roadmaps.kinds.quiz import QuizDraft

T = TypeVar("T", bound=Output)


def ask(kind: str, inputs: Inputs, output: type[T], **settings: object) -> T:
    """Return what the sample author answers."""
    author = create_author(Settings.model_validate({"sample_latency_s": 0, **settings}))
    call = Call(prompt=prompt_of(kind, inputs), output=output)
    return asyncio.run(author.complete(call)).value


def intent_for(learner: Learner) -> IntentAnalysis:
    """Return the intent of a learner."""
    return ask(CallKind.INTENT_ANALYSIS, IntentInputs(learner=learner), IntentAnalysis)


def design_for(learner: Learner) -> CurriculumDraft:
    """Return a learner's roadmap by way of the intent, as the workflow does it."""
    found = intent_for(learner)
    inputs = DesignInputs(
        learner=learner,
        topic=found.topic,
        summary=found.summary,
        language=found.language,
        focus_areas=tuple(found.focus_areas),
        skill_gaps=tuple(found.skill_gaps),
    )
    return ask(CallKind.CURRICULUM_DESIGN, inputs, CurriculumDraft)


def concepts_of(draft: CurriculumDraft) -> list[ConceptDraft]:
    """Return all concepts of a roadmap."""
    return [c for stage in draft.stages for module in stage.modules for c in module.concepts]


def content_inputs(learner: Learner, place: int = 0) -> ContentInputs:
    """Return the inputs for one concept of a learner's roadmap."""
    found = intent_for(learner)
    concept = concepts_of(design_for(learner))[place]
    return ContentInputs(
        learner=learner,
        language=found.language,
        topic=found.topic,
        title=concept.title,
        description=concept.description,
        estimated_hours=concept.estimated_hours,
        difficulty=concept.difficulty,
    )


def assert_sound(draft: CurriculumDraft) -> None:
    """Check that a roadmap has unique titles, known prerequisites that come before, and a size."""
    titles = [concept.title for concept in concepts_of(draft)]
    assert 9 <= len(titles) <= 30
    assert len({" ".join(title.casefold().split()) for title in titles}) == len(titles)
    assert all(title.strip() for title in titles)
    for place, concept in enumerate(concepts_of(draft)):
        assert set(concept.prerequisites) <= set(titles[:place])
    assert "\x00" not in draft.model_dump_json()
    draft.model_dump_json().encode()


def assert_quiz(quiz: QuizDraft) -> None:
    """Check numbers, kinds, and that no answer is a distractor as well."""
    assert len(quiz.questions) == 5
    assert {question.kind for question in quiz.questions} == {"single", "multiple", "true_false"}
    for question in quiz.questions:
        assert not set(question.answers) & set(question.distractors)
        assert question.kind == "multiple" or len(question.answers) == 1
        assert len(set(question.distractors)) == len(question.distractors)
