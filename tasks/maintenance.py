"""`maintenance.*`: upkeep that beat asks for, harmless however often and wherever it runs.

Beat's messages say `scheduled`; anybody else's run the job at once.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core import timeouts
from core.errors import ServiceUnavailableError
from core.jobs import JobName
from core.logging import get_logger
from db.session import is_transient, note_refusal
from tasks.queues import peek
from worker import Delivery, async_task
from workflow import upkeep
from workflow.audit import audit
from workflow.minutes import note_minute
from workflow.presence import put_back
from workflow.recovery import Queue, Recovery, look_around, recover
from workflow.review_deadlines import expire, remind
from workflow.schedules import run_job

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

log = get_logger(__name__)
PEEK_S = 6.0


async def _look_at_queue() -> Queue | None:
    try:
        async with timeouts.timeout(PEEK_S):
            seen = await asyncio.to_thread(peek)
    except Exception as error:  # noqa: BLE001 - kombu raises whatever its transport raises
        log.warning("broker_queue_read_failed", error=type(error).__name__)
        return None
    oldest = seen["oldest"]
    return Queue(depth=seen["depth"], oldest=datetime.fromisoformat(oldest) if oldest else None)


async def _recover() -> dict[str, Any]:
    queue = await _look_at_queue()
    found = await look_around()
    done = await recover(queue) if found.open else Recovery()
    if found.ahead:
        await put_back()
    if not found.noted:
        await note_minute(queue)
    return asdict(done)


async def _remind() -> dict[str, Any]:
    return {"reminded": await remind(), "expired": await expire()}


def _job(name: JobName, work: Callable[[], Awaitable[dict[str, Any]]]) -> Any:
    @async_task(name.celery_name)
    async def job(_delivery: Delivery, *, scheduled: bool = False) -> dict[str, Any] | None:
        """Run it, unless the database is away: it is asked for again soon."""
        try:
            return await run_job(name, work, scheduled=scheduled)
        except Exception as error:
            if not isinstance(error, ServiceUnavailableError) and not is_transient(error):
                raise
            why = note_refusal(error) or "cannot be reached"
            log.warning("job_left_out", job=name, reason=f"The database {why}.")
            return None

    return job


recover_task = _job(JobName.RECOVER, _recover)
remind_task = _job(JobName.REMIND, _remind)
purge_task = _job(JobName.PURGE, upkeep.purge)
audit_task = _job(JobName.AUDIT, audit)
