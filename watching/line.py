"""Where tasks stand that wait: how many would begin before them, and what they wait for."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from core.loop_local import LoopLocal
from core.stages import can_run, is_known
from core.states import Status, Step
from core.unheard import why_unheard
from db.repositories.line import Line, Standing, line, lost, numbers
from db.repositories.line_bounds import bounds
from db.task_changes import timestamp
from watching.seldom import Seldom

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession

    from db.models import RoadmapTask

LONGEST_KEPT_S: Final = 5.0


class LineReason(StrEnum):
    """What a waiting task waits for."""

    WORKER = "worker"
    """A free slot of a worker, and that it is its turn."""
    USER_LIMIT = "user_limit"
    """Its user has begun as many tasks as one may have."""
    STARTS_AT = "starts_at"
    """The time that its message asked for."""
    UNKNOWN_WORKFLOW = "unknown_workflow"
    """A worker that knows its workflow, and this version of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A task's place in the line; it has none before it may start."""

    position: int | None
    reason: LineReason
    message: str


Crowd = dict[tuple[int, int], list[tuple[float, float]]]
"""Users who have as many tasks running and as many that may begin; whoever waited longer first."""


_counted: Final[LoopLocal[Seldom[tuple[Line, Crowd]]]] = LoopLocal(Seldom)


async def _line(session: AsyncSession) -> tuple[Line, Crowd]:
    """Return how the users stand."""

    async def count() -> tuple[Line, Crowd]:
        now = await line(session, bounds=bounds())
        return now, _crowd(now, most_active=bounds().most_active)

    return await _counted.get().get(count, longest_s=LONGEST_KEPT_S)


def _waits(row: RoadmapTask) -> bool:
    resuming = row.current_step == Step.RESUMING and row.lease_until is None
    return Status(row.status) is Status.PENDING or resuming


async def places(session: AsyncSession, rows: Sequence[RoadmapTask]) -> dict[UUID, Place]:
    """Return the places of those tasks that wait for a worker, a turn or a time."""
    waiting = [row for row in rows if _waits(row)]
    held = [
        row.task_id
        for row in rows
        if Status(row.status) is Status.PROCESSING and row.lease_until is not None
    ]
    left = await lost(session, held, bounds=bounds()) if held else set()
    if not waiting and not left:
        return {}
    now, crowd = await _line(session)
    standing = {task_id: _left_alone(now.slots) for task_id in left}
    if waiting:
        found = await numbers(session, [row.task_id for row in waiting])
        most = bounds().most_active
        standing |= {
            row.task_id: _place(row, found.get(row.task_id), now, crowd, most_active=most)
            for row in waiting
        }
    return standing


def _place(
    row: RoadmapTask, number: int | None, now: Line, crowd: Crowd, *, most_active: int
) -> Place:
    """Return a task's place; `number` is its own among its user's, None before it may start."""
    if not can_run(row.workflow, row.workflow_version):
        message = (
            f"Version {row.workflow_version} of the workflow {row.workflow!r} is not known here; it"
            " goes on when a worker knows it: see `upgrade` in the documentation of own workflows."
            if is_known(row.workflow)
            else f"The workflow {row.workflow!r} is not known here; it goes on when a worker knows"
            " it: see ROADMAP_WORKFLOWS."
        )
        return Place(position=None, reason=LineReason.UNKNOWN_WORKFLOW, message=message)
    if number is None and row.starts_at is not None:
        message = f"It starts at {timestamp(row.starts_at)}, as its message asked."
        return Place(position=None, reason=LineReason.STARTS_AT, message=message)
    mine = now.users.get(row.user_id) or Standing.of_nobody(row.user_id, since=row.created_at)
    begun = Status(row.status) is not Status.PENDING
    own = (number or 1) + (0 if begun else mine.resuming)
    position = own + _ahead(crowd, mine, place=mine.running + own)
    if row.user_id in now.users:  # the count above includes the user's own tasks
        position -= _begin(_startable(mine, most_active), mine.running, mine.running + own)
    if not begun and mine.active + (number or 1) > most_active:
        message = f"A user may have begun {most_active} tasks at a time; one of them has to end."
        return Place(position=position, reason=LineReason.USER_LIMIT, message=message)
    if now.slots is not None and (why := why_unheard()) is not None:
        message = f"The broker {why}, so no worker can be told of it; it begins once that is over."
        return Place(position=None, reason=LineReason.WORKER, message=message)
    return Place(position=position, reason=LineReason.WORKER, message=_told(position, now.slots))


def _crowd(now: Line, *, most_active: int) -> Crowd:
    """Return the users in groups, so that a place costs as much as there are kinds of users."""
    crowd: Crowd = defaultdict(list)
    for user in now.users.values():
        if startable := _startable(user, most_active):
            crowd[user.running, startable].append((user.last_started, user.oldest))
    for group in crowd.values():
        group.sort()
    return crowd


def _startable(user: Standing, most_active: int) -> int:
    return user.resuming + min(user.pending, max(most_active - user.active, 0))


def _begin(startable: int, running: int, place: int) -> int:
    """Return how many of a user's tasks have a lower place than that."""
    return min(startable, max(place - running - 1, 0))


def _ahead(crowd: Crowd, mine: Standing, *, place: int) -> int:
    """Return how many tasks begin before mine of that place, my own lower ones among them.

    At the same place it is first whose user has waited longer for a start, then for anything.
    """
    ahead = 0
    for (running, startable), group in crowd.items():
        ahead += len(group) * _begin(startable, running, place)
        if 1 <= place - running <= startable:  # these users have a task of just that place
            ahead += bisect_left(group, (mine.last_started, mine.oldest))
    return ahead


def _left_alone(slots: int | None) -> Place:
    """Return the place of a task whose worker is gone: it has none before it is taken from it."""
    message = (
        "Its worker is lost, and no other one tells of itself; it goes on when there is one."
        if slots is None
        else "Its worker is lost; another one goes on with it in a moment."
    )
    return Place(position=None, reason=LineReason.WORKER, message=message)


def _told(position: int, slots: int | None) -> str:
    if slots is None:
        return "No worker tells of itself; it begins when there is one."
    if position == 1:
        return "It is next, as soon as a worker has a free slot."
    return f"{position - 1} before it; it begins when it is its turn and a worker has a free slot."
