"""The line of tasks that wait for a worker, counted from rows alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import text

from core.logging import get_logger
from db.raw import Prepared, known_errors
from db.repositories.line_bounds import LIVE, RUNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from db.raw import Raw
    from db.repositories.line_bounds import Bounds

log = get_logger(__name__)

# Whatever is counted here has a bound: rows that workers hold, rows that wait for one, the first
# few of those that nobody has begun. However many tasks wait for a time, for a human or in line,
# nobody reads through them all. An order where none is needed leads to the index, and the
# statement's own time lets a plan count with how few are due.
_COUNTS: Final = "{counts}"
"""Where a statement says which tasks count."""
_IS_KNOWN: Final = " AND workflow || ' ' || workflow_version = ANY(CAST(:known AS text[]))"
_BEGUN: Final = f"""
    {LIVE}, begun AS MATERIALIZED (
        SELECT user_id, count(*) FILTER (WHERE {RUNS}) AS running,
            count(*) FILTER (WHERE lease_until IS NULL{{counts}}) AS resuming
        FROM roadmap_tasks WHERE status = 'processing' GROUP BY user_id
    ), room AS MATERIALIZED (
        SELECT slots, total - coalesce((SELECT sum(running) FROM begun), 0) AS free FROM capacity
    )
"""  # noqa: S608 - constants
_WAITING: Final = """
    due AS MATERIALIZED (
        SELECT user_id, count(*) AS tasks FROM roadmap_tasks
        WHERE status = 'pending' AND starts_at <= statement_timestamp(){only}{counts}
        GROUP BY user_id
    ), untimed AS (
        (SELECT user_id FROM roadmap_tasks
        WHERE status = 'pending' AND starts_at IS NULL{only}{counts}
        ORDER BY user_id LIMIT 1)
        UNION ALL
        SELECT (
            SELECT next.user_id FROM roadmap_tasks next
            WHERE status = 'pending' AND starts_at IS NULL{counts}
                AND next.user_id > untimed.user_id
            ORDER BY next.user_id LIMIT 1
        ) FROM untimed WHERE untimed.user_id IS NOT NULL
    ), waiting AS (
        SELECT user_id FROM untimed WHERE user_id IS NOT NULL
        UNION SELECT user_id FROM due
        UNION SELECT user_id FROM begun WHERE resuming > 0{only}
    )
"""
# What a user has begun and not ended, as far as it counts.
_ACTIVE: Final = """
    CASE WHEN CAST(:most_active AS int) = CAST(:unlimited AS int) THEN 0 ELSE (
        SELECT count(*) FROM (
            SELECT FROM roadmap_tasks
            WHERE user_id = {user} AND status IN ('processing', 'human_review_pending')
            LIMIT CAST(:most_active AS int)
        ) counted
    ) END
"""
_LAST_STARTED: Final = """
    coalesce(
        (SELECT max(started_at) FROM roadmap_tasks t WHERE t.user_id = {user}), '-infinity'
    )
"""
# How many of a user's tasks may begin, `{most}` of them at most.
_STARTABLE: Final = f"""
    least(
        coalesce(begun.resuming, 0) + least(
            coalesce(due.tasks, 0) + (
                SELECT count(*) FROM (
                    SELECT FROM roadmap_tasks t WHERE t.user_id = waiting.user_id
                        AND status = 'pending' AND starts_at IS NULL{{counts}}
                    ORDER BY t.user_id, t.deferred_at IS NOT NULL LIMIT {{most}}
                ) counted
            ),
            greatest(CAST(:most_active AS int) - {_ACTIVE.format(user="waiting.user_id")}, 0)
        ),
        greatest(coalesce(slots, CAST(:unlimited AS int)) - coalesce(begun.running, 0), 0),
        {{most}}
    )
