"""What can be read about roadmaps, concepts, reviews and learners, as the API shows it.

A concept has one field for each kind of content, by the kind's name: with its state in the tree,
with what was written on its own page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID  # noqa: TC003 - pydantic reads it

from pydantic import Field, create_model

from core.states import ContentStatus, Status  # noqa: TC001 - pydantic reads it
from roadmaps.kinds import KINDS, ContentKind
from roadmaps.marks import Mark  # noqa: TC001 - pydantic reads it
from watching.queries.shapes import Moment, UsageView, View


class KindOfContentView(View):
    """A kind of content, and what people call it."""

    name: ContentKind
    label: str
    text: str | None = Field(
        description="Its field that is Markdown and has `html` beside it, if there is one."
    )


class ContentErrorView(View):
    """Why a content could not be written."""

    code: str
    message: str


class ContentState(View):
    """Where the newest version of one content is; `version` is null before the first begins."""

    status: ContentStatus
    version: int | None
    error: ContentErrorView | None
    usage: UsageView | None = Field(description="What this version cost; null before it ended.")


if TYPE_CHECKING:
    _StatePerKind = View
else:
    _StatePerKind = create_model(
        "_StatePerKind", __base__=View, **dict.fromkeys(KINDS, (ContentState, ...))
    )


class ContentStates(_StatePerKind):
    """The state of each content of a concept."""


class ConceptView(View):
    """One thing to learn."""

    concept_id: UUID
    title: str
    description: str
    estimated_hours: float
    difficulty: str
    prerequisites: list[UUID]
    contents: ContentStates


class ModuleView(View):
    """A group of concepts."""

    module_id: UUID
    title: str
    concepts: list[ConceptView]


class StageView(View):
    """A part of the way."""

    stage_id: UUID
    title: str
    modules: list[ModuleView]


class RoadmapView(View):
    """A roadmap's tree with the states of its contents."""

    roadmap_id: UUID
    task_id: UUID
    title: str
    summary: str
    language: str
    version: int
    kinds: list[KindOfContentView] = Field(
        description="Of the contents that a concept has, in order."
    )
    stages: list[StageView]


class QuizScoreView(View):
    """The newest answers to a quiz, marked."""

    version: int = Field(description="Of the quiz that was answered.")
    correct: int
    total: int
    answers: list[list[int]] = Field(description="For each question the positions chosen.")
    at: Moment


class ConceptProgressView(View):
    """What a learner did with a concept."""

    concept_id: UUID
    mark: Mark | None = Field(description="`done` exactly when there is a `done_at`.")
    done_at: Moment | None
    quiz: QuizScoreView | None


class LearnerProgressView(View):
    """How far a learner is with a roadmap; concepts with nothing to tell are left out."""

    roadmap_id: UUID
    done: int = Field(description="Concepts marked as done.")
    learning: int = Field(description="Concepts that one is learning now.")
    skipped: int = Field(description="Concepts left out on purpose: settled, and not done.")
    total: int = Field(description="Concepts of the roadmap.")
    concepts: list[ConceptProgressView]


class NextConceptView(View):
    """The concept at which a learner goes on."""

    concept_id: UUID
    title: str


class LearningView(View):
    """A roadmap that somebody has begun and not finished."""

    roadmap_id: UUID
    title: str
    language: str
    done: int = Field(description="Concepts marked as done.")
    skipped: int = Field(description="Concepts left out on purpose.")
    total: int = Field(description="Concepts of the roadmap.")
    next: NextConceptView = Field(
        description="The first that is being learnt, else the first that is neither done nor"
        " skipped."
    )


class LearningList(View):
    """What somebody is learning, the newest first."""

    roadmaps: list[LearningView]


class FoundText(View):
    """A text in which words were found."""

    concept_id: UUID
    kind: ContentKind
    excerpt: str = Field(description="Plain text around the first place of the words.")


class FoundTexts(View):
    """The texts of a roadmap in which words were found, in no order."""

    found: list[FoundText]


class _PlacedConcept(ConceptView):
    roadmap_id: UUID


if TYPE_CHECKING:
    _ContentPerKind = _PlacedConcept
else:
    _ContentPerKind = create_model(
        "_ContentPerKind",
        __base__=_PlacedConcept,
        **{name: (kind.shown | None, ...) for name, kind in KINDS.items()},
    )


class Concept(_ContentPerKind):
    """A concept with its contents, each null until it was generated."""

    task_status: Status = Field(description="Of the task that the roadmap came from.")
    last_seq: int = Field(
        description="The newest event that this answer knows of: from there on it is followed."
    )
    versions: dict[ContentKind, int] = Field(description="Of the contents shown here.")
    usage: dict[ContentKind, UsageView] = Field(
        description="What the newest version of each content has cost, also of a failed one."
    )


class ReviewView(View):
    """What an open review of a roadmap is about, and what changed since the last round."""

    roadmap: RoadmapView
    diff: list[dict[str, Any]] | None
    """Changes since the previous round's version; None in the first round."""
    issues: list[str]
    """What the last validation still found fault with."""
