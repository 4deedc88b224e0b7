"""What can be read about tasks, notifications and maintenance, as the API shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from core.states import Status
from db.task_changes import timestamp
from notifications.event_types import StepName
from notifications.inbox_entry import InboxKind
from watching.line import LineReason

Moment = Annotated[
    datetime,
    PlainSerializer(timestamp, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A time, shown as events show it: UTC, milliseconds, `Z`."""


def _is_missing(value: object) -> bool:
    return value is None


class View(BaseModel):
    """Something that was read; it never changes once made."""

    model_config = ConfigDict(frozen=True)


class ProgressView(View):
    """How far a task is: contents completed, contents in all (0 while unknown), per cent."""

    done: int
    total: int
    percent: float


class TimeLeftView(View):
    """Seconds within which half, and nine tenths, of such tasks were done from here."""

    p50: float
    p90: float


class LineView(View):
    """Where a waiting task stands, and what it waits for."""

    position: int | None = Field(
        description="1 is next; as things stand, whatever may come in between. Null for one that"
        " may not start yet, for one whose worker was lost a moment ago, and while the broker takes"
        " no messages."
    )
    reason: LineReason = Field(
        description="`worker`: that it is its turn and a worker has a free slot; `user_limit`: that"
        " another of its user's tasks ends; `starts_at`: a time; `unknown_workflow`: that a worker"
        " knows its workflow."
    )
    message: str


class TaskErrorView(View):
    """Why a task failed, and at which step."""

    code: str
    message: str
    step: StepName
    trace: str | None = Field(
        default=None,
        exclude_if=_is_missing,
        description="Of an unexpected error: its traceback. Only admins see it.",
    )


class FailedContentView(View):
    """A part whose newest version could not be made."""

    step: StepName
    key: str = Field(description="Names the part within its step.")
    title: str
    kind: str
    concept_id: UUID | None = Field(description="Of roadmaps only: the same as `key`.")
    concept_title: str | None = Field(description="Of roadmaps only.")
    code: str
    message: str
    trace: str | None = Field(
        default=None, exclude_if=_is_missing, description="As that of a task's error."
    )


class UsageView(View):
    """What was spent on model calls."""

    calls: int = Field(description="Requests, retries and repairs included.")
    tokens: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None = Field(description="US dollars; null when a price is not known.")


class StepUsageView(UsageView):
    """What one step cost; `round` counts how often it ran."""

    step: StepName
    round: int


class TaskUsageView(View):
    """What a task cost so far, in all and by step."""

    task_id: UUID
    total: UsageView
    token_limit: int | None = Field(description="Tokens the task may use; null is no limit.")
    steps: list[StepUsageView]


class TaskView(View):
    """A task, from request to terminal status."""

    task_id: UUID
    user_id: str
    workflow: str = Field(description="The name of what it runs.")
    title: str = Field(description="What people call it.")
    goal: str
    status: Status
    current_step: StepName
    roadmap_id: UUID | None
    attempt: int
    review: bool = Field(description="Whether somebody is asked before the parts are made.")
    progress: ProgressView
    time_left_s: TimeLeftView | None = Field(
        description="From how long others took; null without evidence, and while no worker works"
        " on it: `line` or the status then says what it waits for."
    )
    line: LineView | None = Field(
        description="While it waits to be taken by a worker, be it the first or, after one was"
        " lost, the next; else null."
    )
    error: TaskErrorView | None
    failed_contents: list[FailedContentView] = Field(
        description="The first 1,000 of them, in a list of tasks the first 20."
    )
    failed_count: int = Field(description="How many contents failed, named above or not.")
    usage: UsageView
    last_seq: int = Field(description="Number of its newest event.")
    review_due_at: Moment | None = Field(
        description="Until when somebody should decide; null unless it waits for a review."
    )
    created_at: Moment
    starts_at: Moment | None = Field(
        description="It waits until then: its message asked for a later start."
    )
    started_at: Moment | None
    finished_at: Moment | None
    took_s: float | None = Field(
        description="Seconds from when it was asked for, or may begin, to its end, in all its"
        " attempts: waits for workers count, open reviews and the time between an end and a retry"
        " do not. Null before its end."
    )


class NotificationView(View):
    """One entry of a user's inbox."""

    notification_id: UUID
    task_id: UUID
    kind: InboxKind
    message: str
    created_at: Moment
    read_at: Moment | None
    title: str | None = Field(default=None, description="What people call the task.")
    roadmap_id: UUID | None = Field(default=None, description="Where to read what came of it.")


class WorkerView(View):
    """A worker that said lately that it is there, with or without something to do."""

    name: str
    pool: str | None = Field(description="`threads` or `prefork`; null of an older version.")
    slots: int = Field(description="Workflows at a time.")
    spare: int = Field(description="On top of these, of users who have few or none running.")
    tasks: int = Field(description="Tasks that it works on.")
    takes: bool = Field(description="Whether it takes messages at this moment.")
    since: Moment


class UnfinishedView(View):
    """How many tasks of a version of a workflow are to be worked on."""

    workflow: str
    version: int
    tasks: int


class QueueState(View):
    """What waits and who works, as the rows tell it."""

    tasks_by_status: dict[Status, int]
    waiting: int = Field(description="Tasks that a worker could take now.")
    oldest_waiting_s: float | None = Field(description="Age of the oldest of them.")
    running: int = Field(description="Tasks under a live lease.")
    workers: dict[str, int] = Field(description="Live lease owners and how many tasks each holds.")
    fleet: list[WorkerView] = Field(
        description="All workers that said in the last seconds that they are there, idle or not."
    )
    unfinished: list[UnfinishedView] = Field(
        description="Tasks that a worker is to begin or to go on with, by workflow and version."
    )


class ScheduleView(View):
    """A maintenance job: when it runs, and how it went the last time."""

    name: str
    description: str
    if_paused: str = Field(description="What happens while it is paused.")
    interval_s: float
    paused: bool
    next_run_at: Moment | None = Field(
        description="When it is due; null while it is paused. It runs when a scheduler next asks,"
        " a minute later at most."
    )
    last_run_at: Moment | None
    duration_s: float | None
    outcome: dict[str, Any] | None = Field(
        description="What it reported, or `error` with the name of what broke it."
    )
