"""The shapes of stored JSON: what is read from it later must be there now."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, Field, TypeAdapter, ValidationError, model_validator
from sqlalchemy import select

from core.errors import InvalidRequestError
from core.states import ContentStatus, Step
from db.models import Checkpoint, Outline, Part, Review, RoadmapTask, TaskEvent
from notifications.events import parse_event
from roadmaps import outline
from roadmaps.outputs import EditPlan, IntentAnalysis, Issue
from roadmaps.requests import Edit, TaskRequest
from roadmaps.steps.names import RoadmapStep
from workflow.audit.kinds import Finding, Kind

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from uuid import UUID

    from sqlalchemy import Select
    from sqlalchemy.ext.asyncio import AsyncSession

EVENTS_AT_A_TIME: Final = 500
BODIES_AT_A_TIME: Final = 50


class _Error(BaseModel):
    code: str
    message: str


class _TaskError(_Error):
    step: str


class _Tutorial(BaseModel):
    markdown: str = Field(min_length=1)


class _Resource(BaseModel):
    title: str
    url: str
    type: str
    language: str
    why: str
    verified: bool


class _Resources(BaseModel):
    resources: list[_Resource]


class _Question(BaseModel):
    question: str
    kind: str
    options: list[str] = Field(min_length=2)
    correct: list[int] = Field(min_length=1)
    explanation: str

    @model_validator(mode="after")
    def _in_range(self) -> _Question:
        if not all(0 <= position < len(self.options) for position in self.correct):
            raise ValueError("`correct` names no option")
        return self


class _Quiz(BaseModel):
    questions: list[_Question] = Field(min_length=1)


class _Version(BaseModel):
    version: int


class _Validation(_Version):
    valid: bool
    issues: list[Issue]


class _Plan(EditPlan):
    source: str
    feedback: str


class _Decision(_Version):
    decision: str
    review_id: str


_BODIES: Final[dict[str, type[BaseModel]]] = {
    "tutorial": _Tutorial,
    "resources": _Resources,
    "quiz": _Quiz,
}
_OUTPUTS: Final[dict[str, type[BaseModel]]] = {
    RoadmapStep.INTENT_ANALYSIS: IntentAnalysis,
    RoadmapStep.CURRICULUM_DESIGN: _Version,
    RoadmapStep.STRUCTURE_VALIDATION: _Validation,
    RoadmapStep.EDIT_PLAN_ANALYSIS: _Plan,
    RoadmapStep.ROADMAP_EDIT: _Version,
    Step.HUMAN_REVIEW: _Decision,
}
_EDITS: Final[TypeAdapter[Any]] = TypeAdapter(list[Edit])


async def look_at_shapes(session: AsyncSession, task_ids: Sequence[UUID]) -> list[Finding]:
    """Return what of these tasks' JSON cannot be read, a page of rows at a time."""
    looks: list[tuple[Kind, Select[Any], int, Callable[[Any], None]]] = [
        (
            Kind.REQUEST_SHAPE,
            select(RoadmapTask.task_id, RoadmapTask.request, RoadmapTask.error).where(
                RoadmapTask.task_id.in_(task_ids)
            ),
            BODIES_AT_A_TIME,
            _task,
        ),
        (
            Kind.EVENT_SHAPE,
            select(TaskEvent.task_id, TaskEvent.seq, TaskEvent.type, TaskEvent.payload).where(
                TaskEvent.task_id.in_(task_ids)
            ),
            EVENTS_AT_A_TIME,
            _event,
        ),
        (
            Kind.CHECKPOINT_SHAPE,
            select(Checkpoint.task_id, Checkpoint.step, Checkpoint.output).where(
                Checkpoint.task_id.in_(task_ids)
            ),
            BODIES_AT_A_TIME,
            lambda row: _fits(_OUTPUTS.get(row.step), row.output),
        ),
        (
            Kind.REVIEW_SHAPE,
            select(Review.task_id, Review.decision, Review.edits).where(
                Review.task_id.in_(task_ids), Review.edits.is_not(None)
            ),
            BODIES_AT_A_TIME,
            lambda row: _EDITS.validate_python(row.edits),
        ),
        (
            Kind.OUTLINE_SHAPE,
            select(RoadmapTask.task_id, Outline.outline)
            .join(Outline, Outline.roadmap_id == RoadmapTask.roadmap_id)
            .where(RoadmapTask.task_id.in_(task_ids)),
            BODIES_AT_A_TIME,
            lambda row: _fits(outline.Outline, row.outline),
        ),
        (
            Kind.CONTENT_SHAPE,
            select(
                RoadmapTask.task_id,
                Part.content_id,
                Part.kind,
                Part.status,
                Part.body,
                Part.error,
            )
            .join(Part, Part.task_id == RoadmapTask.task_id)
            .where(RoadmapTask.task_id.in_(task_ids)),
            BODIES_AT_A_TIME,
            _content,
        ),
    ]
    findings: list[Finding] = []
    for kind, statement, page, check in looks:
        findings += [
            Finding(kind=kind, key=row.task_id, detail=_which(row) + said)
            async for row in _rows(session, statement, page)
            if (said := _said(check, row))
        ]
    return findings


async def _rows(session: AsyncSession, statement: Select[Any], page: int) -> AsyncIterator[Any]:
    """Yield rows without holding many of them, and without holding up the event loop."""
    result = await session.stream(statement, execution_options={"yield_per": page})
    async for rows in result.partitions():
        for row in rows:
            yield row
        await asyncio.sleep(0)


def _said(check: Callable[[Any], None], row: Any) -> str | None:
    """Return what is wrong with a row's JSON: where and why, never its text."""
    try:
        check(row)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{where}: {first['type']}" if where else str(first["type"])
    except ValueError as error:
        return str(error)
    return None


def _which(row: Any) -> str:
    for name, title in (("seq", "event"), ("content_id", "content"), ("step", "step")):
        if hasattr(row, name):
            return f"{title} {getattr(row, name)}: "
    return ""


def _fits(model: type[BaseModel] | None, value: Any) -> None:
    if model is None:
        raise ValueError("unknown")
    model.model_validate(value)


def _task(row: Any) -> None:
    if row.error is not None:
        _TaskError.model_validate(row.error)
        if row.error["code"] == InvalidRequestError.code:
            return  # the task failed because of its invalid request
    TaskRequest.model_validate(row.request)


def _event(row: Any) -> None:
    event = parse_event(row.payload)
    if (event.seq, event.task_id) != (row.seq, row.task_id) or row.payload["type"] != row.type:
        raise ValueError("its payload is another event's")


def _content(row: Any) -> None:
    if row.status == ContentStatus.COMPLETED:
        _fits(_BODIES.get(row.kind), row.body)
    if row.status == ContentStatus.FAILED:
        _fits(_Error, row.error)
