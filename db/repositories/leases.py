"""The leases of workers on tasks, all by the database's clock."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import ARRAY, BigInteger, bindparam, select, text
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from db.models import RoadmapTask

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

_PROCESSING: Final = text("status = 'processing'")
"""Spelled out, as in its index: a plan for any status could not use that."""

# One statement for all leases of a process: renews what is still ours and due, and tells what is
# not held any more: taken over or cancelled, or ended under our own epoch, by ourselves. A row that
# somebody has locked is left for the next heartbeat, or whoever holds one for long would cost this
# process the leases of all the others.
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
          AND (t.lease_until < clock_timestamp() + :due
            OR CASE WHEN t.life_epoch = t.epoch THEN t.life END IS DISTINCT FROM :life)
        ORDER BY t.task_id FOR NO KEY UPDATE OF t SKIP LOCKED
    ), renewed AS (
        UPDATE roadmap_tasks t SET lease_until = clock_timestamp() + :lease,
            life = :life, life_epoch = CASE WHEN :life IS NOT NULL THEN t.epoch END
        FROM due WHERE t.task_id = due.task_id
        RETURNING t.task_id
    )
    SELECT mine.task_id, EXISTS (
        SELECT 1 FROM roadmap_tasks t WHERE t.task_id = mine.task_id AND t.epoch = mine.epoch
    ) AS ended FROM mine
    WHERE NOT EXISTS (SELECT 1 FROM held WHERE held.task_id = mine.task_id)
    """
).bindparams(
    bindparam("task_ids", type_=ARRAY(PG_UUID(as_uuid=True))),
    bindparam("epochs", type_=ARRAY(BigInteger)),
    bindparam("life", type_=BigInteger),
)

# What a process asks every second: since when the server is up, also after a crash that its main
# process survived, and whose locks are free that hold leases. `$1` is the asking process's life.
LOOK: Final = """
    WITH locks AS MATERIALIZED (
        SELECT (classid::bigint << 32) | objid::bigint AS life FROM pg_locks
        WHERE locktype = 'advisory' AND objsubid = 1 AND granted
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    )
    SELECT
        extract(epoch FROM clock_timestamp() - greatest(
            pg_postmaster_start_time(), (SELECT stats_reset FROM pg_stat_bgwriter)
        ))::float8 AS up_s,
        ARRAY(
            SELECT DISTINCT life FROM roadmap_tasks task
            WHERE status = 'processing' AND lease_until IS NOT NULL AND life_epoch = epoch
              AND life <> $1 AND NOT EXISTS (SELECT FROM locks WHERE locks.life = task.life)
        ) AS ended
"""


async def renew(
    session: AsyncSession,
    held: Sequence[tuple[UUID, int]],
    *,
    lease_s: float,
    life: int | None = None,
) -> dict[UUID, bool]:
    """Renew the leases `(task id, epoch)` and return the tasks that are no longer held.

    A lease is rewritten only when a third of it is gone, however often this is asked, or when
    `life` is not the one that it was written with.

    Returns:
        Whether each of them ended under this epoch, as it does by its holder's own last commit;
        else it was taken away.
    """
    unheld = await session.execute(
        _RENEW,
        {
            "task_ids": [task_id for task_id, _ in held],
            "epochs": [epoch for _, epoch in held],
            "lease": timedelta(seconds=lease_s),
            "due": timedelta(seconds=lease_s * 2 / 3),
            "life": life,
        },
    )
    return {task_id: ended for task_id, ended in unheld}  # noqa: C416 - rows are no pairs


async def expired(session: AsyncSession, *, limit: int) -> list[UUID]:
    """Return tasks whose worker has been silent for longer than its lease."""
    statement = (
        select(RoadmapTask.task_id)
        .where(
            _PROCESSING,
            RoadmapTask.lease_until < text("clock_timestamp()"),
        )
        .order_by(RoadmapTask.lease_until)
        .limit(limit)
    )
    return list(await session.scalars(statement))


async def held_in(session: AsyncSession, lives: Sequence[int]) -> list[UUID]:
    """Return the tasks that are held in these lives."""
    statement = select(RoadmapTask.task_id).where(
        _PROCESSING,
        RoadmapTask.lease_until.is_not(None),
        RoadmapTask.life.in_(lives),
        RoadmapTask.life_epoch == RoadmapTask.epoch,
    )
    return list(await session.scalars(statement))
