"""What the prompts of a roadmap are written from, one shape for each kind of call."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from roadmaps.outputs import Difficulty
from roadmaps.search.port import Hit


class CallKind(StrEnum):
    """What a step's call is for; also the name of its prompt file and of its JSON Schema.

    A content's call goes by the name of its kind.
    """

    INTENT_ANALYSIS = "intent_analysis"
    CURRICULUM_DESIGN = "curriculum_design"
    STRUCTURE_VALIDATION = "structure_validation"
    EDIT_PLAN_ANALYSIS = "edit_plan_analysis"
    ROADMAP_EDIT = "roadmap_edit"


class Inputs(BaseModel):
    """What a prompt is written from."""

    model_config = ConfigDict(frozen=True)

    def digested(self) -> dict[str, Any]:
        """Return what counts for the digest: when that changes, an answer is stale."""
        return self.model_dump(mode="json")


class Learner(Inputs):
    """The request, as far as prompts need it."""

    goal: str
    level: Difficulty = "beginner"
    hours_per_week: int = 5
    language: str | None = None
    background: str | None = None
    content_formats: tuple[str, ...] = ()


class IntentInputs(Inputs):
    """For `intent_analysis` → `IntentAnalysis`."""

    learner: Learner


class DesignInputs(Inputs):
    """For `curriculum_design` → `CurriculumDraft`."""

    learner: Learner
    topic: str
    summary: str
    language: str
    focus_areas: tuple[str, ...]
    skill_gaps: tuple[str, ...]
    skills: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()


class OutlineInputs(Inputs):
    """For `structure_validation` → `StructureOpinion`.

    `outline` is text: one line per part with its key, such as `C3 Ownership (3 h, beginner)`.
    """

    learner: Learner
    language: str
    outline: str


class PlanInputs(OutlineInputs):
    """For `edit_plan_analysis` → `EditPlan`. `feedback` comes from the reviewer or the checks."""

    feedback: str
    source: str
    """`human_review` or `structure_validation`."""


class EditInputs(PlanInputs):
    """For `roadmap_edit` → `EditScript`. `plan` is the edit plan as text, one intent per line."""

    plan: str


class ConceptContext(Inputs):
    """Where a concept stands: what a writer must know of the rest of the roadmap."""

    outline: str = ""
    """As text, one line per part; the same for all concepts of a roadmap."""
    stage: str = ""
    module: str = ""
    previous: str | None = None
    next: str | None = None
    prerequisites: tuple[str, ...] = ()
    """Titles of concepts that were learnt before."""


class ContentInputs(Inputs):
    """For a content of any kind.

    Only what is the concept's own counts for the digest. Its context colours the text, but an edit
    elsewhere in the roadmap does not make a finished text stale; nor does what a search finds, or
    what somebody wants for one version.
    """

    learner: Learner
    language: str
    topic: str
    title: str
    description: str
    estimated_hours: float
    difficulty: Difficulty
    context: ConceptContext = ConceptContext()
    hits: tuple[Hit, ...] = ()
    """Pages that a search found, for `resources`."""
    instruction: str | None = None
    """What a reader of the version before wants to be different."""

    def digested(self) -> dict[str, Any]:
        """Return what is the concept's own."""
        return self.model_dump(mode="json", exclude={"context", "hits", "instruction"})
