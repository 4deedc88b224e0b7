"""Maintenance jobs as data: when each is due, whether it is paused, how it went.

Schedulers only ask; the row decides. So it does not matter how many there are, when they were
started, or whether they remember anything.
"""

from __future__ import annotations

import itertools
import time
import zlib
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import Counter, Histogram
from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert

from core.errors import NotFoundError
from core.jobs import JOBS
from core.logging import get_logger
from db.models import Schedule
from db.session import read_session, transaction
from watching.queries.shapes import ScheduleView

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from core.jobs import Job
    from db.session import Transaction

log = get_logger(__name__)

RUNS: Final = Counter(
    "roadmap_job_runs_total", "Runs of maintenance jobs by how they ended.", ["job", "outcome"]
)
for _ends in itertools.product(JOBS, ("done", "failed")):
    RUNS.labels(*_ends)  # at 0, or Prometheus sees no increase when it first happens
JOB_SECONDS: Final = Histogram("roadmap_job_seconds", "Duration of maintenance jobs.", ["job"])

EARLY: Final = 0.25
"""By this share of its interval a job may run before it is due: schedulers do not ask evenly."""
LATEST: Final = 1.5
"""No job is planned so many intervals ahead; one that is was planned by a clock that was wrong."""

# the lock's session idles while the job works on others
_LOCK: Final = text(
    """
    SELECT pg_try_advisory_xact_lock(:space, :job),
        set_config('idle_in_transaction_session_timeout', '0', true)
    """
)
# Returns a row if it is due. Counted from when it was due, so that the interval is kept; from now
# when that is long past, or further ahead than anything is planned: then the database's clock has
# gone backwards since.
_PLAN_NEXT_IF_DUE: Final = text(
    """
    INSERT INTO schedules AS known (name, next_run_at)
    VALUES (:name, clock_timestamp() + make_interval(secs => :interval_s))
    ON CONFLICT (name) DO UPDATE SET next_run_at = CASE
        WHEN known.next_run_at + make_interval(secs => :interval_s) > clock_timestamp()
            AND known.next_run_at <= clock_timestamp() + make_interval(secs => :latest_s)
        THEN known.next_run_at + make_interval(secs => :interval_s)
        ELSE excluded.next_run_at END
    WHERE NOT known.paused AND (known.next_run_at IS NULL
        OR known.next_run_at <= clock_timestamp() + make_interval(secs => :early_s)
        OR known.next_run_at > clock_timestamp() + make_interval(secs => :latest_s))
    RETURNING true
    """
)


async def run_job(
    name: str, work: Callable[[], Awaitable[dict[str, Any]]], *, scheduled: bool
) -> dict[str, Any] | None:
    """Run a maintenance job unless it runs elsewhere at this moment.

    The advisory lock is held by a session of its own, so that two schedulers have one effect.

    Args:
        name: The job.
        work: What it does.
        scheduled: A scheduler asks: then it runs only when it is due and not paused. Whoever else
            asks wants it now, and changes nothing about when it is due.

    Returns:
        What the job reports, or None when it did not run.
    """
    job = JOBS[name]
    async with transaction() as tx:
        if not await tx.session.scalar(_LOCK, _lock_key(name)):
            return None
        if scheduled and not await _begin_scheduled(job):
            return None
        started = time.monotonic()
        try:
            outcome = await work()
        except Exception as error:
            log.exception("job_failed", job=name)
            outcome = {"error": type(error).__name__}
        took = time.monotonic() - started
        RUNS.labels(name, "failed" if "error" in outcome else "done").inc()
        JOB_SECONDS.labels(name).observe(took)
        await _write(
            tx,
            name,
            last_run_at=func.clock_timestamp(),
            duration_s=took,
            outcome=outcome,
        )
        return outcome


async def _begin_scheduled(job: Job) -> bool:
    """Plan the next run if this one is due; committed at once, whatever becomes of the run."""
    times = {
        "interval_s": job.interval_s,
        "early_s": job.interval_s * EARLY,
        "latest_s": job.interval_s * LATEST,
    }
    async with transaction() as tx:
        return bool(await tx.session.scalar(_PLAN_NEXT_IF_DUE, {"name": job.name, **times}))


async def list_schedules() -> list[ScheduleView]:
    """Return all jobs, those that never ran included."""
    async with read_session() as session:
        now: datetime = (await session.scalars(select(func.clock_timestamp()))).one()
        rows = {row.name: row for row in await session.scalars(select(Schedule))}
    return [_view(job, rows.get(job.name), now) for job in JOBS.values()]


async def get_schedule(name: str) -> ScheduleView:
    """Return one job.

    Raises:
        NotFoundError: There is none of that name.
    """
    wanted = known_job(name).name
    return next(view for view in await list_schedules() if view.name == wanted)


async def set_paused(name: str, *, paused: bool) -> ScheduleView:
    """Pause a job, or let it run again when it is due; twice is the same as once.

    Raises:
        NotFoundError: There is none of that name.
    """
    job = known_job(name)
    async with transaction() as tx:
        await _write(tx, job.name, paused=paused)
    return await get_schedule(job.name)


def known_job(name: str) -> Job:
    """Return a job by its short name or its Celery task's.

    Raises:
        NotFoundError: There is none of that name.
    """
    job = JOBS.get(name.removeprefix("maintenance."))
    if job is None:
        raise NotFoundError(
            f"There is no maintenance job of that name; there are {', '.join(JOBS)}."
        )
    return job


async def _write(tx: Transaction, name: str, **values: Any) -> None:
    await tx.session.execute(
        insert(Schedule)
        .values(name=name, **values)
        .on_conflict_do_update(index_elements=["name"], set_=values)
    )


def _view(job: Job, row: Schedule | None, now: datetime) -> ScheduleView:
    due = now if row is None or row.next_run_at is None else max(row.next_run_at, now)
    return ScheduleView(
        name=job.name,
        description=job.description,
        if_paused=job.if_paused,
        interval_s=job.interval_s,
        paused=row is not None and row.paused,
        next_run_at=None if row is not None and row.paused else due,
        last_run_at=row and row.last_run_at,
        duration_s=row and row.duration_s,
        outcome=row.outcome if row is not None and isinstance(row.outcome, dict) else None,
    )


def _lock_key(name: str) -> dict[str, int]:
    return {"space": 0x726D6A, "job": zlib.crc32(name.encode()) - 2**31}
