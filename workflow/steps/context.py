"""What a step sees, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.states import Step
from workflow.llm import Learner
from workflow.plan import last_output

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from db.facts import EventDraft, RowWrite
    from workflow.asking import Asking
    from workflow.outline import Outline
    from workflow.plan import Done
    from workflow.requests import TaskRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class StepContext:
    """All that a step may look at; it changes nothing by itself."""

    task_id: UUID
    user_id: str
    request: TaskRequest
    history: Sequence[Done]
    asking: Asking
    roadmap_id: UUID | None = None
    version: int = 0
    outline: Outline | None = None

    @property
    def learner(self) -> Learner:
        """The request, as far as prompts need it."""
        return Learner(goal=self.request.goal, **_preferences(self.request))

    @property
    def language(self) -> str:
        """The language to write in: the learner's wish, else what the goal is written in."""
        wish = self.request.preferences.language
        return wish or str(self.output_of(Step.INTENT_ANALYSIS)["language"])

    def output_of(self, step: Step) -> Mapping[str, Any]:
        """Return what a step gave the last time it ran.

        Raises:
            LookupError: It never ran.
        """
        output = last_output(self.history, step)
        if output is None:
            raise LookupError(step)
        return output

    def current(self) -> tuple[UUID, Outline]:
        """Return the roadmap's id and its current structure.

        Raises:
            LookupError: Nothing was designed yet.
        """
        if self.roadmap_id is None or self.outline is None:
            raise LookupError("roadmap")
        return self.roadmap_id, self.outline


@dataclass(frozen=True, kw_only=True, slots=True)
class StepResult:
    """What a step gave: committed together as its checkpoint, rows and events."""

    output: dict[str, Any]
    input_digest: str
    summary: str
    """One sentence for people."""
    rows: tuple[RowWrite, ...] = ()
    events: tuple[EventDraft, ...] = ()
    changes: Mapping[str, Any] = field(default_factory=dict)
    total: int | None = None
    issues: tuple[str, ...] = ()


def _preferences(request: TaskRequest) -> dict[str, Any]:
    wishes = request.preferences.model_dump()
    wishes["content_formats"] = tuple(wishes["content_formats"])
    return wishes
