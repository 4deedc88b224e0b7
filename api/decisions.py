"""A human's answer to a review of any workflow, as the API takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from core.states import Decision, Then
from roadmaps.requests import ReviewDecision as RoadmapDecision

if TYPE_CHECKING:
    from workflow.under_review import Answer


class ReviewDecision(RoadmapDecision):
    """A human's answer to a review."""

    value: Any = Field(
        default=None,
        description="With `edit`, of any workflow but `roadmap`: what is to stand in the place of"
        " the value under review, in its `schema`.",
    )

    def check_changes(self) -> None:
        """Check that an edit brings either kind of changes, and that nothing else brings any.

        Raises:
            ValueError: It is not so.
        """
        replaces = "value" in self.model_fields_set
        if replaces and self.edits:
            raise ValueError("give either `edits`, for a roadmap, or `value`, for anything else")
        if self.decision is Decision.EDIT and not (replaces or self.edits):
            raise ValueError(
                "an edit needs changes: `edits`, a list of them, for a roadmap, or `value` for"
                " anything else"
            )
        if not replaces:
            super().check_changes()
        elif self.decision is not Decision.EDIT:
            raise ValueError("`value` goes with the decision `edit`")

    def answer(self) -> Answer:
        """Return it as the engine takes it."""
        if "value" not in self.model_fields_set:
            return self
        return Replacement(edits=self.value, then=self.then)


@dataclass(frozen=True, kw_only=True, slots=True)
class Replacement:
    """The answer that puts a value of the reviewer's own in the place of what a step gave."""

    edits: Any
    then: Then | None = None
    decision: Decision = Decision.EDIT
    feedback: str | None = None
    replaces: bool = True

    @property
    def looks_again(self) -> bool:
        """The new value is to be reviewed once more."""
        return self.then is Then.REVIEW
