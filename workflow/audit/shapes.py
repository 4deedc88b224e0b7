"""The shapes of stored JSON: what is read from it later must be there now."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ValidationError
from sqlalchemy import select

from core.errors import InvalidRequestError
from core.states import ContentStatus, Step
from db.models import Checkpoint, Part, Review, RoadmapTask, TaskEvent
from notifications.events import parse_event
from workflow.audit.kinds import Finding
from workflow.audit_rules import Kind, Look

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from uuid import UUID

    from sqlalchemy import Select
    from sqlalchemy.ext.asyncio import AsyncSession

    from workflow.audit_rules import AuditRules
    from workflow.definition import Definition

EVENTS_AT_A_TIME: Final = 500
BODIES_AT_A_TIME: Final = 50


class _Error(BaseModel):
    code: str
    message: str


class _TaskError(_Error):
    step: str


class _Decided(BaseModel):
    version: int
    decision: str
    review_id: str | None = None
    """None where the task asks for no review."""


async def look_at_shapes(
    session: AsyncSession, task_ids: Sequence[UUID], definitions: Sequence[Definition]
) -> list[Finding]:
    """Return what of these tasks' JSON cannot be read, a page of rows at a time.

    Tasks of workflows and versions that are not known here are left out: nobody can tell their
    shapes.
    """
    wanted = select(RoadmapTask.task_id, RoadmapTask.workflow, RoadmapTask.workflow_version).where(
        RoadmapTask.task_id.in_(task_ids)
    )
    by_workflow: dict[str, list[tuple[UUID, int]]] = defaultdict(list)
    for task_id, workflow, version in await session.execute(wanted):
        by_workflow[workflow].append((task_id, version))
    findings: list[Finding] = []
    for definition in definitions:
        own = [
            task_id
            for task_id, version in by_workflow[definition.name]
            if definition.reads(version)
        ]
        for look in _looks(definition, definition.audit) if own else ():
            findings += [
                Finding(kind=look.kind, key=row.task_id, detail=_which(row) + said)
                async for row in _rows(session, look.rows(own), look.at_a_time)
                if (said := _said(look.check, row))
            ]
    return findings


def _looks(definition: Definition, rules: AuditRules) -> list[Look]:
    def task(row: Any) -> None:
        if row.error is not None:
            _TaskError.model_validate(row.error)
            if row.error["code"] == InvalidRequestError.code:
                return  # it was refused for just that
        definition.request.model_validate(row.request)

    def edits(row: Any) -> None:
        if rules.edits is not None:
            rules.edits.validate_python(row.edits)

    return [
        Look(
            kind=Kind.REQUEST_SHAPE,
            rows=lambda ids: select(
                RoadmapTask.task_id, RoadmapTask.request, RoadmapTask.error
            ).where(RoadmapTask.task_id.in_(ids)),
            at_a_time=BODIES_AT_A_TIME,
            check=task,
        ),
        Look(
            kind=Kind.EVENT_SHAPE,
            rows=lambda ids: select(
                TaskEvent.task_id, TaskEvent.seq, TaskEvent.type, TaskEvent.payload
            ).where(TaskEvent.task_id.in_(ids)),
            at_a_time=EVENTS_AT_A_TIME,
            check=_event,
        ),
        Look(
            kind=Kind.CHECKPOINT_SHAPE,
            rows=lambda ids: select(Checkpoint.task_id, Checkpoint.step, Checkpoint.output).where(
                Checkpoint.task_id.in_(ids)
            ),
            at_a_time=BODIES_AT_A_TIME,
            check=lambda row: _checkpoint(row, definition),
        ),
        Look(
            kind=Kind.REVIEW_SHAPE,
            rows=lambda ids: select(Review.task_id, Review.decision, Review.edits).where(
                Review.task_id.in_(ids), Review.edits.is_not(None)
            ),
            at_a_time=BODIES_AT_A_TIME,
            check=edits,
        ),
        Look(
            kind=Kind.CONTENT_SHAPE,
            rows=lambda ids: select(
                Part.task_id,
                Part.content_id,
                Part.step,
                Part.kind,
                Part.status,
                Part.body,
                Part.error,
            ).where(Part.task_id.in_(ids)),
            at_a_time=BODIES_AT_A_TIME,
            check=lambda row: _part(row, definition),
        ),
        *rules.looks,
    ]


def _checkpoint(row: Any, definition: Definition) -> None:
    if row.step == Step.HUMAN_REVIEW:
        _Decided.model_validate(row.output)
    elif row.step in definition.steps or row.step in definition.parts:
        definition.check_output(row.step, row.output)
    else:
        raise ValueError("unknown")


def _part(row: Any, definition: Definition) -> None:
    if row.status == ContentStatus.COMPLETED:
        definition.check_body(row.step, row.kind, row.body)
    if row.status == ContentStatus.FAILED:
        _Error.model_validate(row.error)


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


def _event(row: Any) -> None:
    event = parse_event(row.payload)
    if (event.seq, event.task_id) != (row.seq, row.task_id) or row.payload["type"] != row.type:
        raise ValueError("its payload is another event's")
