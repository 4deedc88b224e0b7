"""What waits, who works, as the rows tell it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from core.states import Status
from db.session import read_session
from workflow.queries.shapes import QueueState

_BY_STATUS = text("SELECT status, count(*) FROM roadmap_tasks GROUP BY status")
_WAITING = text(
    """
    SELECT count(*), extract(epoch FROM clock_timestamp() - min(
        CASE WHEN status = 'pending' THEN created_at ELSE updated_at END))
    FROM roadmap_tasks
    WHERE status = 'pending'
       OR status = 'processing' AND (lease_until IS NULL OR lease_until < clock_timestamp())
    """
)
_WORKERS = text(
    """
    SELECT lease_owner, count(*) FROM roadmap_tasks
    WHERE status = 'processing' AND lease_until >= clock_timestamp() GROUP BY lease_owner
    """
)

_JOB_AGES = text(
    """
    SELECT name, extract(epoch FROM clock_timestamp() - last_run_at)
    FROM schedules WHERE last_run_at IS NOT NULL AND NOT paused
    """
)


async def job_ages() -> dict[str, float]:
    """Return how many seconds ago each maintenance job last ran, wherever that was."""
    async with read_session() as session:
        return {name: float(age) for name, age in _pairs(await session.execute(_JOB_AGES))}


async def queue_state() -> QueueState:
    """Return how many tasks stand where, what waits for a worker, and who holds leases."""
    async with read_session() as session:
        statuses: dict[str, int] = dict(_pairs(await session.execute(_BY_STATUS)))
        waiting, oldest = (await session.execute(_WAITING)).one()
        workers = dict(_pairs(await session.execute(_WORKERS)))
    return QueueState(
        tasks_by_status={status: statuses.get(status, 0) for status in Status},
        waiting=waiting,
        oldest_waiting_s=None if oldest is None else round(float(oldest), 3),
        running=sum(workers.values()),
        workers=workers,
    )


def _pairs(rows: Any) -> list[tuple[Any, Any]]:
    return [(row[0], row[1]) for row in rows]
