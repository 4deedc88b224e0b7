"""Reads how a task stands, for a test to look at, in the types that its workflow gave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from core.states import Status, Step
from core.usage import Usage
from db.models import Part, RoadmapTask, TaskEvent
from db.repositories.parts import newest_parts
from db.repositories.tasks import checkpoints
from db.session import retrying_read
from workflow.authoring.compiled import Compiled
from workflow.authoring.parts import collected
from workflow.registry import definition_of
from workflow.testing.seen import SeenEvent, SeenPart, SeenParts, SeenTask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from db.models import Checkpoint
    from workflow.authoring import Parts
    from workflow.definition import Definition
    from workflow.testing.author import Asked


async def seen_task(
    task_id: UUID, *, asked: Sequence[Asked] = (), tracebacks: Sequence[str] = ()
) -> SeenTask:
    """Read a task."""

    async def read(session: AsyncSession) -> SeenTask:
        row = await session.get_one(RoadmapTask, task_id)
        done = await checkpoints(session, task_id)
        parts = await newest_parts(session, task_id, bodies=True)
        events = await session.scalars(
            select(TaskEvent.payload).where(TaskEvent.task_id == task_id).order_by(TaskEvent.seq)
        )
        definition = definition_of(row.workflow)
        seen = SeenParts([_part(definition, part) for part in _by_step(definition, parts)])
        return SeenTask(
            task_id=task_id,
            workflow=row.workflow,
            title=row.title or row.goal,
            status=str(Status(row.status)),
            current_step=row.current_step,
            attempt=row.attempt,
            error=row.error,
            request=definition.request.model_validate(row.request),
            results=_results(
                definition,
                done,
                seen,
                ended=row.status in {Status.COMPLETED, Status.PARTIAL_FAILURE},
            ),
            parts=seen,
            events=tuple(SeenEvent(each) for each in events),
            usage=Usage.of(row),
            asked=tuple(asked),
            tracebacks=tuple(tracebacks),
        )

    return await retrying_read(read)


def _by_step(definition: Definition, parts: Sequence[Part]) -> list[Part]:
    """Return parts in the order of the steps that make them."""
    place = {step: number for number, step in enumerate(definition.parts)}
    return sorted(parts, key=lambda part: place.get(part.step, len(place)))


def _part(definition: Definition, part: Part) -> SeenPart:
    made = part.status == "completed" and part.body is not None
    return SeenPart(
        step=part.step,
        key=part.key,
        kind=part.kind,
        title=part.title,
        status=part.status,
        version=part.version,
        value=_typed_part(definition, part.step, part.kind, part.body or {}) if made else None,
        error=part.error,
    )


def _results(
    definition: Definition, done: Sequence[Checkpoint], seen: SeenParts, *, ended: bool
) -> dict[str, Any]:
    results = {
        each.step: typed_result(definition, each.step, each.output)
        for each in done
        if each.step != Step.HUMAN_REVIEW and each.step not in definition.parts
    }
    for step in definition.parts:
        parts = [part for part in seen.all if part.step == step]
        if parts or ended:
            results[step] = _parts_of(definition, step, parts)
    return results


async def status_of(task_id: UUID) -> Status:
    """Return how a task stands."""
    row = await retrying_read(lambda session: session.get_one(RoadmapTask, task_id))
    return Status(row.status)


def typed_result(definition: Definition, step: str, output: Mapping[str, Any]) -> Any:
    """Return what a step gave."""
    if isinstance(definition, Compiled):
        return definition.declared[step].codec.read(output, what=f"the result of {step!r}")
    model = definition.audit.outputs.get(step)
    return dict(output) if model is None else model.model_validate(output)


def _typed_part(definition: Definition, step: str, kind: str, body: Mapping[str, Any]) -> Any:
    """Return what was made of a part."""
    if isinstance(definition, Compiled):
        return definition.declared[step].codec.read(body, what=f"the {kind} of {step!r}")
    model = definition.audit.bodies.get(kind) if step in definition.parts else None
    return dict(body) if model is None else model.model_validate(body)


def _parts_of(definition: Definition, step: str, parts: Sequence[SeenPart]) -> Parts[Any]:
    """Return the parts of a step as later steps get them."""
    made = definition.parts[step]
    return collected(
        ((part.key, part.kind, part.value) for part in parts if part.status == "completed"),
        ((part.key, part.kind, part.error) for part in parts if part.error is not None),
        kinds=made.kinds if made.by_kind else (),
    )
