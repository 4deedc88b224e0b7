"""Tasks: one, or a page of them, newest first."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select, tuple_

from core.errors import InvalidRequestError, NotFoundError, readable_error
from core.stages import stages_of
from core.states import Status
from core.usage import Usage
from db.models import Review, RoadmapTask
from db.repositories.parts import failed_parts
from db.session import read_session
from watching.line import Place, places
from watching.queries.idle import times_taken
from watching.queries.shapes import (
    FailedContentView,
    LineView,
    ProgressView,
    TaskErrorView,
    TaskView,
    TimeLeftView,
)
from watching.queries.usage import usage_view
from watching.queries.visible import AGE, named_by, newest, page_of, visible_task
from watching.time_left import Range, times_left

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy import ColumnElement
    from sqlalchemy.ext.asyncio import AsyncSession

    from core.actor import Actor

MOST_FAILURES: Final = 1000
"""Failed contents that one task names; whoever has more looks at the roadmap."""
LISTED_FAILURES: Final = 20
"""Failed contents that each task of a list names."""
_WITH_FAILURES: Final = frozenset({Status.PROCESSING, Status.PARTIAL_FAILURE, Status.FAILED})


async def require_task(task_id: UUID, *, actor: Actor) -> None:
    """Check that the actor may see the task.

    Raises:
        NotFoundError: There is none, or it belongs to somebody else; nobody can tell which.
    """
    async with read_session() as session:
        owner = await session.scalar(
            select(RoadmapTask.user_id).where(RoadmapTask.task_id == task_id)
        )
    if owner is None or not actor.may_see(owner):
        raise NotFoundError(f"There is no task {task_id}.")


async def get_task(task_id: UUID, *, actor: Actor) -> TaskView:
    """Return a task.

    Raises:
        NotFoundError: There is none, or it belongs to somebody else.
    """
    async with read_session() as session:
        row = await visible_task(session, task_id, actor)
        view = (await views_of(session, [row], failures=MOST_FAILURES))[0]
        return view if actor.admin else without_traces(view)


async def list_tasks(
    *,
    actor: Actor,
    statuses: Sequence[Status] = (),
    workflow: str | None = None,
    words: str | None = None,
    part: str | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> tuple[list[TaskView], UUID | None]:
    """Return a page of tasks, newest first; an admin sees everybody's.

    Args:
        actor: Who asks.
        statuses: Only these; all when empty.
        workflow: Only those of this one.
        words: Only those with this text in their goal or title.
        part: Only those whose id, or whose roadmap's, begins or ends with it.
        before: The last task of the previous page.
        limit: How many at most.

    Returns:
        The tasks, and the id to give as `before` for the next page, or None on the last one.

    Raises:
        InvalidRequestError: There is no task `before`.
    """
    conditions: list[ColumnElement[bool]] = []
    if workflow is not None:
        conditions.append(RoadmapTask.workflow == workflow)
    if part is not None:
        conditions.append(named_by(part.lower()))
    if before is not None:
        last = select(*AGE).where(RoadmapTask.task_id == before).scalar_subquery()
        conditions.append(tuple_(*AGE) < last)
    found = page_of(
        conditions,
        statuses=statuses,
        actor=actor,
        words=words,
        count=limit + 1,
    )
    statement = newest(select(RoadmapTask).where(RoadmapTask.task_id.in_(found)), limit + 1)
    async with read_session() as session:
        rows = list((await session.scalars(statement)).all())
        if not rows and before is not None and await session.get(RoadmapTask, before) is None:
            raise InvalidRequestError.at(
                "query", "cursor", "leads nowhere any more; begin with the first page"
            )
        more = len(rows) > limit
        views = await views_of(session, rows[:limit], failures=LISTED_FAILURES)
        views = [without_traces(view) for view in views]
    return views, views[-1].task_id if more else None


async def views_of(
    session: AsyncSession, rows: Sequence[RoadmapTask], *, failures: int
) -> list[TaskView]:
    """Return tasks as they are shown, each with so many failures at most."""
    failed = await _failures(
        session,
        [r.task_id for r in rows if r.total and Status(r.status) in _WITH_FAILURES],
        each=failures,
    )
    standing = await places(session, rows)
    left = await times_left(session, [row for row in rows if row.task_id not in standing])
    taken = await times_taken(session, rows)
    due = await _reviews_due(session, rows)
    views = []
    for row in rows:
        named = _by_step(row.workflow, failed.get(row.task_id, []))
        count = len(named) if len(named) < failures else max(row.failures, failures)
        views.append(
            _view(
                row,
                named,
                count,
                left=left.get(row.task_id),
                place=standing.get(row.task_id),
                took_s=taken.get(row.task_id),
                review_due_at=due.get(row.task_id),
            )
        )
    return views


def title_of(row: RoadmapTask) -> str:
    """Return what people call a task; a message of another program may have named no goal."""
    title = row.title or row.goal
    return title if title.strip() else "(no goal)"


def _view(
    row: RoadmapTask,
    failed: list[FailedContentView],
    count: int,
    *,
    left: Range | None,
    place: Place | None,
    took_s: float | None,
    review_due_at: datetime | None,
) -> TaskView:
    return TaskView(
        task_id=row.task_id,
        user_id=row.user_id,
        workflow=row.workflow,
        title=title_of(row),
        goal=row.goal,
        status=Status(row.status),
        current_step=row.current_step,
        roadmap_id=row.roadmap_id,
        attempt=row.attempt,
        review=row.asks_review and _wants_review(row.request),
        progress=ProgressView(done=row.done, total=row.total, percent=row.percent),
        time_left_s=None if left is None else TimeLeftView(p50=left.p50, p90=left.p90),
        line=None
        if place is None
        else LineView(position=place.position, reason=place.reason, message=place.message),
        error=None if row.error is None else _error(row.error, row.current_step),
        failed_contents=failed,
        failed_count=count,
        usage=usage_view(Usage.of(row)),
        last_seq=row.last_seq,
        review_due_at=review_due_at,
        created_at=row.created_at,
        starts_at=row.starts_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        took_s=took_s,
    )


def _wants_review(request: Any) -> bool:
    return not isinstance(request, dict) or request.get("review") is not False


def _error(error: Any, step: str) -> TaskErrorView:
    return TaskErrorView.model_validate({"step": step} | readable_error(error))


def _by_step(workflow: str, failed: Sequence[FailedContentView]) -> list[FailedContentView]:
    """Return the failed parts of a task by step, in the workflow's order."""
    steps = stages_of(workflow).steps
    return sorted(failed, key=lambda each: steps.index(each.step) if each.step in steps else -1)


