"""What a user's channel carries: entries of the inbox, as the API shows them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class InboxKind(StrEnum):
    """What people are told of: that somebody is asked, and every way in which a task ends."""

    REVIEW_REQUIRED = "review_required"
    REVIEW_REMINDER = "review_reminder"
    TASK_COMPLETED = "task_completed"
    TASK_PARTIALLY_FAILED = "task_partially_failed"
    TASK_FAILED = "task_failed"
    TASK_CANCELLED = "task_cancelled"


class InboxEntry(BaseModel):
    """One entry of a user's inbox."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    notification_id: UUID = Field(description="Ordered by time: resume after the last one seen.")
    user_id: str
    task_id: UUID
    kind: InboxKind
    message: str
    created_at: datetime
    read_at: datetime | None = Field(default=None, description="Null while unread.")
