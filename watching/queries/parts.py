"""The parts that a task's steps make: pages of them, and one with what was made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field
from sqlalchemy import case, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on

from core.errors import InvalidRequestError, NotFoundError, readable_error
from core.stages import stages_of
from core.states import ContentStatus
from core.usage import COLUMNS, Usage
from db.models import Part
from db.session import read_session
from notifications.event_types import StepName  # noqa: TC001 - pydantic reads it
from watching.queries.shapes import Moment, UsageView, View
from watching.queries.usage import usage_view
from watching.queries.visible import visible_task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from sqlalchemy import Tuple
    from sqlalchemy.ext.asyncio import AsyncSession

    from core.actor import Actor
    from db.models import RoadmapTask

PartKey = tuple[str, str, str]
"""Step, key and kind."""
_IDENTITY = (Part.step, Part.key, Part.kind)
_STATE = [
    getattr(Part, name)
    for name in (
        *("step", "key", "kind", "title", "version", "status", "error"),
        *("started_at", "finished_at"),
        *COLUMNS,
    )
]


class PartErrorView(View):
    """Why a part could not be made."""

    code: str
    message: str


class PartView(View):
    """Where the newest version of a part is."""

    step: StepName
    key: str = Field(description="Names the part within its step.")
    kind: str = Field(description="The step's name where a step makes parts of one kind only.")
    title: str
    status: ContentStatus
    version: int
    error: PartErrorView | None
    usage: UsageView | None = Field(description="What this version cost; null before it ended.")
    started_at: Moment | None
    finished_at: Moment | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredPart:
    """A version of a part, with what was made, as it is stored."""

    workflow: str
    view: PartView
    body: dict[str, Any] | None
    instruction: str | None
    versions: tuple[int, ...]
    """Those that can be read."""


async def parts_page(
    task_id: UUID,
    *,
    actor: Actor,
    step: str | None = None,
    key: str | None = None,
    kind: str | None = None,
    statuses: Sequence[ContentStatus] = (),
    after: PartKey | None = None,
    limit: int = 200,
) -> tuple[list[PartView], PartKey | None]:
    """Return a page of a task's parts, each in its newest version.

    They come in the order of the workflow's steps, and within a step in that of its list.

    Returns:
        The parts, and what to give as `after` for the next page, or None on the last one.

    Raises:
        NotFoundError: There is no such task, or it belongs to somebody else.
    """
    newest = (
        select(*_STATE, Part.position)
        .where(Part.task_id == task_id, Part.hidden.is_(False))
        .ext(distinct_on(*_IDENTITY))
        .order_by(*_IDENTITY, Part.version.desc())
    )
    for column, wanted in ((Part.step, step), (Part.key, key), (Part.kind, kind)):
        if wanted is not None:
            newest = newest.where(column == wanted)
    every = newest.subquery()
    found = every.c
    async with read_session() as session:
        row = await visible_task(session, task_id, actor)
        steps = {name: place for place, name in enumerate(stages_of(row.workflow).steps)}
        place = case(steps, value=found.step, else_=len(steps)) if steps else literal(0)
        order = (place, found.step, found.position, found.key, found.kind)
        page = select(every).order_by(*order).limit(limit + 1)
        if statuses:
            page = page.where(found.status.in_([str(each) for each in statuses]))
        if after is not None:
            page = page.where(tuple_(*order) > _where(task_id, after, steps))
        rows = (await session.execute(page)).all()
    views = [_view(row) for row in rows[:limit]]
    last = views[-1] if len(rows) > limit else None
    return views, None if last is None else (last.step, last.key, last.kind)


def _where(task_id: UUID, part: PartKey, steps: Mapping[str, int]) -> Tuple:
    """Return where a part stands now in the order of its task's parts."""
    step, key, kind = part
    position = (
        select(func.max(Part.position))
        .where(Part.task_id == task_id, tuple_(*_IDENTITY) == tuple_(*map(literal, part)))
        .scalar_subquery()
    )
    place = literal(steps.get(step, len(steps)))
    return tuple_(place, literal(step), func.coalesce(position, 0), literal(key), literal(kind))


async def stored_part(
    task_id: UUID,
    step: str,
    key: str,
    *,
    actor: Actor,
    kind: str | None = None,
    version: int | None = None,
) -> StoredPart:
    """Return a version of a part: by default the newest that can be read, else the newest.

    Raises:
        NotFoundError: There is no such task, or it belongs to somebody else; or no such part.
        InvalidRequestError: The key has parts of several kinds, and none was named.
    """
    async with read_session() as session:
        row = await visible_task(session, task_id, actor)
        where = (Part.task_id == task_id, Part.step == step, Part.key == key)
        kinds = (await session.scalars(select(Part.kind).where(*where).distinct())).all()
        if not kinds or kind not in {None, *kinds}:
            said = "" if kind is None else f" of the kind {kind!r}"
            raise NotFoundError(f"Task {task_id} has no part {key!r}{said} at {step}.")
        if kind is None and len(kinds) > 1:
            said = f"must be one of {', '.join(sorted(kinds))}"
            raise InvalidRequestError.at("query", "kind", said)
        return await _version(session, row, (step, key, kind or kinds[0]), version)


async def _version(
    session: AsyncSession, task: RoadmapTask, named: PartKey, version: int | None
) -> StoredPart:
    where = (Part.task_id == task.task_id, tuple_(*_IDENTITY) == tuple_(*map(literal, named)))
    done = Part.status == str(ContentStatus.COMPLETED)
    statement = select(*_STATE, Part.body, Part.instruction).where(*where)
    if version is not None:
        statement = statement.where(Part.version == version)
    found = (
        await session.execute(statement.order_by(done.desc(), Part.version.desc()).limit(1))
    ).one_or_none()
    if found is None:
        raise NotFoundError(f"The part {named[1]!r} has no version {version}.")
    readable = await session.scalar(
        select(func.array_agg(func.distinct(Part.version))).where(*where, done)
    )
    return StoredPart(
        workflow=task.workflow,
        view=_view(found),
        body=found.body,
        instruction=found.instruction,
        versions=tuple(sorted(readable or ())),
    )


def _view(row: Any) -> PartView:
    error = row.error
    return PartView(
        step=row.step,
        key=row.key,
        kind=row.kind,
        title=row.title,
        status=ContentStatus(row.status),
        version=row.version,
        error=None if error is None else PartErrorView.model_validate(readable_error(error)),
        usage=usage_view(Usage.of(row)) if row.calls else None,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )
