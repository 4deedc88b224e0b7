"""What the maintenance jobs purge and audit do; `schedules` says when, and remembers how."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import delete, func, select

from core.logging import get_logger
from core.settings import get_settings
from core.states import TERMINAL
from db.models import Notification, RoadmapTask, TaskEvent
from db.session import transaction

log = get_logger(__name__)

PURGE_BATCH: Final = 1000


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
