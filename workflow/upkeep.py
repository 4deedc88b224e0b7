"""What the maintenance jobs purge and audit do; `schedules` says when, and remembers how."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from sqlalchemy import delete, func, select

from core.settings import get_settings
from core.states import TERMINAL
from db.models import Notification, RoadmapTask, TaskEvent
from db.repositories import rejected
from db.repositories.revocations import purge_revocations
from db.session import transaction

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement

_LOWEST: Final = UUID(int=0)
PURGE_BATCH: Final = 100
"""Tasks whose events are deleted in one transaction, so that none takes long."""


async def purge() -> dict[str, Any]:
    """Delete events and read notifications that are old, and old messages that were set aside."""
    events, last = await _purge_events(after=_LOWEST)
    while last is not None:
        deleted, last = await _purge_events(after=last)
        events += deleted
    await purge_revocations()
    async with transaction() as tx:
        notifications: Any = await tx.session.execute(
            delete(Notification).where(
                Notification.created_at < _before(), Notification.read_at.is_not(None)
            )
        )
        messages = await rejected.forget_old(tx.session)
    return {"events": events, "notifications": notifications.rowcount, "rejected": messages}


async def _purge_events(*, after: UUID) -> tuple[int, UUID | None]:
    """Delete the events of some tasks; return how many, and the last task, None when none is left.

    In the order of ids, so that those that are purged already are passed over once in a run.
    """
    async with transaction() as tx:
        ended = (
            select(RoadmapTask.task_id)
            .where(RoadmapTask.task_id > after)
            .where(RoadmapTask.status.in_([*TERMINAL]), RoadmapTask.finished_at < _before())
            .where(select(TaskEvent.seq).where(TaskEvent.task_id == RoadmapTask.task_id).exists())
            .order_by(RoadmapTask.task_id)
            .limit(PURGE_BATCH)
            # one that is retried at this moment begins a log anew
            .with_for_update(of=RoadmapTask, skip_locked=True)
        )
        task_ids = list(await tx.session.scalars(ended))
        deleted: Any = await tx.session.execute(
            delete(TaskEvent).where(TaskEvent.task_id.in_(task_ids))
        )
    return int(deleted.rowcount), task_ids[-1] if task_ids else None


def _before() -> ColumnElement[datetime]:
    return func.clock_timestamp() - timedelta(days=get_settings().event_retention_days)
