"""What people ask for: a roadmap, a decision, edits, a regeneration."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from core.request_shapes import Prose, Request, Seen, Title
from core.states import Decision, Then
from roadmaps.kinds import KINDS, ContentKind
from roadmaps.marks import Mark
from roadmaps.outputs import Difficulty


class Preferences(Request):
    """How the learner wants to learn."""

    level: Difficulty = "beginner"
    hours_per_week: int = Field(default=5, ge=1, le=168)
    language: Annotated[Seen, StringConstraints(min_length=2, max_length=35)] | None = None
    background: Prose | None = None
    content_formats: list[Annotated[Seen, StringConstraints(max_length=50)]] = Field(
        default_factory=list, max_length=20
    )


class TaskRequest(Request):
    """A request for a roadmap."""

    goal: Annotated[Seen, StringConstraints(max_length=2000)]
    preferences: Preferences = Field(default_factory=Preferences)
    review: bool = True


class RenameEdit(Request):
    """Give a concept, module or stage another title."""

    op: Literal["rename"]
    concept_id: UUID | None = None
    module_id: UUID | None = None
    stage_id: UUID | None = None
    title: Title

    @model_validator(mode="after")
    def _one_target(self) -> RenameEdit:
        if sum(x is not None for x in (self.concept_id, self.module_id, self.stage_id)) != 1:
            raise ValueError("name exactly one of concept_id, module_id, stage_id")
        return self


class RemoveEdit(Request):
    """Remove a concept; others no longer require it."""

    op: Literal["remove"]
    concept_id: UUID


class AddEdit(Request):
    """Add a concept to a module, at the end or at a position counted from 0."""

    op: Literal["add"]
    module_id: UUID
    title: Title
    description: Prose = ""
    estimated_hours: float = Field(default=2.0, ge=0.5, le=200)
    difficulty: Difficulty = "beginner"
    prerequisites: list[UUID] = Field(default_factory=list, max_length=50)
    position: int | None = Field(default=None, ge=0)


class MoveEdit(Request):
    """Move a concept to a module (its own by default), to the end or to a position."""

    op: Literal["move"]
    concept_id: UUID
    module_id: UUID | None = None
    position: int | None = Field(default=None, ge=0)


class UpdateEdit(Request):
    """Change a concept's description, hours, difficulty or prerequisites."""

    op: Literal["update"]
    concept_id: UUID
    description: Prose | None = None
    estimated_hours: float | None = Field(default=None, ge=0.5, le=200)
    difficulty: Difficulty | None = None
    prerequisites: list[UUID] | None = Field(default=None, max_length=50)


Edit = Annotated[
    RenameEdit | RemoveEdit | AddEdit | MoveEdit | UpdateEdit, Field(discriminator="op")
]


class ReviewDecision(Request):
    """A human's answer to a review."""

    decision: Decision
    feedback: Prose | None = None
    edits: list[Edit] | None = Field(default=None, max_length=500, fail_fast=True)
    then: Then | None = Field(
        default=None,
        description="What follows one's own edits: `approve` writes the contents of the edited"
        " version (the default), `review` opens another review of it.",
    )

    @property
    def replaces(self) -> bool:
        """They are edits, not a whole new value."""
        return False

    @property
    def looks_again(self) -> bool:
        """The edited version is to be reviewed once more."""
        return self.then is Then.REVIEW

    @model_validator(mode="after")
    def _complete(self) -> ReviewDecision:
        if self.decision is Decision.REJECT and not self.feedback:
            raise ValueError("a rejection needs `feedback` that says what to change")
        if self.decision is not Decision.EDIT and self.then is not None:
            raise ValueError("`then` goes with the decision `edit`")
        self.check_changes()
        return self

    def check_changes(self) -> None:
        """Check that there are changes where, and only where, the decision is to edit.

        Raises:
            ValueError: It is not so.
        """
        if self.decision is Decision.EDIT and not self.edits:
            raise ValueError("an edit needs `edits`, a list of changes")
        if self.decision is not Decision.EDIT and self.edits:
            raise ValueError("`edits` goes with the decision `edit`")


class RegenerateRequest(Request):
    """Which contents of a concept to write anew."""

    kinds: list[ContentKind] = Field(min_length=1, max_length=len(KINDS))


class MarkRequest(Request):
    """How a concept is to be marked; null takes the mark away."""

    mark: Mark | None


class QuizAnswers(Request):
    """A learner's answers to a version of a quiz: for each question the positions chosen."""

    version: int = Field(ge=1, le=2**31 - 1)
    answers: list[
        Annotated[list[Annotated[int, Field(ge=0, le=999)]], Field(max_length=100, fail_fast=True)]
    ] = Field(max_length=500, fail_fast=True)
