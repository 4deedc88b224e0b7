"""How the users stand in the line, one row each, and the numbers of some of their tasks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from db.repositories.line_bounds import LIVE, RUNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from db.repositories.line_bounds import Bounds

NEVER: Final = float("-inf")
# One row a user. Each kind of task that counts is read from an index that holds all that is asked:
# however many wait, or are under review, none of their rows is looked at.
_STANDINGS: Final = text(
    f"""
    WITH {LIVE}, counted AS (
        SELECT user_id, sum(running)::int AS running, sum(active)::int AS active,
            sum(pending)::int AS pending, sum(resuming)::int AS resuming, min(oldest) AS oldest
        FROM (
            SELECT user_id, count(*) FILTER (WHERE {RUNS}) AS running, 0 AS active, 0 AS pending,
                count(*) FILTER (WHERE lease_until IS NULL) AS resuming,
                min(created_at) FILTER (WHERE lease_until IS NULL) AS oldest
            FROM roadmap_tasks WHERE status = 'processing' GROUP BY user_id
            UNION ALL
            SELECT user_id, 0, 0, count(*), 0, min(created_at) FROM roadmap_tasks
            WHERE status = 'pending' AND starts_at IS NULL GROUP BY user_id
            UNION ALL
            SELECT user_id, 0, 0, count(*), 0, min(created_at) FROM roadmap_tasks
            WHERE status = 'pending' AND starts_at <= statement_timestamp() GROUP BY user_id
            UNION ALL
            SELECT user_id, 0, count(*), 0, 0, NULL FROM roadmap_tasks
            WHERE status IN ('processing', 'human_review_pending')
                AND CAST(:most_active AS int) < CAST(:unlimited AS int)
            GROUP BY user_id
        ) kinds GROUP BY user_id
    )
    SELECT total, user_id, running, active, pending, resuming, extract(epoch FROM (
            SELECT max(started_at) FROM roadmap_tasks t WHERE t.user_id = counted.user_id
        ))::float AS last_started,
        extract(epoch FROM oldest)::float AS oldest
    FROM capacity LEFT JOIN counted ON true
    """  # noqa: S608 - two constants
)
# The number of each task among its user's that may begin now, the begun ones apart. A user's
# pending tasks are counted along an index, up to the newest one that was asked for.
_NUMBERS: Final = text(
    """
    WITH asked AS (
        SELECT user_id, max(created_at) AS newest FROM roadmap_tasks
        WHERE task_id = ANY(:tasks) GROUP BY user_id
    ), line AS (
        SELECT task_id, number FROM asked CROSS JOIN LATERAL (
            SELECT task_id, row_number() OVER (ORDER BY created_at, task_id) AS number
            FROM roadmap_tasks task
            WHERE task.user_id = asked.user_id AND status = 'pending'
              AND created_at <= asked.newest AND coalesce(starts_at <= clock_timestamp(), true)
        ) pending
        UNION ALL
        SELECT task_id, number FROM asked CROSS JOIN LATERAL (
            SELECT task_id, row_number() OVER (ORDER BY created_at, task_id) AS number
            FROM roadmap_tasks task
            WHERE task.user_id = asked.user_id AND status = 'processing' AND lease_until IS NULL
        ) resuming
    )
    SELECT task_id, number FROM line WHERE task_id = ANY(:tasks)
    """
)


# Whose lease ran out, or is of a worker that went silent or began a new life since. Of a worker
# that never told of itself only the lease counts.
_LOST: Final = text(
    """
    SELECT task_id FROM roadmap_tasks
    WHERE task_id = ANY(:tasks) AND status = 'processing' AND lease_until IS NOT NULL
      AND (lease_until < clock_timestamp() OR EXISTS (
        SELECT FROM workers WHERE name = lease_owner
          AND (seen_at <= clock_timestamp() - CAST(:silent AS interval)
            OR lease_until < since + CAST(:lease AS interval))
      ))
    """
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How a user stands in the line.

    Attributes:
        user_id: Who.
        running: Tasks under a lease of a worker that lives.
        active: Tasks that are begun and not ended; 0 where nobody bounds them.
        pending: Tasks that are not begun, and may.
        resuming: Tasks that are begun and wait for a worker.
        last_started: When one was last begun, in seconds; `NEVER` if none was.
        oldest: Since when the oldest one waits.
    """

    user_id: str
    running: int
    active: int
    pending: int
    resuming: int
    last_started: float
    oldest: float

    @classmethod
    def of_nobody(cls, user_id: str, *, since: datetime) -> Standing:
        """Return the standing of a user who has no unfinished task."""
        return cls(
            user_id=user_id,
            running=0,
            active=0,
            pending=1,
            resuming=0,
            last_started=NEVER,
            oldest=since.timestamp(),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """All who wait.

    Attributes:
        users: Users with unfinished tasks, by their ids.
        slots: What all workers together may run; None while none tells of itself.
    """

    users: Mapping[str, Standing] = field(default_factory=dict)
    slots: int | None = None


async def line(session: AsyncSession, *, bounds: Bounds) -> Line:
    """Return how everybody stands."""
    rows = (await session.execute(_STANDINGS, bounds.parameters())).all()
    users = [
        Standing(
            user_id=row.user_id,
            running=row.running,
            active=row.active,
            pending=row.pending,
            resuming=row.resuming,
            last_started=NEVER if row.last_started is None else row.last_started,
            oldest=NEVER if row.oldest is None else row.oldest,
        )
        for row in rows
        if row.user_id is not None
    ]
    return Line(users={user.user_id: user for user in users}, slots=rows[0].total)


async def numbers(session: AsyncSession, task_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Return the numbers, from 1, of those tasks that may begin now."""
    rows = await session.execute(_NUMBERS, {"tasks": list(task_ids)})
    return {row.task_id: row.number for row in rows}


async def lost(session: AsyncSession, task_ids: Sequence[UUID], *, bounds: Bounds) -> set[UUID]:
    """Return those tasks whose worker is gone, though nobody took them from it yet."""
    facts = {name: bounds.parameters()[name] for name in ("silent", "lease")}
    rows = await session.execute(_LOST, {"tasks": list(task_ids), **facts})
    return {row.task_id for row in rows}
