"""Server-sent events: frames encoded once, heartbeats, slow and vanished clients dropped."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Final

import orjson
from fastapi.sse import EventSourceResponse, format_sse_event

from api.middleware import DIRECT_SEND
from api.patience import Patience
from api.registry import registry
from core import timeouts
from core.errors import AppError
from core.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Sequence

    from starlette.types import Message, Receive, Scope, Send

    from core.actor import Actor
    from watching.feed import Entry
    from watching.queries import NotificationView

log = get_logger(__name__)

HEARTBEAT_S: Final = 15.0
"""Proxies cut idle sockets, the shortest after 30 s or so."""
SEND_TIMEOUT_S: Final = 20.0
"""A client that takes nothing for so long is gone or stuck; it may come back and resume."""
LAST_WORD_S: Final = 40.0
"""How long such a client is waited for to hear why it was dropped. The server's sockets are closed
after 30 s in which nothing was acknowledged or taken (`api.__main__`), so most are gone by then."""
RETRY_MS: Final = 2000
HEARTBEAT: Final = b": ping\n"
"""A comment, and no blank line after it: some clients take every blank line for an event."""
CLOSED: Final = ": closed {code}\n"
"""The last line of a stream that ends before its source does; a comment too."""
_THROUGH_LAYERS: Final = 2
"""An answer's head, and the piece with which compression lets it go."""
_RETRY: Final = f"retry: {RETRY_MS}\n".encode()


def encode_sse(entry: Entry) -> bytes:
    """Return an event as one SSE frame; a transient one has no `id:` to resume from."""
    return format_sse_event(
        id=None if entry.transient else str(entry.seq),
        event=entry.type,
        data_str=orjson.dumps(entry.event).decode(),
    )


def pack_sse(batch: Sequence[Entry]) -> bytes:
    """Return several events as they go into a stream."""
    return b"".join([entry.frame(encode_sse) for entry in batch])


def encode_notification(view: NotificationView) -> bytes:
    """Return an entry of an inbox as one SSE frame."""
    return format_sse_event(
        id=str(view.notification_id), event=view.kind, data_str=view.model_dump_json()
    )


def encode_json(entry: Entry) -> str:
    """Return an event as one WebSocket message."""
    return orjson.dumps(entry.event).decode()


async def sse(batches: AsyncGenerator[list[bytes]]) -> AsyncGenerator[bytes]:
    """Yield a stream's bytes: heartbeats for empty batches, the retry time with the first event.

    The retry time does not stand alone, since some clients take that for an event without data.
    """
    yield HEARTBEAT
    first = _RETRY
    try:
        async with aclosing(batches):
            async for batch in batches:
                if batch:
                    yield first + b"".join(batch)
                    first = b""
                else:
                    yield HEARTBEAT
    except AppError as error:  # the viewer may not see it any more
        registry().drop("sse", error.code)
        log.info("stream_closed", transport="sse", reason=error.code)
        yield CLOSED.format(code=error.code).encode()


class EventStream(EventSourceResponse):
    """Sends until the source ends, the client leaves, or the client takes nothing for too long."""

    def __init__(self, batches: AsyncGenerator[list[bytes]], *, actor: Actor) -> None:
        """Remember where the frames come from, batch by batch, and for whom.

        Raises:
            TooManyStreamsError: The user has enough open streams.
            StreamsFullError: The process has.
        """
        frames = sse(batches)
        super().__init__(
            frames, headers={"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
        )
        self._frames = frames
        self._actor = actor
        registry().check(actor)  # here a refusal can still be a problem response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until one of the three ends it; then nothing is left behind."""
        direct: Send = scope.get(DIRECT_SEND, send)
        with registry().entered(self._actor, "sse"):
            sending = asyncio.ensure_future(self._send_all(send, direct))
            leaving = asyncio.ensure_future(self.listen_for_disconnect(receive))
            try:
                await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (sending, leaving):
                    task.cancel()
                results = await asyncio.gather(sending, leaving, return_exceptions=True)
        if isinstance(results[0], Exception):
            raise results[0]

    async def _send_all(self, send: Send, direct: Send) -> None:
        """Send head and first bytes through the application's layers, the rest directly."""
        begun = 0

        def sending(message: Message) -> Awaitable[None]:
            nonlocal begun
            begun += 1
            return send(message) if begun <= _THROUGH_LAYERS else direct(message)

        try:
            async with Patience(SEND_TIMEOUT_S) as patience, aclosing(self._frames):
                await self.stream_response(lambda message: patience.sent(sending(message)))
        except TimeoutError:
            registry().drop("sse", "slow")
            log.warning("stream_dropped", transport="sse", reason="slow")
            await self._say_why(send, "slow")
        except OSError:
            registry().drop("sse", "disconnected")

    async def _say_why(self, send: Send, reason: str) -> None:
        """End the stream of a client that does not read, should it ever read again."""
        last = CLOSED.format(code=reason).encode()
        with suppress(TimeoutError, OSError):
            async with timeouts.timeout(LAST_WORD_S):
                await send({"type": "http.response.body", "body": last, "more_body": False})
