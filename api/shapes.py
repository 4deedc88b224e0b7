"""What the API answers with, where it adds to what was read: links and rendered texts."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from api.http import PREFIX
from api.mount import base as root
from roadmaps.queries import ReviewView, RoadmapView  # noqa: TC001 - pydantic reads it
from watching.queries import (
    NotificationView,
    ScheduleView,
    TaskView,
)
from watching.queries.parts import PartView
from workflow.open_reviews import OpenReviewView
from workflow.showing import WorkflowView

EVENT_EXAMPLE = {
    "seq": 12,
    "task_id": "01990000-0000-7000-8000-000000000000",
    "type": "content_completed",
    "at": "2026-11-22T10:00:00.123Z",
    "status": "processing",
    "current_step": "content_generation",
    "message": "Tutorial for 'Ownership' is ready",
    "progress": {"done": 7, "total": 90, "percent": 17.0},
    "data": {
        "concept_id": "01990000-0000-7000-8000-000000000001",
        "concept_title": "Ownership",
        "kind": "tutorial",
        "version": 1,
    },
}


class Answer(BaseModel):
    """A response body."""

    model_config = ConfigDict(frozen=True)


class TaskLinks(Answer):
    """Where to go from a task; paths on this server."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    self_: str = Field(alias="self")
    events: str
    stream: str
    ws: str
    review: str
    usage: str
    results: str
    parts: str
    retry: str
    cancel: str
    roadmap: str | None


class Task(TaskView):
    """A task, from request to terminal status."""

    links: TaskLinks

    @classmethod
    def of(cls, view: TaskView) -> Task:
        """Add the links."""
        base = f"{root()}{PREFIX}/tasks/{view.task_id}"
        return cls.model_construct(
            **dict(view),
            links=TaskLinks(
                self_=base,
                events=f"{base}/events",
                stream=f"{base}/stream",
                ws=f"{root()}{PREFIX}/ws/tasks/{view.task_id}",
                review=f"{base}/review",
                usage=f"{base}/usage",
                results=f"{base}/results",
                parts=f"{base}/parts",
                retry=f"{base}/retry",
                cancel=f"{base}/cancel",
                roadmap=None
                if view.roadmap_id is None
                else f"{root()}{PREFIX}/roadmaps/{view.roadmap_id}",
            ),
        )


class WorkflowList(Answer):
    """All workflows that can be asked for."""

    workflows: list[WorkflowView]


class PartList(Answer):
    """A page of a task's parts, in the order of steps and lists."""

    parts: list[PartView]
    next_cursor: str | None = Field(description="Give it as `cursor`; null on the last page.")


class TaskList(Answer):
    """A page of tasks, newest first."""

    tasks: list[Task]
    next_cursor: str | None = Field(description="Give it as `cursor`; null on the last page.")


Event = Annotated[dict[str, Any], WithJsonSchema({"$ref": "#/components/schemas/TaskEvent"})]
"""An event as it was committed: described in full, not checked a second time on its way out."""


class EventList(Answer):
    """Events in order."""

    events: list[Event] = Field(examples=[[EVENT_EXAMPLE]])
    next_after: int = Field(description="Give it as `after` to go on from here.")


class Review(OpenReviewView):
    """An open review."""

    roadmap: RoadmapView | None = Field(
        description="The structure in question; null for other workflows, which have a `value`."
    )
    diff: list[dict[str, Any]] | None = Field(
        description="Of a roadmap: changes since the previous round's version; null in the first"
        " round."
    )
    issues: list[str] = Field(
        description="Of a roadmap: what the last validation still found fault with."
    )
    links: dict[Literal["self", "task"], str]

    @classmethod
    def of_view(cls, view: OpenReviewView, roadmap: ReviewView | None) -> Review:
        """Add the links and, of a roadmap, its structure."""
        task = f"{root()}{PREFIX}/tasks/{view.task_id}"
        return cls.model_construct(
            **dict(view),
            roadmap=None if roadmap is None else roadmap.roadmap,
            diff=None if roadmap is None else roadmap.diff,
            issues=roadmap.issues if roadmap else [],
            links={"self": f"{task}/review", "task": task},
        )


class Notifications(Answer):
    """A page of an inbox, newest first."""

    notifications: list[NotificationView]
    unread: int
    next_cursor: str | None


class UnreadCount(Answer):
    """How many notifications were not read yet."""

    unread: int


class MarkedRead(Answer):
    """How many notifications were marked as read now."""

    marked: int


class TicketRequest(BaseModel):
    """What a ticket is for: one task's streams, or all of one's own streams."""

    model_config = ConfigDict(extra="forbid")

    task_id: UUID | None = None


class TicketAnswer(Answer):
    """A credential for `?ticket=` on streams; `expires_in` in seconds."""

    ticket: str
    expires_in: int


class ScheduleList(Answer):
    """All maintenance jobs."""

    schedules: list[ScheduleView]
