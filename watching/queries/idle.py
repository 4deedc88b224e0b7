"""For how long nobody worked on tasks, since nobody was meant to: it is no time that they took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from db.models import RoadmapTask

_IDLE: Final = text(
    """
    SELECT task_id, sum(extract(epoch FROM until - since)) FROM (
        SELECT asked.task_id, asked.created_at AS since, following.created_at AS until
        FROM task_events asked
        CROSS JOIN LATERAL (
            SELECT created_at FROM task_events
            WHERE task_id = asked.task_id AND seq > asked.seq AND type <> 'review_reminder'
            ORDER BY seq LIMIT 1
        ) following
        WHERE asked.task_id = ANY(:tasks) AND asked.type = 'review_required'
        UNION ALL
        SELECT again.task_id, ended.created_at, again.created_at
        FROM task_events again
        JOIN task_events ended ON ended.task_id = again.task_id AND ended.seq = again.seq - 1
        WHERE again.task_id = ANY(:tasks) AND again.type = 'task_retried'
    ) idle
    GROUP BY task_id
    """
)
"""A question lasts until whatever comes next but a reminder; before a retry the task had ended."""


async def times_taken(session: AsyncSession, rows: Sequence[RoadmapTask]) -> dict[UUID, float]:
    """Return the seconds that ended tasks took, without open reviews and the time between runs.

    Waits for a worker count: whoever asks for a task waits for them, too. Tasks that have not
    ended are left out.
    """
    paused = [
        row.task_id for row in rows if row.finished_at and (row.attempt > 1 or row.asks_review)
    ]
    idle: dict[UUID, float] = {}
    if paused:
        found = await session.execute(_IDLE, {"tasks": paused})
        idle = {task_id: float(seconds) for task_id, seconds in found}
    return {
        row.task_id: _taken(row, row.finished_at, idle.get(row.task_id, 0.0))
        for row in rows
        if row.finished_at is not None
    }


def _taken(row: RoadmapTask, ended_at: datetime, idle_s: float) -> float:
    begun_at = max(row.created_at, row.starts_at or row.created_at)
    return round(max(0.0, (ended_at - begun_at).total_seconds() - idle_s), 3)
