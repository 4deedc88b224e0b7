"""Which tasks somebody may read: one, if it is theirs, or those on a page of their list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    String,
    cast,
    func,
    literal,
    or_,
    select,
    text,
    true,
    union,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from core.errors import NotFoundError
from core.states import TERMINAL
from db.models import RoadmapTask

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from sqlalchemy import ColumnElement, CompoundSelect, Select, TextClause
    from sqlalchemy.ext.asyncio import AsyncSession

    from core.actor import Actor
    from core.states import Status

AGE: Final = (RoadmapTask.created_at, RoadmapTask.task_id)
"""What tasks are ordered by: not the id alone, though ours tell the time, for other programs choose
theirs as they like."""
# spelled out, as in the index of each
_ENDED: Final = text("finished_at IS NOT NULL")
_NAMES: Final = ", ".join(f"'{status}'" for status in sorted(TERMINAL))
_ENDED_OF_ALL: Final = text(f"status IN ({_NAMES})")


async def visible_task(session: AsyncSession, task_id: UUID, actor: Actor) -> RoadmapTask:
    """Return a task's row.

    Raises:
        NotFoundError: There is none, or it belongs to somebody else.
    """
    row = await session.get(RoadmapTask, task_id)
    if row is None or not actor.may_see(row.user_id):
        raise NotFoundError(f"There is no task {task_id}.")
    return row


def newest(statement: Select[*tuple[Any, ...]], count: int) -> Select[*tuple[Any, ...]]:
    """Return the first of what a statement finds among the tasks."""
    return statement.order_by(*(column.desc() for column in AGE)).limit(count)


def page_of(
    conditions: Sequence[ColumnElement[bool]],
    *,
    statuses: Sequence[Status],
    actor: Actor,
    words: str | None,
    count: int,
) -> Select[UUID] | CompoundSelect[UUID]:
    """Return the ids of the newest tasks, and with words of some more.

    Args:
        conditions: What holds of each of them.
        statuses: Only these; all when empty.
        actor: Who asks; an admin sees everybody's.
        words: Only those with this text in their goal or title.
        count: How many.
    """
    own = () if actor.admin else (RoadmapTask.user_id == actor.user_id,)
    tasks = select(*AGE).where(*own, *conditions)
    if words:
        return _with(words, tasks, statuses, count)
    if not statuses:
        return select(newest(tasks, count).subquery().c.task_id)
    ended = _ENDED_OF_ALL if actor.admin else _ENDED
    found = union_all(*_each(tasks, statuses, ended, count)).subquery()
    age = (found.c.created_at, found.c.task_id)
    return select(found.c.task_id).order_by(*(column.desc() for column in age)).limit(count)


def named_by(part: str) -> ColumnElement[bool]:
    """Tell of a task whether its id, or its roadmap's, begins or ends with something."""
    return or_(
        *(
            cast(column, String).like(pattern)
            for column in (RoadmapTask.task_id, RoadmapTask.roadmap_id)
            for pattern in (f"{part}%", f"%{part}")
        )
    )


def _with(
    words: str, tasks: Select[*tuple[Any, ...]], statuses: Sequence[Status], count: int
) -> CompoundSelect[UUID]:
    """Return the newest tasks with a text in their goal, and those with it in their title.

    Apart, so that each half can use its own index: where many have it, it ends after a few of the
    newest tasks, and where few have it, an index of trigrams finds them.
    """
    if statuses:
        tasks = tasks.where(RoadmapTask.status.in_([str(status) for status in statuses]))
    halves = (
        newest(tasks.where(column.icontains(words, autoescape=True)), count).subquery()
        for column in (RoadmapTask.goal, RoadmapTask.title)
    )
    return union(*(select(half.c.task_id) for half in halves))


def _each(
    tasks: Select[*tuple[Any, ...]], statuses: Sequence[Status], ended: TextClause, count: int
) -> Iterator[Select[*tuple[Any, ...]]]:
    """Give the tasks of each status, so that no planner can look for it among all by their age.

    Those of a status that ended are read in their order, a page of each. As a range, of which a
    planner cannot know that it is one status, they are ordered by it, too: no other index has that
    order. Those that are not ended are few, and all are looked at: they are in no index by status
    and age, for it would be taken for one of the line.
    """
    for status in sorted({*statuses} - TERMINAL):
        yield tasks.where(text(f"status = '{status}'")).offset(0)
    if done := sorted({*statuses} & TERMINAL):
        names = literal([*map(str, done)], ARRAY(String))
        asked = func.unnest(names).table_valued("status").render_derived(name="asked")
        one = tasks.where(RoadmapTask.status.between(asked.c.status, asked.c.status), ended)
        page = newest(one.order_by(RoadmapTask.status.desc()), count).lateral()
        yield select(page.c.created_at, page.c.task_id).select_from(asked).join(page, true())
