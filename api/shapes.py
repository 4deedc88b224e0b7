"""What the API answers with, where it adds to what was read: links and rendered texts."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from api.http import PREFIX
from api.mount import base as root
from roadmaps.kinds import ContentKind  # noqa: TC001 - pydantic reads it
from roadmaps.rendering.markdown import SCHEMES
from watching.queries import (
    ConceptPage,
    ConceptView,
    NotificationView,
    ReviewView,
    ScheduleView,
    TaskView,
)
from watching.queries.shapes import UsageView  # noqa: TC001 - ditto

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
                retry=f"{base}/retry",
                cancel=f"{base}/cancel",
                roadmap=None
                if view.roadmap_id is None
                else f"{root()}{PREFIX}/roadmaps/{view.roadmap_id}",
            ),
        )


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


class Review(ReviewView):
    """An open review."""

    links: dict[Literal["self", "task"], str]

    @classmethod
    def of(cls, view: ReviewView) -> Review:
        """Add the links."""
        task = f"{root()}{PREFIX}/tasks/{view.task_id}"
        return cls.model_construct(**dict(view), links={"self": f"{task}/review", "task": task})


class Tutorial(Answer):
    """A text to learn from: Markdown as written, HTML sanitised."""

    markdown: str
    html: str
    version: int


class Resource(Answer):
    """Something to read, watch or do elsewhere."""

    title: str
    url: str
    type: str
    language: str
    why: str
    verified: bool = Field(description="Its address answered when it was checked.")


class Question(Answer):
    """One question; `correct` are positions in `options`."""

    question: str
    kind: str
    options: list[str]
    correct: list[int]
    explanation: str


class Quiz(Answer):
    """Questions about a concept."""

    questions: list[Question]


class Concept(ConceptView):
    """A concept with its contents, each null until it was generated."""

    roadmap_id: UUID
    tutorial: Tutorial | None
    resources: list[Resource] | None
    quiz: Quiz | None
    versions: dict[ContentKind, int] = Field(description="Of the contents shown here.")
    usage: dict[ContentKind, UsageView] = Field(
        description="What the newest version of each content has cost, also of a failed one."
    )

    @classmethod
    def of(cls, page: ConceptPage) -> Concept:
        """Put the contents together, and keep addresses that a page may link to."""
        values = {name: getattr(page, name) for name in ConceptView.model_fields}
        markdown = None if page.tutorial is None else str(page.tutorial.get("markdown", ""))
        return cls.model_validate(
            {
                **{k: _plain(v) for k, v in values.items()},
                "roadmap_id": page.roadmap_id,
                "tutorial": None
                if markdown is None
                else {
                    "markdown": markdown,
                    "html": page.tutorial_html or "",
                    "version": page.versions.get("tutorial", 1),
                },
                "resources": None
                if page.resources is None
                else [r for r in page.resources.get("resources", ()) if _linkable(r)],
                "quiz": page.quiz,
                "versions": page.versions,
                "usage": page.usage,
            }
        )


def _plain(value: Any) -> Any:
    return value.model_dump() if isinstance(value, BaseModel) else value


def _linkable(resource: dict[str, Any]) -> bool:
    scheme, colon, _rest = str(resource.get("url", "")).partition(":")
    return bool(colon) and scheme.lower() in SCHEMES


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