"""  # noqa: S608 - constants
# How a waiting task stands, and how much there is for it. `crowd` is all that may begin now, one
# more than what is free at most.
_PLACE: Final = Prepared(
    f"""
    WITH {_BEGUN.format(counts="")}
    SELECT task_id, user_id, workflow, coalesce(begun.running, 0) AS running, slots, free,
        status = 'pending' AND starts_at > statement_timestamp() AS later,
        lease_until IS NOT NULL AS left_alone,
        CASE WHEN status = 'pending' THEN {_ACTIVE.format(user="task.user_id")}
            ELSE 0 END AS active,
        coalesce((SELECT sum(resuming) FROM begun), 0) + (
            SELECT count(*) FROM roadmap_tasks
            WHERE status = 'pending' AND starts_at <= statement_timestamp()
        ) + (SELECT count(*) FROM (
            SELECT FROM roadmap_tasks WHERE status = 'pending' AND starts_at IS NULL
            ORDER BY user_id LIMIT greatest(free, 0) + 1
        ) counted) AS crowd
    FROM roadmap_tasks task CROSS JOIN room LEFT JOIN begun USING (user_id)
    WHERE task_id = ANY(CAST(:task_ids AS uuid[])) AND status IN ('pending', 'processing')
      AND (lease_until IS NULL OR lease_until < clock_timestamp())
    """  # noqa: S608 - constants
)
# How many tasks begin before one of a user who has so many running. A task's place is the number of
# tasks its user would have running with it; at the same place it is first whose user has waited
# longer for a start.
_AHEAD_SQL: Final = f"""
    WITH RECURSIVE {_BEGUN}, {_WAITING.format(only="", counts=_COUNTS)}, mine AS (
        SELECT {_LAST_STARTED.format(user="CAST(:user_id AS text)")} AS last_started,
            CAST(:running AS bigint) AS running
    )
    SELECT coalesce(sum({_STARTABLE.format(most="most", counts=_COUNTS)}), 0)
    FROM mine CROSS JOIN room CROSS JOIN waiting
        LEFT JOIN begun ON begun.user_id = waiting.user_id
        LEFT JOIN due ON due.user_id = waiting.user_id
        CROSS JOIN LATERAL (SELECT
            greatest(mine.running - coalesce(begun.running, 0), 0) + CASE
                WHEN coalesce(begun.running, 0) <= mine.running
                    AND {_LAST_STARTED.format(user="waiting.user_id")} < mine.last_started
                THEN 1 ELSE 0 END AS most
            OFFSET 0
        ) bound
    WHERE waiting.user_id <> :user_id AND most > 0
    """  # noqa: S608 - constants
_PUT_OFF: Final = """
    UPDATE roadmap_tasks SET deferred_at = clock_timestamp()
    WHERE task_id = ANY($1::uuid[]) AND status IN ('pending', 'processing') AND lease_until IS NULL
"""
_WAITS_IN_LINE: Final = """
    SELECT task_id, status = 'pending' AS new, deferred_at, created_at FROM roadmap_tasks t
    WHERE t.user_id = standing.user_id{counts}
