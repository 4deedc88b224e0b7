"""What the maintenance jobs purge and audit do; `schedules` says when, and remembers how."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func

from core.settings import get_settings
from db.models import Notification, TaskEvent
from db.repositories import rejected
from db.repositories.logs import lock_old_logs
from db.repositories.revocations import purge_revocations
from db.session import transaction

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
                Notification.created_at < func.clock_timestamp() - _kept_for(),
                Notification.read_at.is_not(None),
            )
        )
        messages = await rejected.forget_old(tx.session)
    return {"events": events, "notifications": notifications.rowcount, "rejected": messages}


async def _purge_events(*, after: UUID) -> tuple[int, UUID | None]:
    """Delete the events of some tasks; return how many, and the last task, None when none is left.

    In the order of ids, so that one that somebody else holds is passed over once in a run.
    """
    async with transaction() as tx:
        task_ids = await lock_old_logs(
            tx.session, after=after, kept_for=_kept_for(), limit=PURGE_BATCH
        )
        deleted: Any = await tx.session.execute(
            delete(TaskEvent).where(TaskEvent.task_id.in_(task_ids))
        )
    return int(deleted.rowcount), task_ids[-1] if task_ids else None


def _kept_for() -> timedelta:
    return timedelta(days=get_settings().event_retention_days)
