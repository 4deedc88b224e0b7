"""The line of tasks that wait for a worker, counted from rows alone."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import text

from core.logging import get_logger
from core.settings import get_settings
from db.raw import Prepared, known_errors, raw_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from db.raw import Raw

log = get_logger(__name__)

UNLIMITED: Final = 2**31 - 1
PRESENT_EVERY_S: Final = 5.0
"""How often a worker tells of itself."""
SILENT_S: Final = 3 * PRESENT_EVERY_S
"""A worker that was not heard of for so long does not count."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """What the line is counted by.

    Attributes:
        most_active: Tasks of one user that may be begun and not ended.
        lease_s: How long a lease is good.
        silent_s: A worker that was not heard of for so long does not count.
    """

    most_active: int
    lease_s: float
    silent_s: float

    def parameters(self) -> Mapping[str, object]:
        """Return them as the statements want them."""
        return {
            "most_active": self.most_active,
            "unlimited": UNLIMITED,
            "lease": timedelta(seconds=self.lease_s),
            "silent": timedelta(seconds=self.silent_s),
        }


def bounds() -> Bounds:
    """Return what the line is counted by, as the settings say."""
    settings = get_settings()
    return Bounds(
        most_active=settings.user_max_active_tasks or UNLIMITED,
        lease_s=settings.lease_s,
        silent_s=SILENT_S,
    )


# `slots` is what one user may have running, `total` what all may; both null while no worker tells
# of itself. A lease counts while its worker lives, in that life. `startable`: what of a user's
# waiting tasks his limits would let begin at this moment.
USERS: Final = """
    WITH live AS (
        SELECT name, slots, spare, since + CAST(:lease AS interval) AS first_lease FROM workers
        WHERE seen_at > clock_timestamp() - CAST(:silent AS interval)
    ), capacity AS (
        SELECT sum(slots) AS slots, sum(slots + spare) AS total FROM live
    ), counted AS (
        SELECT user_id,
            count(*) FILTER (WHERE lease_until >= clock_timestamp() AND EXISTS (
                SELECT FROM live WHERE name = lease_owner AND lease_until >= first_lease
            )) AS running,
            count(*) FILTER (WHERE status <> 'pending') AS active,
            count(*) FILTER (
                WHERE status = 'pending' AND coalesce(starts_at <= clock_timestamp(), true)
            ) AS pending,
            count(*) FILTER (WHERE status = 'processing' AND lease_until IS NULL) AS resuming,
            min(created_at) FILTER (WHERE status = 'pending'
                OR status = 'processing' AND lease_until IS NULL) AS oldest
        FROM roadmap_tasks
        WHERE status IN ('pending', 'processing', 'human_review_pending')
        GROUP BY user_id
    ), users AS (
        SELECT counted.*,
            least(
                resuming + least(pending, greatest(:most_active - active, 0)),
                greatest(coalesce(slots, :unlimited) - running, 0)
            ) AS startable,
            coalesce(
                (SELECT max(started_at) FROM roadmap_tasks t WHERE t.user_id = counted.user_id),
                '-infinity'
            ) AS last_started
        FROM counted CROSS JOIN capacity
    ), room AS (
        SELECT total - (SELECT sum(running) FROM users) AS free FROM capacity
    )
"""
# A task's place is the number of tasks its user would have running with it; at the same place it
# is first whose user has waited longer for a start. The last free slot is for somebody who has
# nothing running. Whatever is compared with what no worker tells is null, and so not held.
_DEFER: Final = Prepared(
    USERS  # noqa: S608 - two constants
    + """
    , mine AS (
        SELECT users.* FROM users JOIN roadmap_tasks USING (user_id) WHERE task_id = :task_id
    ), others AS (
        SELECT coalesce(sum(least(
            users.startable,
            greatest(mine.running - users.running, 0) + CASE
                WHEN users.running <= mine.running AND users.last_started < mine.last_started
                THEN 1 ELSE 0 END
        )), 0) AS ahead
        FROM users CROSS JOIN mine WHERE users.user_id <> mine.user_id
    )
    UPDATE roadmap_tasks task SET deferred_at = clock_timestamp()
    FROM mine CROSS JOIN others CROSS JOIN capacity CROSS JOIN room
    WHERE task.task_id = :task_id
      AND task.status IN ('pending', 'processing') AND task.lease_until IS NULL
      AND (
        task.status = 'pending' AND task.starts_at > clock_timestamp()
        OR task.status = 'pending' AND mine.active >= :most_active
        OR mine.running >= capacity.slots
        OR others.ahead >= room.free - CASE WHEN mine.running > 0 THEN 1 ELSE 0 END
      )
    RETURNING task.task_id
    """
)
_NEXT: Final = text(
    USERS  # noqa: S608 - two constants
    + """
    , waiting AS (
        SELECT task_id, deferred_at, created_at, startable, last_started, running,
            row_number() OVER (
                PARTITION BY user_id
                ORDER BY status = 'pending', deferred_at IS NOT NULL, created_at, task_id
            ) AS number
        FROM roadmap_tasks JOIN users USING (user_id)
        WHERE status IN ('pending', 'processing') AND lease_until IS NULL AND startable > 0
          AND (status <> 'pending' OR coalesce(starts_at <= clock_timestamp(), true))
    ), line AS (
        SELECT task_id, deferred_at, running + number AS place, row_number() OVER (
            ORDER BY running + number, last_started, created_at, task_id
        ) AS rank
        FROM waiting WHERE number <= startable
    )
    SELECT task_id FROM line CROSS JOIN room
    WHERE deferred_at IS NOT NULL
      AND (free IS NULL OR rank <= free - CASE WHEN place = 1 THEN 0 ELSE 1 END)
    ORDER BY rank LIMIT :most
    """
)
_ONE_AT_A_TIME: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))"
PATIENCE_S: Final = 2.0
_AGAIN_S: Final = 0.02


async def lock_user(session: AsyncSession, user_id: str) -> None:
    """Let one transaction at a time count a user's tasks, until it ends.

    After `PATIENCE_S` this goes on without the lock: whoever holds it for so long is frozen or lost
    its network, and one task too many is better than a user whose tasks all wait for that.
    """
    deadline = time.monotonic() + PATIENCE_S
    raw = await raw_of(session)
    while not await raw.fetchval(_ONE_AT_A_TIME, user_id):
        if time.monotonic() >= deadline:
            log.warning("user_lock_timed_out", user_id=user_id)
            return
        await asyncio.sleep(_AGAIN_S)


async def defer(raw: Raw, task_id: UUID, *, bounds: Bounds) -> bool:
    """Put a waiting task off if others come before it, or its user has enough; tell whether."""
    with known_errors(raw):
        found = await _DEFER.fetchval(raw, {**bounds.parameters(), "task_id": task_id})
    return found is not None


async def next_in_line(session: AsyncSession, *, bounds: Bounds, limit: int) -> list[UUID]:
    """Return the deferred tasks for which there is room, the first in line first."""
    return list(await session.scalars(_NEXT, {**bounds.parameters(), "most": limit}))
