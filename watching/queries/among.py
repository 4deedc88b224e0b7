"""Tasks that are read one by one by many at the same moment: together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from core.errors import NotFoundError
from core.gathering import Gathering
from core.loop_local import LoopLocal
from db.models import RoadmapTask
from db.session import read_session
from watching.queries.tasks import MOST_FAILURES, views_of, without_traces

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from core.actor import Actor
    from core.gathering import Asked
    from watching.queries.shapes import TaskView


async def get_task_among(task_id: UUID, *, actor: Actor) -> TaskView:
    """Return a task, read together with those that others ask for in the same moment.

    Raises:
        NotFoundError: There is none, or it belongs to somebody else.
    """
    view = await _among.get().ask(task_id)
    if view is None or not actor.may_see(view.user_id):
        raise NotFoundError(f"There is no task {task_id}.")
    return view if actor.admin else without_traces(view)


async def _read_all(
    asked: Sequence[Asked[UUID, TaskView | None]],
) -> list[TaskView | BaseException | None]:
    wanted = select(RoadmapTask).where(RoadmapTask.task_id.in_({each.item for each in asked}))
    try:
        async with read_session() as session:
            rows = list(await session.scalars(wanted))
            views = await views_of(session, rows, failures=MOST_FAILURES)
    except Exception as error:  # noqa: BLE001 - each caller gets its own
        if len(asked) == 1:
            return [error]
        return [(await _read_all([each]))[0] for each in asked]  # it is one that cannot be shown
    found = {view.task_id: view for view in views}
    return [found.get(each.item) for each in asked]


_among: Final[LoopLocal[Gathering[UUID, TaskView | None]]] = LoopLocal(lambda: Gathering(_read_all))
