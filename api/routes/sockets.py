"""The same streams over WebSocket: events and notifications as JSON messages."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, WebSocket
from starlette.websockets import WebSocketDisconnect, WebSocketState

from api.auth import identify_stream, origin_allowed
from api.http import parse_id
from api.patience import Patience
from api.problems import of_error, of_failure
from api.registry import registry
from api.streams import LAST_WORD_S, SEND_TIMEOUT_S, encode_json
from core import timeouts
from core.errors import (
    AppError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    UnauthenticatedError,
)
from core.logging import get_logger
from watching import feed, inbox, queries
from watching.queries import NotificationView
from watching.viewer import Viewer

router = APIRouter()
nowhere = APIRouter()
log = get_logger(__name__)

ENDED: Final = 1000
SERVICE_RESTART: Final = 1012
TRY_AGAIN_LATER: Final = 1013
INTERNAL_ERROR: Final = 1011
NOT_ALLOWED: Final = 1008
CLOSE_S: Final = 1.0
LONGEST_SEQ: Final = len(str(2**31))
LONGEST_REASON: Final = 100
"""Of the 123 bytes that a closing frame has for it."""


@router.websocket("/ws/tasks/{task_id}")
async def follow_task(
    socket: WebSocket, task_id: str, after: Annotated[str, Query()] = "0"
) -> None:
    """Send every event after a number; close with 1000 after the terminal one."""
    try:
        viewer = await _identified(socket)
        key = parse_id(task_id)
        seen = _seq(after)
        await queries.require_task(key, actor=viewer.actor)
        registry().check(viewer.actor)
    except Exception as error:  # noqa: BLE001 - every refusal is a problem response
        return await _deny(socket, error)
    return await _serve(socket, viewer, _events(key, seen, viewer))


@router.websocket("/ws/notifications")
async def follow_notifications(
    socket: WebSocket, after: Annotated[str | None, Query()] = None
) -> None:
    """Send the user's notifications as they come."""
    try:
        viewer = await _identified(socket)
        seen = None if after is None else parse_id(after)
        registry().check(viewer.actor)
    except Exception as error:  # noqa: BLE001 - every refusal is a problem response
        return await _deny(socket, error)
    coming = inbox.follow_inbox(viewer.actor.user_id, after=seen, viewer=viewer)
    return await _serve(socket, viewer, _notifications(coming))


@nowhere.websocket("/{path:path}")
async def refuse(socket: WebSocket) -> None:
    """Refuse a socket at any other address with a problem; Starlette's refusal is 403 and empty."""
    await _deny(socket, NotFoundError("There is nothing at this address."))


async def _identified(socket: WebSocket) -> Viewer:
    """Return who asks, from a page that may.

    Raises:
        AppError: The page is of another origin, or the credentials are bad.
    """
    if not origin_allowed(socket, socket.headers.get("origin")):
        raise ForbiddenError("Pages of this origin may not connect; see ROADMAP_CORS_ORIGINS.")
    return await identify_stream(socket)


def _seq(after: str) -> int:
    if (
        not (after.isascii() and after.isdigit() and len(after) <= LONGEST_SEQ)
        or int(after) >= 2**31
    ):
        raise InvalidRequestError.at("query", "after", "must be the `seq` of an event, or 0")
    return int(after)


async def _events(task_id: UUID, after: int, viewer: Viewer) -> AsyncGenerator[list[str]]:
    async with aclosing(
        feed.follow(task_id, after=after, viewer=viewer, transient=True)
    ) as batches:
        async for batch in batches:
            yield [entry.frame(encode_json) for entry in batch]


async def _notifications(
    coming: AsyncGenerator[list[NotificationView]],
) -> AsyncGenerator[list[str]]:
    async with aclosing(coming) as batches:
        async for batch in batches:
            yield [view.model_dump_json() for view in batch]


async def _deny(socket: WebSocket, error: Exception) -> None:
    """Answer the handshake with a problem instead of a socket."""
    path = socket.url.path
    problem = (
        of_error(error, instance=path)
        if isinstance(error, AppError)
        else of_failure(error, instance=path)
    )
    await socket.send_denial_response(problem)


async def _serve(socket: WebSocket, viewer: Viewer, source: AsyncGenerator[list[str]]) -> None:
    """Send until the source ends, the client leaves, or takes nothing for too long."""
    with registry().entered(viewer.actor, "ws"):
        await socket.accept()
        sending = asyncio.ensure_future(_send_all(socket, source))
        leaving = asyncio.ensure_future(_until_left(socket))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            results = await asyncio.gather(sending, leaving, return_exceptions=True)
        code, reason = _outcome(results[0])
    if code is not None:
        await _close(socket, code, reason)


def _outcome(result: object) -> tuple[int | None, str]:
    """Return the closing code for how sending ended; None when the client has left."""
    if isinstance(result, TimeoutError):
        registry().drop("ws", "slow")
        log.warning("stream_dropped", transport="ws", reason="slow")
        return TRY_AGAIN_LATER, "too slow; come back with the last seq"
    if isinstance(result, asyncio.CancelledError | WebSocketDisconnect | OSError):
        return None, ""
    if isinstance(result, NotFoundError | UnauthenticatedError):
        registry().drop("ws", result.code)
        log.info("stream_closed", transport="ws", reason=result.code)
        return NOT_ALLOWED, f"{result.code}: {result.message}"[:LONGEST_REASON]
    if isinstance(result, BaseException):
        log.error("stream_failed", transport="ws", exc_info=result)
        return INTERNAL_ERROR, "come back with the last seq"
    if feed.current_feed().stopping:
        return SERVICE_RESTART, "come back with the last seq"
    return ENDED, ""


async def _send_all(socket: WebSocket, source: AsyncGenerator[list[str]]) -> None:
    async with Patience(SEND_TIMEOUT_S) as patience, aclosing(source):
        async for frames in source:
            for frame in frames:
                await patience.sent(socket.send_text(frame))


async def _until_left(socket: WebSocket) -> None:
    """Read and forget what the client sends: this stream goes one way."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    if socket.application_state is not WebSocketState.CONNECTED:
        return
    with suppress(TimeoutError, RuntimeError, OSError, WebSocketDisconnect):
        # a client that does not read gets some time to read the reason
        async with timeouts.timeout(LAST_WORD_S if code == TRY_AGAIN_LATER else CLOSE_S):
            await socket.close(code, reason)