"""
_FOR_SOME: Final = " AND (SELECT for_some FROM asked)"
_ROOM: Final = "least(free, CAST(:unlimited AS int))"
# Nobody's line is worked out while there is no room, or nobody who was put off.
_NEXT_SQL: Final = f"""
    WITH RECURSIVE {_BEGUN}, asked AS MATERIALIZED (
        SELECT (free IS NULL OR free > 0) AND (
            SELECT deferred_at FROM roadmap_tasks
            WHERE status IN ('pending', 'processing') AND deferred_at IS NOT NULL
            ORDER BY deferred_at LIMIT 1
        ) IS NOT NULL AS for_some FROM room
    ), {_WAITING.format(only=_FOR_SOME, counts=_COUNTS)}, standing AS MATERIALIZED (
        SELECT user_id, coalesce(begun.running, 0) AS running, free,
            {_LAST_STARTED.format(user="waiting.user_id")} AS last_started,
            {_STARTABLE.format(most=_ROOM, counts=_COUNTS)} AS startable
        FROM room CROSS JOIN waiting
            LEFT JOIN begun USING (user_id) LEFT JOIN due USING (user_id)
    ), line AS (
        SELECT task_id, deferred_at, free, running + number AS place, row_number() OVER (
            ORDER BY running + number, last_started, created_at, task_id
        ) AS rank
        FROM standing CROSS JOIN LATERAL (
            SELECT *, row_number() OVER (
                ORDER BY new, deferred_at IS NOT NULL, created_at, task_id
            ) AS number
            FROM (
                ({_WAITS_IN_LINE} AND status = 'processing' AND lease_until IS NULL)
                UNION ALL
                ({_WAITS_IN_LINE} AND status = 'pending' AND starts_at <= statement_timestamp())
                UNION ALL
                ({_WAITS_IN_LINE} AND status = 'pending' AND starts_at IS NULL
                ORDER BY (deferred_at IS NOT NULL), created_at, task_id LIMIT startable)
            ) first
        ) numbered
        WHERE startable > 0 AND number <= startable
    )
    SELECT task_id FROM line
    WHERE deferred_at IS NOT NULL
      AND (free IS NULL OR rank <= free - CASE WHEN place = 1 THEN 0 ELSE 1 END)
    ORDER BY rank LIMIT :most
    """  # noqa: S608 - constants


_AHEAD: Final = Prepared(_AHEAD_SQL.replace(_COUNTS, ""))
_AHEAD_OF_KNOWN: Final = Prepared(_AHEAD_SQL.replace(_COUNTS, _IS_KNOWN))
_NEXT: Final = text(_NEXT_SQL.replace(_COUNTS, ""))
_NEXT_OF_KNOWN: Final = text(_NEXT_SQL.replace(_COUNTS, _IS_KNOWN))


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """A task that a worker could take: it exists, is unfinished, and nobody holds it.

    Attributes:
        user_id: Whose it is.
        workflow: The name of what it runs.
        put_off: Others come before it, or its user has enough.
    """

    user_id: str
    workflow: str
    put_off: bool


async def look(raw: Raw, task_id: UUID, *, bounds: Bounds) -> Turn | None:
    """Return whether it is a task's turn, and put it off if not; None when nobody may take it."""
    return (await look_at_all(raw, [task_id], bounds=bounds)).get(task_id)


async def look_at_all(
    raw: Raw, task_ids: Sequence[UUID], *, bounds: Bounds, one_after_other: bool = False
) -> dict[UUID, Turn]:
    """Return whose turn it is, and put the others off; those that nobody may take are left out.

    Args:
        raw: Where.
        task_ids: The tasks.
        bounds: What the line is counted by.
        one_after_other: Each of those whose turn it is will take a place from those behind it;
            one for which that would have to be counted anew is left out, too. They are of
            different users.
    """
    told = {**bounds.parameters(), "task_ids": list(task_ids)}
    with known_errors(raw):
        places = {place["task_id"]: place for place in await _PLACE.fetch(raw, told)}
        turns: dict[UUID, Turn] = {}
        taken = 0
        for task_id in task_ids:
            if (place := places.get(task_id)) is None:
                continue
            if (waits := await _has_to_wait(raw, place, told, taken)) is None:
                continue
            turns[task_id] = Turn(
                user_id=place["user_id"], workflow=place["workflow"], put_off=waits
            )
            taken += one_after_other and not waits
        if put_off := [task_id for task_id, turn in turns.items() if turn.put_off]:
            await raw.execute(_PUT_OFF, put_off)
    return turns


async def _has_to_wait(raw: Raw, place: Any, told: Mapping[str, Any], taken: int) -> bool | None:
    """Tell whether others come before a task, when so many places are taken since it was looked at.

    None when that would have to be counted anew.
    """
    if place["left_alone"]:  # its worker is lost: it has had its turn
        return False
    if place["later"] or place["active"] >= told["most_active"]:
        return True
    if place["free"] is None:  # no worker tells of itself
        return False
    # the last free slot is for somebody who has nothing running
    free, running = place["free"] - taken, place["running"]
    room = free - (running > 0)
    if running >= place["slots"] or room <= 0:
        return True
    if place["crowd"] - taken <= room:  # there is room for all who wait, itself included
        return False
    if taken:
        return None
    line = _AHEAD_OF_KNOWN if "known" in told else _AHEAD
    ahead = await line.fetchval(raw, {**told, "user_id": place["user_id"], "running": running})
    return bool(ahead >= room)


async def next_in_line(session: AsyncSession, *, bounds: Bounds, limit: int) -> list[UUID]:
    """Return the deferred tasks for which there is room, the first in line first."""
    line = _NEXT if bounds.known is None else _NEXT_OF_KNOWN
    return list(await session.scalars(line, {**bounds.parameters(), "most": limit}))
