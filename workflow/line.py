"""Where tasks stand that wait: how many would begin before them, and what they wait for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from typing import TYPE_CHECKING, Final

from core.loop_local import LoopLocal
from core.states import Status, Step
from db.ledger import timestamp
from db.repositories.line import Line, Standing, line, numbers
from workflow.turns import bounds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from db.models import RoadmapTask

SHARE: Final = 0.05
"""Of one connection's time that may go into counting the line, however many tasks wait."""
LONGEST_KEPT_S: Final = 5.0


class LineReason(StrEnum):
    """What a waiting task waits for."""

    WORKER = "worker"
    """A free slot of a worker, and that it is its turn."""
    USER_LIMIT = "user_limit"
    """Its user has begun as many tasks as one may have."""
    STARTS_AT = "starts_at"
    """The time that its message asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A task's place in the line; it has none before it may start."""

    position: int | None
    reason: LineReason
    message: str


@dataclass(slots=True)
class _Counted:
    """The line as it was a moment ago, and until when that is good enough."""

    line: Line = field(default_factory=Line)
    good_until: float = float("-inf")
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


_counted: Final[LoopLocal[_Counted]] = LoopLocal(_Counted)


async def _line(session: AsyncSession) -> Line:
    """Return how the users stand; whoever asks meanwhile waits for the same answer."""
    kept = _counted.get()
    async with kept.lock:
        began = monotonic()
        if began > kept.good_until:
            kept.line = await line(session, bounds=bounds())
            ended = monotonic()
            kept.good_until = ended + min(LONGEST_KEPT_S, (ended - began) / SHARE)
        return kept.line


def _waits(row: RoadmapTask) -> bool:
    resuming = row.current_step == Step.RESUMING and row.lease_until is None
    return Status(row.status) is Status.PENDING or resuming


async def places(session: AsyncSession, rows: Sequence[RoadmapTask]) -> dict[UUID, Place]:
    """Return the places of those tasks that wait for a worker, a turn or a time."""
    waiting = [row for row in rows if _waits(row)]
    if not waiting:
        return {}
    found = await numbers(session, [row.task_id for row in waiting])
    now = await _line(session)
    most = bounds().most_active
    return {
        row.task_id: _place(row, found.get(row.task_id), now, most_active=most) for row in waiting
    }


def _place(row: RoadmapTask, number: int | None, now: Line, *, most_active: int) -> Place:
    """Return a task's place; `number` is its own among its user's, None before it may start."""
    if number is None and row.starts_at is not None:
        message = f"It starts at {timestamp(row.starts_at)}, as its message asked."
        return Place(position=None, reason=LineReason.STARTS_AT, message=message)
    mine = now.users.get(row.user_id) or Standing.of_nobody(row.user_id, since=row.created_at)
    begun = Status(row.status) is not Status.PENDING
    own = (number or 1) + (0 if begun else mine.resuming)
    position = own + sum(
        _ahead(user, mine, place=mine.running + own, most_active=most_active)
        for user in now.users.values()
        if user.user_id != row.user_id
    )
    if not begun and mine.active + (number or 1) > most_active:
        message = f"A user may have begun {most_active} tasks at a time; one of them has to end."
        return Place(position=position, reason=LineReason.USER_LIMIT, message=message)
    return Place(position=position, reason=LineReason.WORKER, message=_told(position, now.slots))


def _ahead(user: Standing, mine: Standing, *, place: int, most_active: int) -> int:
    """Return how many of another user's tasks begin before mine of that place.

    At the same place it is first whose user has waited longer for a start, then for anything.
    """
    first = (user.last_started, user.oldest) < (mine.last_started, mine.oldest)
    startable = user.resuming + min(user.pending, max(most_active - user.active, 0))
    return min(startable, max(place - user.running - (0 if first else 1), 0))


def _told(position: int, slots: int | None) -> str:
    if slots is None:
        return "No worker tells of itself; it begins when there is one."
    if position == 1:
        return "It is next, as soon as a worker has a free slot."
    return f"{position - 1} before it; it begins when it is its turn and a worker has a free slot."
