"""THE schema of events: what is stored, published, streamed and polled is one of these."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from core.wire_names import own
from notifications.event_data import (
    CancelData,
    ContentDeltaData,
    DecisionData,
    Empty,
    FailureData,
    OutcomeData,
    PartCompletedData,
    PartData,
    PartFailedData,
    RetryData,
    ReviewData,
    StepCompletedData,
    StepRetryingData,
    StepStartedData,
)
from notifications.event_types import (
    TERMINAL_EVENTS,
    BaseEvent,
    EventType,
    Frozen,
    TransientType,
)
from notifications.roadmap_events import (
    ConceptCompleted,
    ConceptData,
    RoadmapData,
    RoadmapReady,
)

__all__ = [
    "TERMINAL_EVENTS",
    "BaseEvent",
    "CancelData",
    "ConceptData",
    "ContentCompleted",
    "ContentDelta",
    "ContentDeltaData",
    "DecisionData",
    "Empty",
    "EventType",
    "FailureData",
    "Frozen",
    "OutcomeData",
    "PartCompletedData",
    "PartData",
    "PartFailedData",
    "RetryData",
    "ReviewData",
    "RoadmapData",
    "StepCompletedData",
    "StepRetryingData",
    "StepStartedData",
    "StreamEvent",
    "TaskEvent",
    "TransientType",
    "parse_event",
    "task_channel",
    "user_channel",
]


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
