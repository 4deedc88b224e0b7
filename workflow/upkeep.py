"""What the maintenance jobs purge and audit do; `schedules` says when, and remembers how."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import delete, func, select

from core.logging import get_logger
from core.settings import get_settings
from core.states import TERMINAL, ContentStatus, Status
from db.models import Content, Notification, RoadmapTask, TaskEvent
from db.session import read_session, transaction

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


async def audit() -> dict[str, Any]:
    """Look for rows that contradict each other, and report them; nothing is changed.

    Constraints refuse what one row can tell; this finds what only several rows together can.
    """
    gap = (
        select(func.count())
        .select_from(RoadmapTask)
        .where(
            RoadmapTask.last_seq
            # the first ones may have been purged before the task was retried
            != select(func.coalesce(func.min(TaskEvent.seq), 1) + func.count() - 1)
            .where(TaskEvent.task_id == RoadmapTask.task_id)
            .scalar_subquery(),
            RoadmapTask.finished_at.is_(None),
        )
    )
    unfinished = (
        select(func.count(func.distinct(RoadmapTask.task_id)))
        .join(Content, Content.roadmap_id == RoadmapTask.roadmap_id)
        .where(
            RoadmapTask.status == Status.COMPLETED,
            Content.status.in_([ContentStatus.RUNNING, ContentStatus.PENDING]),
        )
    )
    silent = (
        select(func.count())
        .select_from(RoadmapTask)
        .where(
            RoadmapTask.status == Status.PROCESSING,
            RoadmapTask.lease_until < func.clock_timestamp() - timedelta(minutes=5),
        )
    )
    async with read_session() as session:
        found = {
            "events_with_gaps": await session.scalar(gap),
            "completed_with_unfinished_contents": await session.scalar(unfinished),
            "silent_for_minutes": await session.scalar(silent),
        }
    if any(found.values()):
        log.error("audit_found_contradictions", **found)
    return found
