"""THE schema of events: what is stored, published, streamed and polled is one of these."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from core.redis_names import own
from core.states import Decision, Status, Then


class EventType(StrEnum):
    """The types of committed events."""

    TASK_QUEUED = "task_queued"
    TASK_STARTED = "task_started"
    TASK_RECOVERED = "task_recovered"
    TASK_RETRIED = "task_retried"
    STEP_STARTED = "step_started"
    STEP_COMPLETED = "step_completed"
    STEP_RETRYING = "step_retrying"
    ROADMAP_READY = "roadmap_ready"
    REVIEW_REQUIRED = "review_required"
    REVIEW_REMINDER = "review_reminder"
    REVIEW_DECIDED = "review_decided"
    CONTENT_STARTED = "content_started"
    CONTENT_COMPLETED = "content_completed"
    CONTENT_FAILED = "content_failed"
    CONCEPT_COMPLETED = "concept_completed"
    TASK_CANCEL_REQUESTED = "task_cancel_requested"
    TASK_COMPLETED = "task_completed"
    TASK_PARTIALLY_FAILED = "task_partially_failed"
    TASK_FAILED = "task_failed"
    TASK_CANCELLED = "task_cancelled"


class TransientType(StrEnum):
    """The types of transient events: carried live, never stored, without a number."""

    CONTENT_DELTA = "content_delta"


TERMINAL_EVENTS: Final = frozenset(
    {
        EventType.TASK_COMPLETED,
        EventType.TASK_PARTIALLY_FAILED,
        EventType.TASK_FAILED,
        EventType.TASK_CANCELLED,
    }
)
"""After one of these a stream ends; a retry continues the numbering with `task_retried`."""


class Frozen(BaseModel):
    """Shapes that never change once made."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Progress(Frozen):
    """How far a task is: contents completed, contents in all (0 while unknown), per cent."""

    done: int = Field(ge=0)
    total: int = Field(ge=0)
    percent: float = Field(ge=0, le=100)


class Empty(Frozen):
    """No further data."""


class RetryData(Frozen):
    """The number of the attempt, 2 for the first retry, and what it will do again."""

    attempt: int
    contents: int = Field(description="Contents to make; 0 when the structure is not ready yet.")


class StepData(Frozen):
    """Which step; `round` counts from 1 how often it ran in this task."""

    step: str
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
    """A model call inside the step is tried again."""

    code: str


class RoadmapData(Frozen):
    """A version of the roadmap can be read."""

    roadmap_id: UUID
    version: int
    title: str
    concepts: int


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


class PartData(Frozen):
    """One part that a step makes; events of earlier versions name only its concept."""

    step: str | None = None
    key: str | None = Field(default=None, description="Names the part within its step.")
    kind: str
    title: str | None = None
    version: int
    concept_id: UUID | None = Field(
        default=None, description="Of roadmaps only: the same as `key`."
    )
    concept_title: str | None = Field(default=None, description="Of roadmaps only.")


class PartCompletedData(SpentData, PartData):
    """What one part cost."""

    note: str | None = Field(default=None, description="What could not be done for it, as a code.")


class PartFailedData(SpentData, PartData):
    """Why it failed, and what it cost all the same."""

    code: str
    error: str


class ConceptData(Frozen):
    """A concept whose contents are all completed."""

    concept_id: UUID
    concept_title: str


class OutcomeData(Frozen):
    """What a task ended with."""

    completed: int
    failed: int


class FailureData(Frozen):
    """Why a task failed."""

    code: str
    error: str
    step: str


class CancelData(Frozen):
    """Who asked for it, and where the task stood."""

    by: str
    step: str


class BaseEvent(Frozen):
    """What all committed events have."""

    seq: int = Field(ge=1)
    task_id: UUID
    at: datetime
    status: Status
    current_step: str
    message: str
    progress: Progress


class TaskQueued(BaseEvent):
    """The task was accepted."""

    type: Literal[EventType.TASK_QUEUED]
    data: Empty


class TaskStarted(BaseEvent):
    """A worker took the task for the first time."""

    type: Literal[EventType.TASK_STARTED]
    data: Empty


class TaskRecovered(BaseEvent):
    """A worker took over from one that was lost, or that the database did not answer."""

    type: Literal[EventType.TASK_RECOVERED]
    data: Empty


