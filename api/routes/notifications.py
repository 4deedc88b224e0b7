"""The user's inbox: always one's own, for admins too."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response

from api.auth import CurrentActor, StreamViewer
from api.http import NotificationId, decode_cursor, encode_cursor, foreign_event_id, next_link
from api.problems import documented
from api.shapes import MarkedRead, Notifications, UnreadCount
from api.streams import HEARTBEAT_S, EventStream, encode_notification
from watching import inbox, queries
from watching.queries import NotificationView

router = APIRouter(prefix="/notifications", tags=["notifications"])

_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "`id:` is the `notification_id`, `event:` its kind, `data:` the entry.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}
After = Annotated[UUID | None, Query(description="The last notification already seen.")]


@router.get("", operation_id="listNotifications", summary="Newest first", responses=documented())
async def list_notifications(
    *,
    request: Request,
    response: Response,
    actor: CurrentActor,
    unread: Annotated[bool, Query(description="Only those not read yet.")] = False,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Notifications:
    """Return a page of the inbox and how many entries are unread."""
    views, last = await queries.inbox_page(
        actor.user_id, unread=unread, before=decode_cursor(cursor), limit=limit
    )
    following = encode_cursor(last)
    response.headers.update(next_link(request, following))
    return Notifications(
        notifications=views,
        unread=await queries.unread_count(actor.user_id),
        next_cursor=following,
    )


@router.get(
    "/unread-count",
    operation_id="countUnread",
    summary="How many are unread",
    responses=documented(),
)
async def unread_count(actor: CurrentActor) -> UnreadCount:
    """Return the number for a badge."""
    return UnreadCount(unread=await queries.unread_count(actor.user_id))


@router.post("/read-all", operation_id="readAll", summary="Mark all read", responses=documented())
async def read_all(
    actor: CurrentActor,
    task_id: Annotated[UUID | None, Query(description="Only what was told of this task.")] = None,
) -> MarkedRead:
    """Mark everything read, or all that was told of one task."""
    return MarkedRead(marked=await queries.mark_all_read(actor.user_id, task_id=task_id))


@router.post(
    "/{notification_id}/read",
    operation_id="readNotification",
    summary="Mark one read",
    responses=documented(404),
)
async def read_one(notification_id: NotificationId, actor: CurrentActor) -> NotificationView:
    """Mark an entry read; again is fine, and the time of the first reading stays."""
    return await queries.mark_read(actor.user_id, notification_id)


@router.get(
    "/stream",
    operation_id="streamNotifications",
    summary="The inbox, live (SSE)",
    response_class=Response,
    responses={**_STREAM, **documented()},
)
async def stream(
    viewer: StreamViewer,
    after: After = None,
    last_event_id: Annotated[
        str | None, Header(description="Sent by browsers that come back; wins over `after`.")
    ] = None,
) -> Response:
    """Send what came after a notification, or only what is new, until the client leaves."""
    seen = seen_of(last_event_id, after)
    coming = inbox.follow_inbox(viewer.actor.user_id, after=seen, viewer=viewer, idle_s=HEARTBEAT_S)
    return EventStream(_frames(coming), actor=viewer.actor)


def seen_of(last_event_id: str | None, after: UUID | None) -> UUID | None:
    """Return the last notification that a client has seen.

    Raises:
        InvalidRequestError: `Last-Event-ID` is none of ours.
    """
    if not last_event_id:
        return after
    try:
        return UUID(last_event_id)
    except ValueError:
        raise foreign_event_id() from None


async def _frames(coming: AsyncGenerator[list[NotificationView]]) -> AsyncGenerator[list[bytes]]:
    async with aclosing(coming) as batches:
        async for batch in batches:
            yield [encode_notification(view) for view in batch]
