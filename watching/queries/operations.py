"""Counts what waits and who works, from the tables."""

from __future__ import annotations

import math
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, text

from core.jobs import JOBS, JobName
from core.loop_local import LoopLocal
from core.settings import get_settings
from core.states import Status
from db.models import Schedule
from db.repositories.line_bounds import SILENT_S, UNLIMITED
from db.session import read_session
from watching.queries.shapes import QueueState, UnfinishedView, WorkerView
from watching.seldom import Seldom

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

WORTH_KEEPING_S: Final = 0.02
LONGEST_KEPT_S: Final = 60.0
"""Counts of tasks that ended are kept for so long at most, and only where counting takes long."""
CLOCK_SLACK_S: Final = 5.0
"""A clock that is set may go back by so much; more is a clock that was wrong."""
_ended: Final[LoopLocal[Seldom[dict[str, int]]]] = LoopLocal(Seldom)

# All of these are read from indexes alone, but for the few tasks that somebody holds.
_ENDED = text(
    """
    SELECT status, count(*) FROM roadmap_tasks
    WHERE status IN ('completed', 'partial_failure', 'failed', 'cancelled') GROUP BY status
    """
)
_UNFINISHED = text(
    """
    SELECT 'pending' AS status, workflow, workflow_version AS version, count(*) AS tasks
    FROM roadmap_tasks WHERE status = 'pending' GROUP BY workflow, workflow_version
    UNION ALL
    SELECT status, workflow, workflow_version, count(*) FROM roadmap_tasks
    WHERE status IN ('processing', 'human_review_pending')
    GROUP BY status, workflow, workflow_version
    """
)
# A task whose user has begun as many as allowed waits for those, not for a worker.
_WAITING = text(
    """
    WITH enough AS (
        SELECT user_id FROM roadmap_tasks
        WHERE status IN ('processing', 'human_review_pending')
            AND CAST(:most_active AS int) < CAST(:unlimited AS int)
        GROUP BY user_id HAVING count(*) >= CAST(:most_active AS int)
    )
    SELECT sum(tasks)::int, extract(epoch FROM clock_timestamp() - min(since)) FROM (
        SELECT count(*) AS tasks, min(created_at) AS since FROM roadmap_tasks
        WHERE status = 'pending' AND starts_at IS NULL
            AND user_id NOT IN (SELECT user_id FROM enough)
        UNION ALL
        SELECT count(*), min(greatest(created_at, starts_at)) FROM roadmap_tasks
        WHERE status = 'pending' AND starts_at <= statement_timestamp()
            AND user_id NOT IN (SELECT user_id FROM enough)
        UNION ALL
        SELECT count(*), min(updated_at) FROM roadmap_tasks
        WHERE status = 'processing' AND (lease_until IS NULL OR lease_until < clock_timestamp())
    ) waiting
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

    One that never ran has waited for ever, and one that is paused waits for nobody. One that ran in
    the future has not run since the database's clock was put back: nobody knows for how long.
    """
    ages = dict.fromkeys(JOBS, math.inf)
    async with read_session() as session:
        for name, age, paused in await session.execute(_JOB_AGES):
            unknown = age is None or age < -CLOCK_SLACK_S
            ages[name] = math.nan if paused else math.inf if unknown else max(0.0, float(age))
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
    told = {
        "most_active": get_settings().user_max_active_tasks or UNLIMITED,
        "unlimited": UNLIMITED,
    }
    async with read_session() as session:
        by_status = Counter(await _ended_tasks(session))
        waiting, oldest = (await session.execute(_WAITING, told)).one()
        workers = dict(_pairs(await session.execute(_WORKERS)))
        fleet = (await session.execute(_FLEET, _SILENT)).mappings().all()
        unfinished: Counter[tuple[str, int]] = Counter()
        for status, workflow, version, tasks in await session.execute(_UNFINISHED):
            by_status[status] += tasks
            if status != Status.HUMAN_REVIEW_PENDING:
                unfinished[workflow, version] += tasks
    return QueueState(
        tasks_by_status={status: by_status[status] for status in Status},
        waiting=waiting,
        oldest_waiting_s=None if oldest is None else round(float(oldest), 3),
        running=sum(workers.values()),
        workers=workers,
        fleet=[WorkerView.model_validate(dict(row)) for row in fleet],
        unfinished=[
            UnfinishedView(workflow=workflow, version=version, tasks=tasks)
            for (workflow, version), tasks in sorted(unfinished.items())
        ],
    )


async def _ended_tasks(session: AsyncSession) -> dict[str, int]:
    """Return how many tasks ended how; where there are very many, as it was a moment ago."""

    async def count() -> dict[str, int]:
        return dict(_pairs(await session.execute(_ENDED)))

    return await _ended.get().get(count, longest_s=LONGEST_KEPT_S, worth_s=WORTH_KEEPING_S)


def _pairs(rows: Any) -> list[tuple[Any, Any]]:
    return [(row[0], row[1]) for row in rows]
