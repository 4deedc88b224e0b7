"""A user's inbox: table `notifications`. Always one's own, also for admins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, cast, func, select, update

from core.errors import NotFoundError
from db.models import Notification, RoadmapTask
from db.session import read_session, transaction
from watching.queries.shapes import NotificationView

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from sqlalchemy import Select


async def inbox_page(
    user_id: str, *, unread: bool = False, before: UUID | None = None, limit: int = 50
) -> tuple[list[NotificationView], UUID | None]:
    """Return a page of a user's notifications, newest first, and where the next page begins."""
    statement = (
        select(Notification)
        .where(Notification.user_id == user_id)
        .order_by(Notification.notification_id.desc())
        .limit(limit + 1)
    )
    if unread:
        statement = statement.where(Notification.read_at.is_(None))
    if before is not None:
        statement = statement.where(Notification.notification_id < before)
    views = await _read(statement)
    return views[:limit], views[limit - 1].notification_id if len(views) > limit else None


async def inbox_after(user_id: str, *, after: UUID, limit: int = 200) -> Sequence[NotificationView]:
    """Return a user's notifications with greater ids, in order: for live inboxes."""
    return await _read(
        select(Notification)
        .where(Notification.user_id == user_id, Notification.notification_id > after)
        .order_by(Notification.notification_id)
        .limit(limit)
    )


async def inbox_marks(user_ids: Iterable[str], *, after: UUID) -> dict[str, tuple[int, str]]:
    """Return what changes with each new entry, for each user who has any after an id."""
    newest = func.max(cast(Notification.notification_id, Text))  # uuid has no max before 18
    statement = (
        select(Notification.user_id, func.count(), newest)
        .where(Notification.user_id.in_(list(user_ids)), Notification.notification_id > after)
        .group_by(Notification.user_id)
    )
    async with read_session() as session:
        return {row[0]: (row[1], row[2]) for row in await session.execute(statement)}


async def unread_count(user_id: str) -> int:
    """Return how many notifications the user has not read."""
    async with read_session() as session:
        return int(
            await session.scalar(
                select(func.count())
                .select_from(Notification)
                .where(Notification.user_id == user_id, Notification.read_at.is_(None))
            )
            or 0
        )


async def mark_read(user_id: str, notification_id: UUID) -> NotificationView:
    """Mark a notification read; the first reading's time stays.

    Raises:
        NotFoundError: There is none, or it belongs to somebody else.
    """
    async with transaction() as tx:
        row: Notification | None = (
            await tx.session.execute(
                update(Notification)
                .where(
                    Notification.notification_id == notification_id,
                    Notification.user_id == user_id,
                )
                .values(read_at=func.coalesce(Notification.read_at, func.now()))
                .returning(Notification)
            )
        ).scalar_one_or_none()
        if row is None:
            raise NotFoundError(f"There is no notification {notification_id}.")
        return _view(row)


async def mark_all_read(user_id: str, *, task_id: UUID | None = None) -> int:
    """Mark a user's notifications read, all or those of one task; return how many were not."""
    statement = update(Notification).where(
        Notification.user_id == user_id, Notification.read_at.is_(None)
    )
    if task_id is not None:
        statement = statement.where(Notification.task_id == task_id)
    async with transaction() as tx:
        rows = await tx.session.scalars(
            statement.values(read_at=func.now()).returning(Notification.notification_id)
        )
        return len(rows.all())


async def _read(statement: Select[Any]) -> list[NotificationView]:
    named = statement.add_columns(
        func.coalesce(RoadmapTask.title, RoadmapTask.goal), RoadmapTask.roadmap_id
    ).join(RoadmapTask, RoadmapTask.task_id == Notification.task_id)
    async with read_session() as session:
        return [
            _view(row, title=title, roadmap_id=roadmap_id)
            for row, title, roadmap_id in await session.execute(named)
        ]


def _view(row: Notification, **task: Any) -> NotificationView:
    own = {name: getattr(row, name) for name in NotificationView.model_fields if hasattr(row, name)}
    return NotificationView.model_validate(own | task)
