"""What events tell beside their type: the shapes of their `data`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import Field

from core.states import Decision, Then
from notifications.event_types import Frozen, StepName
from notifications.roadmap_events import OfConcept

PROGRESS: Final = "progress"
"""The kind under which viewers are told how far something is: each text replaces the last one."""
OWN_TEXT: Final = "result"
"""The kind under which a step shows its own text, which belongs to no part."""


class Empty(Frozen):
    """No further data."""


class RetryData(Frozen):
    """The number of the attempt, 2 for the first retry, and what it will do again."""

    attempt: int
    contents: int = Field(description="Contents to make; 0 when the structure is not ready yet.")


class StepData(Frozen):
    """Which step; `round` counts from 1 how often it ran in this task."""

    step: StepName
    round: int


class StepStartedData(StepData):
    """Which worker runs the step; None in events of earlier versions."""

    worker: str | None = None


class SpentData(Frozen):
    """What model calls cost: requests, tokens, and US dollars where the price is known."""

    calls: int = 0
    tokens: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None


class StepCompletedData(SpentData, StepData):
    """A step's outcome in numbers."""

    calls: int
    tokens: int
    duration_s: float
    issues: list[str] = Field(default_factory=list, description="Of `structure_validation` only.")


class StepRetryingData(StepData):
    """A model call inside the step, one of its parts, or the step itself is tried again."""

    code: str
    key: str | None = Field(default=None, description="The part's that is tried again.")
    kind: str | None = Field(default=None, description="Ditto.")
    title: str | None = Field(default=None, description="Ditto.")
    after_s: float | None = Field(
        default=None, description="Seconds until then; null for model calls."
    )


class ReviewData(Frozen):
    """A review waits for a decision."""

    review_id: UUID
    roadmap_id: UUID | None = Field(default=None, description="Of roadmaps only.")
    round: int
    version: int
    due_at: datetime


class DecisionData(Frozen):
    """A review was decided."""

    review_id: UUID
    decision: Decision
    version: int
    decided_by: str
    then: Then | None = Field(
        default=None, description="What follows an edit; null with other decisions."
    )
    overdue: bool = Field(
        default=False, description="Nobody decided in time: it was approved as it was to be then."
    )


class _Part(Frozen):
    """Names a part."""

    step: str | None = None
    key: str | None = Field(default=None, description="Names the part within its step.")
    kind: str
    title: str | None = None
    version: int


class PartData(OfConcept, _Part):
    """One part that a step makes; events of earlier versions name only its concept."""


PartTold = dict[str, Any]
"""What events tell of a part, as JSON in the shape of `PartData`. There are three of them for each
part and many more while its text is written: by the model each takes as long as to record it."""


def part_told(
    *,
    kind: str,
    version: int,
    step: str | None = None,
    key: str | None = None,
    title: str | None = None,
) -> PartTold:
    """Return what events tell of a part, or of what a step shows of its own."""
    return {
        "step": step,
        "key": key,
        "kind": kind,
        "title": title,
        "version": version,
        "concept_id": None,
        "concept_title": None,
    }


class PartCompletedData(SpentData, PartData):
    """What one part cost."""

    note: str | None = Field(default=None, description="What could not be done for it, as a code.")


class PartFailedData(SpentData, PartData):
    """Why it failed, and what it cost all the same."""

    code: str
    error: str


class OutcomeData(Frozen):
    """What a task ended with."""

    completed: int
    failed: int


class FailureData(Frozen):
    """Why a task failed."""

    code: str
    error: str
    step: StepName


class CancelData(Frozen):
    """Who asked for it, and where the task stood."""

    by: str
    step: StepName
    overdue: bool = Field(
        default=False, description="Nobody decided its review in time, and it was to end then."
    )


class ContentDeltaData(PartData):
    """A piece of a text that is being written, and where in the text it belongs.

    Of the kind `progress` it is a sentence that says how far the part is; each replaces the one
    before. Without a `key` it is the step's own: its text as the kind `result`, or its progress;
    `version` then counts how often the step ran.
    """

    offset: int = Field(
        ge=0,
        description="Characters before this piece; 0 begins anew and replaces what came before.",
    )
    text: str
