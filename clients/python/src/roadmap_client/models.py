"""What the API answers with. Fields that a newer API adds are kept as they came."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

TERMINAL_STATUSES: Final = frozenset({"completed", "partial_failure", "failed", "cancelled"})
"""A task in one of these does nothing more until it is retried."""
TERMINAL_TYPES: Final = frozenset(
    {"task_completed", "task_partially_failed", "task_failed", "task_cancelled"}
)
"""The types of the events that end an attempt."""


def _as_sent(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Moment = Annotated[datetime, PlainSerializer(_as_sent, return_type=str, when_used="json")]
"""A time, aware, by the server's clock."""


class Answer(BaseModel):
    """Anything the API says."""

    model_config = ConfigDict(extra="allow", frozen=True)

    def document(self) -> dict[str, Any]:
        """Return it as the JSON document that the API sent."""
        return self.model_dump(mode="json", exclude_unset=True)


class Progress(Answer):
    """How far a task is: contents completed, contents in all (0 while unknown), per cent."""

    done: int
    total: int
    percent: float


class Event(Answer):
    """Something that happened to a task.

    Committed events have a `seq`, 1, 2, 3 … per task without gaps. Transient ones, such as
    `content_delta`, have none, are never stored and may be dropped. Types that this client does not
    know are passed on like the others.
    """

    task_id: str
    type: str
    at: Moment
    seq: int | None = None
    status: str | None = None
    current_step: str | None = None
    message: str = ""
    progress: Progress | None = None
    data: dict[str, Any] = Field(default_factory=dict)

    @property
    def terminal(self) -> bool:
        """Whether it ends the attempt."""
        return self.type in TERMINAL_TYPES


class EventPage(Answer):
    """Events in order, and the number to ask for more with."""

    events: list[Event]
    next_after: int


class TimeLeft(Answer):
    """Seconds within which half, and nine tenths, of such tasks were done from here."""

    p50: float
    p90: float


class Line(Answer):
    """Where a waiting task stands (1 is next), and what it waits for.

    The position is None for a task that may not start yet; `reason` is `worker`, `user_limit` or
    `starts_at`.
    """

    position: int | None
    reason: str
    message: str = ""


class TaskError(Answer):
    """Why a task failed, and at which step."""

    code: str
    message: str
    step: str


class FailedContent(Answer):
    """A content that could not be written."""

    concept_id: str
    kind: str
    code: str
    message: str


class Usage(Answer):
    """What a task cost: model calls and tokens."""

    calls: int
    tokens: int


class Task(Answer):
    """A task, from request to terminal status."""

    task_id: str
    user_id: str | None = None
    goal: str
    status: str
    current_step: str
    roadmap_id: str | None
    progress: Progress
    time_left_s: TimeLeft | None = None
    line: Line | None = None
    error: TaskError | None = None
    failed_contents: list[FailedContent] = []
    """The first ones; `failed_count` tells how many there are."""
    failed_count: int = 0
    usage: Usage | None = None
    last_seq: int = 0
    created_at: Moment
    started_at: Moment | None = None
    finished_at: Moment | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more happens until a retry."""
        return self.status in TERMINAL_STATUSES


class TaskPage(Answer):
    """Tasks, newest first; `next_cursor` is None on the last page."""

    tasks: list[Task]
    next_cursor: str | None = None


class ContentError(Answer):
    """Why a content could not be written."""

    code: str
    message: str = ""


class ContentState(Answer):
    """Where one content is: `pending`, `running`, `completed` or `failed`."""

    status: str
    version: int | None = None
    error: ContentError | None = None


class ContentStates(Answer):
    """The states of a concept's three contents."""

    tutorial: ContentState
    resources: ContentState
    quiz: ContentState


class Concept(Answer):
    """One thing to learn."""

    concept_id: str
    title: str
    description: str = ""
    estimated_hours: float = 0
    difficulty: str = ""
    prerequisites: list[str] = []
    contents: ContentStates


class Module(Answer):
    """A group of concepts."""

    module_id: str
    title: str
    concepts: list[Concept]


class Stage(Answer):
    """A part of the way."""

    stage_id: str
    title: str
    modules: list[Module]


class Roadmap(Answer):
    """A roadmap's tree with the states of its contents."""

    roadmap_id: str
    task_id: str
    title: str
    summary: str = ""
    version: int
    stages: list[Stage]

    def concepts(self) -> list[Concept]:
        """Return its concepts in reading order."""
        modules = (module for stage in self.stages for module in stage.modules)
        return [concept for module in modules for concept in module.concepts]


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
    verified: bool


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


class ConceptPage(Concept):
    """A concept with its contents, each None until it was generated."""

    tutorial: Tutorial | None = None
    resources: list[Resource] | None = None
    quiz: Quiz | None = None


class Review(Answer):
    """An open review: the structure in question, and what changed since the last round."""

    review_id: str
    version: int
    due_at: Moment | None = None
    roadmap: Roadmap
    diff: list[dict[str, Any]] | None = None
    issues: list[str] = []
