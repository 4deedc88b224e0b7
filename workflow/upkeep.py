"""Upkeep: one run at a time over all processes, each outcome remembered, so silence shows."""

from __future__ import annotations

import time
import zlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from core.logging import get_logger
from core.settings import get_settings
from core.states import TERMINAL
from db.models import Notification, RoadmapTask, Schedule, TaskEvent
from db.session import transaction

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

log = get_logger(__name__)

PURGE_BATCH: Final = 1000


async def run_job(
    name: str, work: Callable[[], Awaitable[dict[str, Any]]]
) -> dict[str, Any] | None:
    """Run a maintenance job unless it runs elsewhere at this moment or is paused.

    The advisory lock is held by a session of its own, so that two schedulers have one effect.

    Returns:
        What the job reports, or None when it did not run.
    """
    async with transaction() as tx:
        lock = text("SELECT pg_try_advisory_xact_lock(:space, :job)")
        key = {"space": 0x726D6A, "job": zlib.crc32(name.encode()) - 2**31}
        if not await tx.session.scalar(lock, key):
            return None
        schedule = await tx.session.get(Schedule, name)
        if schedule is not None and schedule.paused:
            return None
        # the lock's session idles while the job works on others
        await tx.session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        started = time.monotonic()
        try:
            outcome = await work()
        except Exception as error:
            log.exception("job_failed", job=name)
            outcome = {"error": type(error).__name__}
        values = {
            "last_run_at": func.clock_timestamp(),
            "duration_s": time.monotonic() - started,
            "outcome": outcome,
        }
        await tx.session.execute(
            insert(Schedule)
            .values(name=name, **values)
            .on_conflict_do_update(index_elements=["name"], set_=values)
        )
        return outcome


async def purge() -> dict[str, Any]:
    """Delete events and read notifications of tasks that ended EVENT_RETENTION_DAYS ago."""
    before = func.clock_timestamp() - timedelta(days=get_settings().event_retention_days)
    async with transaction() as tx:
        ended = (
            select(RoadmapTask.task_id)
            .where(RoadmapTask.status.in_([*TERMINAL]), RoadmapTask.finished_at < before)
            .where(select(TaskEvent.seq).where(TaskEvent.task_id == RoadmapTask.task_id).exists())
            .limit(PURGE_BATCH)
        )
        task_ids = list(await tx.session.scalars(ended))
        events: Any = await tx.session.execute(
            delete(TaskEvent).where(TaskEvent.task_id.in_(task_ids))
        )
        notifications: Any = await tx.session.execute(
            delete(Notification).where(
                Notification.created_at < before, Notification.read_at.is_not(None)
            )
        )
    return {"events": events.rowcount, "notifications": notifications.rowcount}
