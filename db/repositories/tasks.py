"""What a workflow goes on from, and the names of its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from sqlalchemy import ARRAY, bindparam, func, select
from sqlalchemy.dialects.postgresql import UUID as PG_UUID
from sqlalchemy.dialects.postgresql import insert

from core.states import RESERVED
from db.models import Checkpoint, RoadmapTask, WorkflowStep
from db.raw import known_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from sqlalchemy import Table
    from sqlalchemy.ext.asyncio import AsyncSession

    from db.raw import Raw

STEPS: Final = cast("Table", WorkflowStep.__table__)
_OF_MANY: Final = """
    SELECT task_id, position, step, input_digest, output FROM checkpoints
    WHERE task_id = ANY($1::uuid[]) ORDER BY task_id, position
"""


async def statuses_of(session: AsyncSession, task_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the statuses of those of these tasks that have a row."""
    wanted = bindparam("task_ids", list(task_ids), type_=ARRAY(PG_UUID(as_uuid=True)))
    statement = select(RoadmapTask.task_id, RoadmapTask.status).where(
        RoadmapTask.task_id == func.any(wanted)
    )
    return {row.task_id: row.status for row in await session.execute(statement)}


async def checkpoints(session: AsyncSession, task_id: UUID) -> Sequence[Checkpoint]:
    """Return a task's checkpoints in the order in which the steps ended."""
    statement = (
        select(Checkpoint).where(Checkpoint.task_id == task_id).order_by(Checkpoint.position)
    )
    return (await session.scalars(statement)).all()


class Stored(NamedTuple):
    """What a plan goes by of a checkpoint."""

    position: int
    step: str
    input_digest: str
    output: Any


async def checkpoints_of(raw: Raw, task_ids: Sequence[UUID]) -> dict[UUID, list[Stored]]:
    """Return the checkpoints of many tasks; a task that has none is left out."""
    found: dict[UUID, list[Stored]] = {}
    with known_errors(raw):
        for task_id, *stored in await raw.fetch(_OF_MANY, list(task_ids)):
            found.setdefault(task_id, []).append(Stored(*stored))
    return found


async def keep_steps(session: AsyncSession, workflow: str, steps: Iterable[str]) -> None:
    """Add the names that are not there yet; those of earlier versions stay."""
    rows = [{"workflow": workflow, "step": step} for step in sorted({*steps, *RESERVED})]
    await session.execute(insert(STEPS).on_conflict_do_nothing(), rows)
