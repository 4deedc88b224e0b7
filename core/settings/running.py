"""Running tasks: limits in time and number, reviews, what is kept."""

from __future__ import annotations

from pydantic import BaseModel, Field

from core.choices import ReviewExpiry
from core.settings.kinds import (
    A_DAY_S,
    MOST_HOURS,
    Count,
    Limit,
    LongSeconds,
    Positive,
    Seconds,
    Words,
)


class RunningSettings(BaseModel):
    """How tasks run."""

    workflows: Words = Field(
        default=(),
        description="Own workflows besides `roadmap`, as `package.module:attribute`, with commas."
        " Every process must be able to import them.",
    )
    content_concurrency: Count = Field(
        default=10,
        description="Titles of a task that are worked on at a time, each with all its contents.",
    )
    step_timeout_s: LongSeconds = Field(
        default=900,
        description="Limit of one step, and of one content; the wait for a turn is not counted.",
    )
    step_threads: Count = Field(
        default=32,
        description="Functions of own workflows without `async` that run at a time, each in a"
        " thread, per worker process.",
    )
    task_timeout_s: LongSeconds = Field(
        default=6 * 3600, description="Limit of one run of a task, the review's wait not counted."
    )
    pass_environment: Words = Field(
        default=(),
        description="Variables of the environment that the processes of `roadmap up` get besides"
        " the usual ones, for own workflows: names or patterns such as `SHOP_*`, with commas.",
    )
    lease_s: Seconds = Field(
        default=30, description="A worker silent for this long has lost its tasks."
    )
    shutdown_grace_s: float = Field(
        default=20,
        ge=0,
        le=A_DAY_S,
        allow_inf_nan=False,
        description="How long a stopping worker lets steps finish.",
    )
    publish_timeout_s: Seconds = Field(default=5, description="Guard of one publish to Redis.")
    review_due_hours: Positive = Field(
        default=24, le=MOST_HOURS, description="Hours until a review is due."
    )
    review_on_expiry: ReviewExpiry = Field(
        default=ReviewExpiry.KEEP, description="What happens to a review that is past due."
    )
    max_edit_rounds: int = Field(
        default=3,
        ge=0,
        le=1000,
        description="Automatic edits of an invalid structure before going on.",
    )
    max_attempts: Count = Field(
        default=5,
        description="Workers a task may lose in a row, without progress, before it fails.",
    )
    user_max_active_tasks: Limit = Field(
        default=0,
        description="Tasks of a user that are begun and not ended, at a time; more wait in the"
        " queue. 0 is no limit.",
    )
    user_max_waiting_tasks: Limit = Field(
        default=10_000,
        description="Tasks of a user that may wait in the queue; one more is refused (429). 0 is no"
        " limit.",
    )
    user_requests_per_minute: Limit = Field(
        default=6000,
        description="API requests of a user, over all API processes; admins are exempt. 0 is no"
        " limit.",
    )
    user_max_streams: Count = Field(
        default=2500, description="Live streams (SSE, WebSocket) a user may have open, per process."
    )
    max_streams: Count = Field(
        default=10_000, description="Live streams of all users and admins, per API process."
    )
    event_retention_days: int = Field(
        default=90, ge=1, le=36_500, description="Events of finished tasks are kept this long."
    )
