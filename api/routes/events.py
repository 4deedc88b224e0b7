"""A task's events: polled, long-polled, or streamed as server-sent events."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response

from api.auth import CurrentViewer, StreamViewer
from api.http import TaskId, foreign_event_id
from api.middleware import PUSH
from api.problems import documented
from api.shapes import EVENT_EXAMPLE, EventList
from api.streams import HEARTBEAT_S, EventStream, encode_sse, pack_sse
from watching import feed, queries
from watching.viewer import Viewer

router = APIRouter(tags=["events"])

LARGEST_SEQ: Final = 2**31 - 1
LONGEST_WAIT_S: Final = 30

After = Annotated[int, Query(ge=0, le=LARGEST_SEQ, description="The last `seq` already seen.")]
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": (
            "`id:` is the event's `seq`, `event:` its type, `data:` the event. Transient events"
            " (`content_delta`) have no `id:` and are never replayed."
        ),
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": EVENT_EXAMPLE}},
    },
    204: {"description": "The task has ended and everything was seen: do not come back."},
}


@router.get(
    "/tasks/{task_id}/events",
    operation_id="listTaskEvents",
    summary="The event log",
    responses=documented(404),
)
async def list_events(
    task_id: TaskId,
    viewer: CurrentViewer,
    after: After = 0,
    wait: Annotated[
        float, Query(ge=0, le=LONGEST_WAIT_S, description="Seconds to wait for a first event.")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 500,
) -> EventList:
    """Return the committed events after a number; with `wait`, once there are any."""
    await queries.require_task(task_id, actor=viewer.actor)
    events = await feed.wait_for_events(
        task_id, after=after, wait_s=wait, limit=limit, viewer=viewer
    )
    return EventList(events=events, next_after=events[-1]["seq"] if events else after)


@router.get(
    "/tasks/{task_id}/stream",
    operation_id="streamTaskEvents",
    summary="The event log, live (SSE)",
    response_class=Response,
    responses={**_STREAM, **documented(404)},
)
async def stream_events(
    request: Request,
    task_id: TaskId,
    viewer: StreamViewer,
    after: After = 0,
    last_event_id: Annotated[
        str | None, Header(description="Sent by browsers that come back; wins over `after`.")
    ] = None,
) -> Response:
    """Send every event after a number, in order, once, until the task has ended."""
    seen = seq_of(last_event_id, after)
    state, more = await queries.log_state(task_id, after=seen, actor=viewer.actor)
    if state.terminal and not more:
        return Response(status_code=204)
    write = request.scope.get(PUSH)
    push = None if write is None else feed.Push(pack=pack_sse, write=write)
    return EventStream(_frames(task_id, seen, viewer, push), actor=viewer.actor)


def seq_of(last_event_id: str | None, after: int) -> int:
    """Return the number that a client has seen.

    Raises:
        InvalidRequestError: `Last-Event-ID` is none of ours.
    """
    if not last_event_id:
        return after
    if (
        not (last_event_id.isascii() and last_event_id.isdigit())
        or len(last_event_id) > len(str(LARGEST_SEQ))
        or int(last_event_id) > LARGEST_SEQ
    ):
        raise foreign_event_id()
    return int(last_event_id)


async def _frames(
    task_id: UUID, after: int, viewer: Viewer, push: feed.Push | None
) -> AsyncGenerator[list[bytes]]:
    async with aclosing(
        feed.follow(
            task_id, after=after, viewer=viewer, idle_s=HEARTBEAT_S, transient=True, push=push
        )
    ) as batches:
        async for batch in batches:
            yield [entry.frame(encode_sse) for entry in batch]
