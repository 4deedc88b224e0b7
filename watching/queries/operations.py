"""Counts what waits and who works, from the tables."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from sqlalchemy import select, text

from core.jobs import JOBS, JobName
from core.settings import get_settings
from core.states import Status
from db.models import Schedule
from db.repositories.line_bounds import SILENT_S, UNLIMITED
from db.session import read_session
from watching.queries.shapes import QueueState, UnfinishedView, WorkerView

_BY_STATUS = text("SELECT status, count(*) FROM roadmap_tasks GROUP BY status")
# A task whose user has begun as many as allowed waits for those, not for a worker.
_WAITING = text(
    """
    SELECT count(*), extract(epoch FROM clock_timestamp() - min(
        CASE WHEN status = 'pending' THEN greatest(created_at, starts_at) ELSE updated_at END))
    FROM roadmap_tasks
    WHERE status = 'pending' AND coalesce(starts_at <= clock_timestamp(), true)
        AND user_id NOT IN (
            SELECT user_id FROM roadmap_tasks WHERE status IN ('processing', 'human_review_pending')
            GROUP BY user_id HAVING count(*) >= :most_active)
       OR status = 'processing' AND (lease_until IS NULL OR lease_until < clock_timestamp())
    """
)
_WORKERS = text(
    """
    SELECT lease_owner, count(*) FROM roadmap_tasks
    WHERE status = 'processing' AND lease_until >= clock_timestamp() GROUP BY lease_owner
    """
)
_FLEET = text(
    """
    SELECT name, pool, slots, spare, consumes AS takes, since, (
        SELECT count(*) FROM roadmap_tasks WHERE status = 'processing' AND lease_owner = name
            AND lease_until >= clock_timestamp()
    ) AS tasks
    FROM workers WHERE seen_at > clock_timestamp() - CAST(:silent AS interval) ORDER BY name
    """
)

_UNFINISHED = text(
    """
    SELECT workflow, workflow_version AS version, count(*) AS tasks FROM roadmap_tasks
    WHERE status IN ('pending', 'processing') GROUP BY 1, 2 ORDER BY 1, 2
    """
)
_CONSUMING = text(
    """
    SELECT count(*) FROM workers
    WHERE consumes AND seen_at > clock_timestamp() - CAST(:silent AS interval)
    """
)
_SILENT = {"silent": timedelta(seconds=SILENT_S)}
_JOB_AGES = text(
    "SELECT name, extract(epoch FROM clock_timestamp() - last_run_at), paused FROM schedules"
)


async def consuming_workers() -> int:
    """Return how many workers have said lately that they take messages."""
    async with read_session() as session:
        return await session.scalar(_CONSUMING, _SILENT) or 0


async def job_ages() -> dict[str, float]:
    """Return how many seconds ago each maintenance job last ran, wherever that was.

    One that never ran has waited for ever, and one that is paused waits for nobody.
    """
    ages = dict.fromkeys(JOBS, math.inf)
    async with read_session() as session:
        for name, age, paused in await session.execute(_JOB_AGES):
            ages[name] = math.nan if paused else math.inf if age is None else float(age)
    return ages


async def audit_findings() -> dict[str, int] | None:
    """Return how many contradictions the newest audit found, by kind; None when there is none."""
    async with read_session() as session:
        outcome = await session.scalar(
            select(Schedule.outcome).where(Schedule.name == JobName.AUDIT)
        )
    findings: Any = outcome.get("findings") if isinstance(outcome, dict) else None
    if not isinstance(findings, dict):
        return None
    return {kind: found for kind, found in findings.items() if isinstance(found, int)}


async def queue_state() -> QueueState:
    """Return how many tasks stand where, what waits for a worker, and who holds leases."""
    async with read_session() as session:
        statuses: dict[str, int] = dict(_pairs(await session.execute(_BY_STATUS)))
        most_active = get_settings().user_max_active_tasks or UNLIMITED
        waiting, oldest = (await session.execute(_WAITING, {"most_active": most_active})).one()
        workers = dict(_pairs(await session.execute(_WORKERS)))
        fleet = (await session.execute(_FLEET, _SILENT)).mappings().all()
        unfinished = (await session.execute(_UNFINISHED)).mappings().all()
    return QueueState(
        tasks_by_status={status: statuses.get(status, 0) for status in Status},
        waiting=waiting,
        oldest_waiting_s=None if oldest is None else round(float(oldest), 3),
        running=sum(workers.values()),
        workers=workers,
        fleet=[WorkerView.model_validate(dict(row)) for row in fleet],
        unfinished=[UnfinishedView.model_validate(dict(row)) for row in unfinished],
    )


def _pairs(rows: Any) -> list[tuple[Any, Any]]:
    return [(row[0], row[1]) for row in rows]