class TaskRetried(BaseEvent):
    """Somebody asked for what failed to be done again."""

    type: Literal[EventType.TASK_RETRIED]
    data: RetryData


class StepStarted(BaseEvent):
    """A step began."""

    type: Literal[EventType.STEP_STARTED]
    data: StepStartedData


class StepCompleted(BaseEvent):
    """A step ended and will not be done again."""

    type: Literal[EventType.STEP_COMPLETED]
    data: StepCompletedData


class StepRetrying(BaseEvent):
    """A model call inside a step is tried again."""

    type: Literal[EventType.STEP_RETRYING]
    data: StepRetryingData


class RoadmapReady(BaseEvent):
    """A version of the structure can be read."""

    type: Literal[EventType.ROADMAP_READY]
    data: RoadmapData


class ReviewRequired(BaseEvent):
    """A human is asked."""

    type: Literal[EventType.REVIEW_REQUIRED]
    data: ReviewData


class ReviewReminder(BaseEvent):
    """A human is asked again."""

    type: Literal[EventType.REVIEW_REMINDER]
    data: ReviewData


class ReviewDecided(BaseEvent):
    """A human answered."""

    type: Literal[EventType.REVIEW_DECIDED]
    data: DecisionData


class ContentStarted(BaseEvent):
    """A content is being written."""

    type: Literal[EventType.CONTENT_STARTED]
    data: PartData


class ContentCompleted(BaseEvent):
    """A content can be read."""

    type: Literal[EventType.CONTENT_COMPLETED]
    data: PartCompletedData


class ContentFailed(BaseEvent):
    """A content could not be written."""

    type: Literal[EventType.CONTENT_FAILED]
    data: PartFailedData


class ConceptCompleted(BaseEvent):
    """All contents of a concept can be read."""

    type: Literal[EventType.CONCEPT_COMPLETED]
    data: ConceptData


class TaskCancelRequested(BaseEvent):
    """Somebody asked for the task to stop."""

    type: Literal[EventType.TASK_CANCEL_REQUESTED]
    data: CancelData


class TaskCompleted(BaseEvent):
    """Everything was written."""

    type: Literal[EventType.TASK_COMPLETED]
    data: OutcomeData


class TaskPartiallyFailed(BaseEvent):
    """Some contents failed; the rest is usable."""

    type: Literal[EventType.TASK_PARTIALLY_FAILED]
    data: OutcomeData


class TaskFailed(BaseEvent):
    """The task cannot go on by itself."""

    type: Literal[EventType.TASK_FAILED]
    data: FailureData


class TaskCancelled(BaseEvent):
    """The task was stopped."""

    type: Literal[EventType.TASK_CANCELLED]
    data: CancelData


class ContentDeltaData(PartData):
    """A piece of a part's text that is being written, and where in the text it belongs."""

    offset: int = Field(
        ge=0,
        description="Characters before this piece; 0 begins anew and replaces what came before.",
    )
    text: str


class ContentDelta(Frozen):
    """More of a content's text. Transient: without `seq`, never stored, may be dropped."""

    type: Literal[TransientType.CONTENT_DELTA]
    task_id: UUID
    at: datetime
    data: ContentDeltaData


TaskEvent = Annotated[
    TaskQueued
    | TaskStarted
    | TaskRecovered
    | TaskRetried
    | StepStarted
    | StepCompleted
    | StepRetrying
    | RoadmapReady
    | ReviewRequired
    | ReviewReminder
    | ReviewDecided
    | ContentStarted
    | ContentCompleted
    | ContentFailed
    | ConceptCompleted
    | TaskCancelRequested
    | TaskCompleted
    | TaskPartiallyFailed
    | TaskFailed
    | TaskCancelled,
    Field(discriminator="type"),
]
"""Any committed event."""

StreamEvent = Annotated[TaskEvent | ContentDelta, Field(discriminator="type")]
"""Whatever comes over a task's channel and its streams."""

_adapter: TypeAdapter[Any] = TypeAdapter(TaskEvent)


def parse_event(data: Any) -> BaseEvent:
    """Check an event as it came from the database, Redis or the network."""
    event: BaseEvent = _adapter.validate_python(data)
    return event


def task_channel(task_id: UUID | str) -> str:
    """Return the Redis channel of a task's events."""
    return own(f"task_progress:{task_id}")


def user_channel(user_id: str) -> str:
    """Return the Redis channel of a user's notifications."""
    return own(f"notifications:{user_id}")
