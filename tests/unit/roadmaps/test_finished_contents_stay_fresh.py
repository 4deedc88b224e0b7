"""What is stored and sent of a call stays what it was when finished contents were written."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from llm.schema import strict_schema
from roadmaps.inputs import (
    CallKind,
    ConceptContext,
    ContentInputs,
    DesignInputs,
    EditInputs,
    Inputs,
    IntentInputs,
    Learner,
    OutlineInputs,
    PlanInputs,
)
from roadmaps.kinds.quiz import QuizDraft
from roadmaps.kinds.resources import ResourceList
from roadmaps.kinds.tutorial import Tutorial
from roadmaps.outputs import CurriculumDraft, EditPlan, EditScript, IntentAnalysis, StructureOpinion
from roadmaps.search import Hit
from tests.prompts import prompt_of
from workflow.asking import input_digest

if TYPE_CHECKING:
    from pydantic import BaseModel

LEARNER = Learner(
    goal="Learn to fly kites",
    level="intermediate",
    hours_per_week=4,
    language="de",
    background="I sail",
    content_formats=("video", "book"),
)
DESIGN = DesignInputs(
    learner=LEARNER,
    topic="Kites",
    summary="You fly kites.",
    language="de",
    focus_areas=("Wind", "Knots"),
    skill_gaps=("Knots",),
    skills=("tie a bowline",),
    constraints=("no beach",),
)
EDIT = EditInputs(
    learner=LEARNER,
    language="de",
    outline="S1 Start\n  M1 Ground\n    C1 Wind (2 h, beginner)",
    feedback="More practice",
    source="structure_validation",
    plan="- add Knots: practise",
)
CONTENT = ContentInputs(
    learner=LEARNER,
    language="de",
    topic="Kites",
    title="Wind",
    description="Reading the wind.",
    estimated_hours=2.5,
    difficulty="beginner",
    context=ConceptContext(
        outline="C1 Wind (2 h, beginner)",
        stage="Start",
        module="Ground",
        previous="Sky",
        next="Knots",
        prerequisites=("Sky",),
    ),
    hits=(Hit(title="Wind", url="https://example.org/wind", excerpt="About wind."),),
)
PLAN = PlanInputs.model_validate(EDIT.model_dump())
OUTLINE = OutlineInputs.model_validate(EDIT.model_dump())

BEFORE: list[tuple[str, Inputs, type[BaseModel], str, str, str]] = [
    (
        CallKind.INTENT_ANALYSIS,
        IntentInputs(learner=LEARNER),
        IntentAnalysis,
        "39d75f817aee632eb6c18c7b4ed4be15",
        "9413406225fb62811681ff32fb48ace0",
        "441704e7ccef477ad7caafabb17e560f",
    ),
    (
        CallKind.CURRICULUM_DESIGN,
        DESIGN,
        CurriculumDraft,
        "058fb0a763edcb292fb033ce25c366c4",
        "f85934a32718ac49a9c0127069faef80",
        "50382bfe22b1a425dad54b4722f88ce0",
    ),
    (
        CallKind.STRUCTURE_VALIDATION,
        OUTLINE,
        StructureOpinion,
        "8befc9de670cf115328942c5d5fa980a",
        "32172a4f8072fc16ce8bdf03d8f36212",
        "03925cabb823e52eb8ac632adc67158f",
    ),
    (
        CallKind.EDIT_PLAN_ANALYSIS,
        PLAN,
        EditPlan,
        "76368dae5469acb0012daac3f8122a68",
        "130e35c5e8ea5bebb316636db63adb9d",
        "177f9546e9fd7cc94e1a50c43764af28",
    ),
    (
        CallKind.ROADMAP_EDIT,
        EDIT,
        EditScript,
        "72e50d287537623f505b429d8f153912",
        "b833f0085add332cb85b5b5c093f5071",
        "de7f01a61766fb1c2cbf8972dd20054a",
    ),
    (
        "tutorial",
        CONTENT,
        Tutorial,
        "7f9566374a7d7a866de0e10a8beb3fe7",
        "06a1c24c8f873fedaa465f2704065604",
        "3fdb1f0bc8a839e715dbd9bfb98222ee",
    ),
    (
        "resources",
        CONTENT,
        ResourceList,
        "14bc5c1483bce090a75e158d1404118d",
        "09fadc4882b6d6b973e0463a2f32e590",
        "d3494cf18d67a3b3ba5dc30e71d96b16",
    ),
    (
        "quiz",
        CONTENT,
        QuizDraft,
        "8ac5e75092bdc1b7310d7bf3b7b47804",
        "9403d0e2f0257bd81e050ce886f83049",
        "8550c1f1ff57d104818c7b8c7e8576ba",
    ),
]
"""Kind, inputs, output; the digests of its inputs, of its messages and of its schema."""


@pytest.mark.parametrize(("kind", "inputs", "output", "inputs_digest", "said", "schema"), BEFORE)
def test_a_call_is_what_it_was(
    kind: str,
    inputs: Inputs,
    output: type[BaseModel],
    inputs_digest: str,
    said: str,
    schema: str,
) -> None:
    """A changed digest writes every stored content anew: only a better prompt is worth that.

    Whoever changes a prompt on purpose changes the first two digests of its kind here, and those
    of all kinds when it is what they share.
    """
    prompt = prompt_of(kind, inputs)
    system, user = (message["content"] for message in prompt.messages())

    assert input_digest(prompt) == inputs_digest
    assert _digest(f"{system}\0{user}") == said
    assert _digest(json.dumps(strict_schema(output))) == schema


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
