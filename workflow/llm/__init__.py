"""Language models behind one port: a call names a prompt and a shape, the answer has that shape."""

from __future__ import annotations

from core.usage import Usage
from workflow.llm.author import create_author
from workflow.llm.calls import (
    Author,
    Call,
    CallKind,
    Completion,
    ConceptContext,
    ContentInputs,
    DesignInputs,
    EditInputs,
    Inputs,
    IntentInputs,
    Learner,
    OnRetry,
    OnText,
    OutlineInputs,
    PlanInputs,
)
from workflow.llm.outputs import (
    CurriculumDraft,
    EditPlan,
    EditScript,
    IntentAnalysis,
    Output,
    QuizDraft,
    ResourceList,
    StructureOpinion,
    Tutorial,
)
from workflow.llm.prompts import prompt_version

__all__ = [
    "Author",
    "Call",
    "CallKind",
    "Completion",
    "ConceptContext",
    "ContentInputs",
    "CurriculumDraft",
    "DesignInputs",
    "EditInputs",
    "EditPlan",
    "EditScript",
    "Inputs",
    "IntentAnalysis",
    "IntentInputs",
    "Learner",
    "OnRetry",
    "OnText",
    "OutlineInputs",
    "Output",
    "PlanInputs",
    "QuizDraft",
    "ResourceList",
    "StructureOpinion",
    "Tutorial",
    "Usage",
    "create_author",
    "prompt_version",
]
