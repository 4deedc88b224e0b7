"""The leases of workers on tasks, all by the database's clock."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import ARRAY, BigInteger, bindparam, select, text
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from core.states import Status
from db.models import RoadmapTask

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

# One statement for all leases of a process: renews what is still ours and due, and tells what is
# not ours any more (taken over, cancelled). A row that somebody has locked is left for the next
# heartbeat, or whoever holds one for long would cost this process the leases of all the others.
_RENEW: Final = text(
    """
    WITH mine AS (
        SELECT * FROM unnest(:task_ids, :epochs) AS mine(task_id, epoch)
    ), held AS (
        SELECT t.task_id FROM roadmap_tasks t JOIN mine USING (task_id)
        WHERE t.epoch = mine.epoch AND t.status = 'processing' AND t.lease_owner IS NOT NULL
    ), due AS (
        SELECT t.task_id FROM roadmap_tasks t JOIN mine USING (task_id)
        WHERE t.epoch = mine.epoch AND t.status = 'processing' AND t.lease_owner IS NOT NULL
          AND t.lease_until < clock_timestamp() + :due
        ORDER BY t.task_id FOR NO KEY UPDATE OF t SKIP LOCKED
    ), renewed AS (
        UPDATE roadmap_tasks t SET lease_until = clock_timestamp() + :lease
        FROM due WHERE t.task_id = due.task_id
        RETURNING t.task_id
    )
    SELECT mine.task_id FROM mine
    WHERE NOT EXISTS (SELECT 1 FROM held WHERE held.task_id = mine.task_id)
    """
).bindparams(
    bindparam("task_ids", type_=ARRAY(PG_UUID(as_uuid=True))),
    bindparam("epochs", type_=ARRAY(BigInteger)),
)


async def renew(
    session: AsyncSession, held: Sequence[tuple[UUID, int]], *, lease_s: float
) -> set[UUID]:
    """Renew the leases `(task id, epoch)` and return the tasks that are no longer held.

    A lease is rewritten only when a third of it is gone, however often this is asked.
    """
    lost = await session.scalars(
        _RENEW,
        {
            "task_ids": [task_id for task_id, _ in held],
            "epochs": [epoch for _, epoch in held],
            "lease": timedelta(seconds=lease_s),
            "due": timedelta(seconds=lease_s * 2 / 3),
        },
    )
    return set(lost)


async def waits(session: AsyncSession, task_id: UUID) -> bool:
    """Tell, without a lock, whether a worker could take a task: it exists, unfinished, not held."""
    statement = select(RoadmapTask.task_id).where(
        RoadmapTask.task_id == task_id,
        RoadmapTask.status.in_([Status.PENDING, Status.PROCESSING]),
        text("(lease_until IS NULL OR lease_until < clock_timestamp())"),
    )
    return (await session.execute(statement)).first() is not None


async def expired(session: AsyncSession, *, limit: int) -> list[UUID]:
    """Return tasks whose worker has been silent for longer than its lease."""
    statement = (
        select(RoadmapTask.task_id)
        .where(
            RoadmapTask.status == Status.PROCESSING,
            RoadmapTask.lease_until < text("clock_timestamp()"),
        )
        .order_by(RoadmapTask.lease_until)
        .limit(limit)
    )
    return list(await session.scalars(statement))
