"""What the model is asked to return, one shape per step; those of contents stand with their kinds.

Shapes are made so that what fits the shape is usable: a quiz names its right answers and its
distractors instead of indices that may point nowhere. Bounds are part of the JSON Schema that
the provider receives. What a list has too much is cut off, and one that is shorter than asked for
is taken as it is: a short quiz is better than none, and asking again would be paid for.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    ValidationInfo,
)

from roadmaps.languages import language_tag
from roadmaps.reading import RoadmapOutput

Title = Annotated[str, Field(min_length=1, max_length=200)]
Prose = Annotated[str, Field(max_length=4000)]
Hours = Annotated[float, Field(ge=0.5, le=200)]
Difficulty = Literal["beginner", "intermediate", "advanced"]


def first(most: int) -> BeforeValidator:
    """Cut off what a list has too much."""

    def cut(value: Any) -> Any:
        return value[:most] if isinstance(value, list) else value

    return BeforeValidator(cut)


def asked_for(least: int, most: int) -> Any:
    """Bounds as the model is told them; one is enough for us."""
    return Field(min_length=1, max_length=most, json_schema_extra={"minItems": least})


def _tag(value: Any, info: ValidationInfo) -> Any:
    """Return the tag of a language that the model may have called by its name.

    One that is not known stays as it is called: whoever writes in it knows what is meant.
    """
    if not isinstance(value, str) or (tag := language_tag(value)) is None or tag == value:
        return value
    if info.context:
        info.context["notes"].append(f"{info.field_name}: {value[:40]!r} read as {tag!r}")
    return tag


Language = Annotated[str, BeforeValidator(_tag), Field(min_length=2, max_length=35)]
FewTitles = Annotated[list[Title], first(12), Field(max_length=12)]


class IntentAnalysis(RoadmapOutput):
    """What the learner wants, in the learner's language."""

    topic: Title = Field(description="The subject, in a few words, as a title.")
    summary: Prose = Field(description="The goal: what the learner will be able to do in the end.")
    language: Language = Field(description="BCP 47 tag of the language to write in.")
    focus_areas: FewTitles = Field(description="What matters most for this goal.")
    skills: FewTitles = Field(description="What the learner must be able to do to reach it.")
    skill_gaps: FewTitles = Field(description="What the learner probably lacks.")
    constraints: FewTitles = Field(
        description="What the learner says that limits the way: time, tools, money, health."
    )


class ConceptDraft(RoadmapOutput):
    """One thing to learn."""

    title: Title
    description: Prose
    estimated_hours: Hours
    difficulty: Difficulty
    prerequisites: list[Title] = Field(
        description="Titles of other concepts of this roadmap to learn before this one."
    )


class ModuleDraft(RoadmapOutput):
    """A group of concepts."""

    title: Title
    concepts: list[ConceptDraft] = Field(min_length=1)


class StageDraft(RoadmapOutput):
    """A part of the way."""

    title: Title
    modules: list[ModuleDraft] = Field(min_length=1)


class CurriculumDraft(RoadmapOutput):
    """A whole roadmap, before ids are given."""

    title: Title
    summary: Prose
    stages: list[StageDraft] = Field(min_length=1)


class Issue(RoadmapOutput):
    """One thing that is wrong with a structure."""

    severity: Literal["warning", "error"]
    message: Prose = Field(description="What is wrong and where, in one sentence.")
    suggestion: Prose = Field(description="What would mend it.")


class StructureOpinion(RoadmapOutput):
    """The model's judgement of a structure; `error` only when a learner would be stuck."""

    issues: list[Issue]


class EditIntent(RoadmapOutput):
    """One change that is called for."""

    action: Literal["add", "remove", "modify", "move"]
    target: str = Field(max_length=200, description="Title of the concept or module concerned.")
    instruction: Prose = Field(description="What to change and why, in one sentence.")


class EditPlan(RoadmapOutput):
    """What must change so that the feedback or the validation issues are met."""

    summary: Prose
    intents: list[EditIntent]


class EditOperation(RoadmapOutput):
    """One change to the outline, in terms of the keys that the outline was shown with.

    Fields that an operation does not need are null.
    """

    op: Literal["add", "remove", "update", "move"]
    concept: str | None = Field(description="Key of the concept (C3); null for `add`.")
    module: str | None = Field(description="Key of the module (M2) to add or move into, or null.")
    title: str | None = Field(max_length=200, description="New title, or null to keep it.")
    description: str | None = Field(max_length=4000, description="New description, or null.")
    estimated_hours: Hours | None = Field(description="New hours, or null.")
    difficulty: Difficulty | None = Field(description="New difficulty, or null.")
    prerequisites: list[str] | None = Field(
        description="New list of prerequisites (keys or titles), or null to keep it."
    )


class EditScript(RoadmapOutput):
    """The changes themselves."""

    summary: Prose
    operations: list[EditOperation]
