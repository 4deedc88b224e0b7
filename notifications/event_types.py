"""The names of all events, and what each event has whatever it tells."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypeAliasType

from core.states import Status

StepName = TypeAliasType(
    "StepName",
    Annotated[
        str,
        Field(
            description="A step of the task's workflow, or `queued`, `human_review`, `resuming`,"
            " `completed`."
        ),
    ],
)
"""Where a step's name is shown or told; a schema of its own in what is generated from models."""


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


class BaseEvent(Frozen):
    """What all committed events have."""

    seq: int = Field(ge=1)
    task_id: UUID
    at: datetime
    status: Status
    current_step: StepName
    message: str
    progress: Progress
