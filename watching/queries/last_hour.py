"""The last hour by minutes: what waited and ran, as maintenance noted it, and how tasks ended."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from pydantic import Field
from sqlalchemy import text

from core.states import Status
from db.session import read_session
from notifications.event_types import EventType
from watching.queries.shapes import Moment, View

if TYPE_CHECKING:
    from datetime import datetime

_ENDS: Final = {
    EventType.TASK_COMPLETED: Status.COMPLETED,
    EventType.TASK_PARTIALLY_FAILED: Status.PARTIAL_FAILURE,
    EventType.TASK_FAILED: Status.FAILED,
    EventType.TASK_CANCELLED: Status.CANCELLED,
}
_MINUTES: Final = text(
    """
    SELECT at, waiting, running, depth FROM generate_series(
        date_trunc('minute', statement_timestamp()) - interval '59 minutes',
        date_trunc('minute', statement_timestamp()), interval '1 minute'
    ) at LEFT JOIN queue_minutes ON minute = at ORDER BY at
    """
)
# Its types stand in it, or the index of just these is not found to be the one.
_ENDED: Final = text(
    """
    SELECT date_trunc('minute', created_at), type, count(*) FROM task_events
    WHERE type IN ('task_completed', 'task_partially_failed', 'task_failed', 'task_cancelled')
        AND created_at >= CAST(:since AS timestamptz)
    GROUP BY 1, 2
    """
)


class MinuteView(View):
    """What waited and ran in a minute, and how tasks ended in it."""

    at: Moment = Field(description="When the minute began.")
    waiting: int | None = Field(
        description="Tasks that a worker could take; null of a minute that nobody noted, since"
        " maintenance was away or paused, or it has just begun."
    )
    running: int | None = Field(description="Tasks under a live lease; null as above.")
    depth: int | None = Field(
        description="Messages in the queue; null as above, and while the broker does not answer."
    )
    ended: dict[Status, int] = Field(
        description="How many tasks ended how. One that is tried again ends once more."
    )


class LastHourView(View):
    """The last sixty minutes, this one included, the oldest first."""

    minutes: list[MinuteView]


async def last_hour() -> LastHourView:
    """Return the last hour by minutes of the database's clock."""
    async with read_session() as session:
        minutes = (await session.execute(_MINUTES)).all()
        ended: defaultdict[datetime, dict[Status, int]] = defaultdict(dict)
        for at, type_, tasks in await session.execute(_ENDED, {"since": minutes[0].at}):
            ended[at][_ENDS[EventType(type_)]] = tasks
    return LastHourView(
        minutes=[
            MinuteView(
                at=each.at,
                waiting=each.waiting,
                running=each.running,
                depth=each.depth,
                ended={status: ended[each.at].get(status, 0) for status in _ENDS.values()},
            )
            for each in minutes
        ]
    )