def without_traces(view: TaskView) -> TaskView:
    """Return what everybody may see of a task: tracebacks are for those who run the workers."""
    if view.error is None and not view.failed_contents:
        return view
    return view.model_copy(
        update={
            "error": None if view.error is None else view.error.model_copy(update={"trace": None}),
            "failed_contents": [
                failed if failed.trace is None else failed.model_copy(update={"trace": None})
                for failed in view.failed_contents
            ],
        }
    )


async def _reviews_due(session: AsyncSession, rows: Sequence[RoadmapTask]) -> dict[UUID, datetime]:
    """Return for each task that waits for a review until when it should be decided."""
    waiting = [row.task_id for row in rows if row.status == Status.HUMAN_REVIEW_PENDING]
    if not waiting:
        return {}
    asked = (Review.task_id.in_(waiting), Review.status == "open")
    found = await session.execute(select(Review.task_id, Review.due_at).where(*asked))
    return {row.task_id: row.due_at for row in found}


async def _failures(
    session: AsyncSession, task_ids: Sequence[UUID], *, each: int
) -> dict[UUID, list[FailedContentView]]:
    """Return for each task the parts whose newest version failed."""
    found: dict[UUID, list[FailedContentView]] = defaultdict(list)
    if not task_ids:
        return found
    for part in await failed_parts(session, task_ids, each=each):
        error = readable_error(part.error)
        found[part.task_id].append(
            FailedContentView(
                step=part.step,
                key=part.key,
                title=part.title,
                kind=part.kind,
                concept_id=part.concept_id,
                concept_title=part.title if part.concept_id else None,
                code=error["code"],
                message=error["message"],
                trace=error.get("trace"),
            )
        )
    return found
