"""Which tasks' event logs may go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import ARRAY, Interval, Text, bindparam, text
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from core.states import TERMINAL

if TYPE_CHECKING:
    from datetime import timedelta
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

# From log to log by the index of events: of the tasks whose events are gone already, which are
# nearly all once a system is old, none is looked at.
_OLD: Final = text(
    """
    WITH RECURSIVE logs AS (
        (SELECT task_id FROM task_events WHERE task_id > :after ORDER BY task_id LIMIT 1)
        UNION ALL
        SELECT following.task_id FROM logs, LATERAL (
            SELECT e.task_id FROM task_events e WHERE e.task_id > logs.task_id
            ORDER BY e.task_id LIMIT 1
        ) following
    )
    SELECT old.task_id FROM logs, LATERAL (
        SELECT t.task_id FROM roadmap_tasks t
        WHERE t.task_id = logs.task_id AND t.status = ANY(:ended)
            AND t.finished_at < clock_timestamp() - :kept_for
        FOR UPDATE SKIP LOCKED
    ) old
    LIMIT :limit
    """
).bindparams(
    bindparam("after", type_=PG_UUID(as_uuid=True)),
    bindparam("ended", type_=ARRAY(Text)),
    bindparam("kept_for", type_=Interval),
)
_ENDED: Final = [str(status) for status in sorted(TERMINAL)]


async def lock_old_logs(
    session: AsyncSession, *, after: UUID, kept_for: timedelta, limit: int
) -> list[UUID]:
    """Lock tasks that have events and ended long enough ago; return them in the order of ids.

    One that somebody else holds is left out: a task that is retried at this moment begins a log
    anew.

    Args:
        session: In whose transaction they stay locked.
        after: Only tasks whose ids are higher.
        kept_for: How long the events of a task that has ended are kept.
        limit: How many tasks at most.
    """
    found = await session.scalars(
        _OLD, {"after": after, "ended": _ENDED, "kept_for": kept_for, "limit": limit}
    )
    return list(found)
