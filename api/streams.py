"""Server-sent events: frames encoded once, heartbeats, slow and vanished clients dropped."""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson
from fastapi.sse import EventSourceResponse, format_sse_event
from prometheus_client import Counter, Gauge

from core.errors import TooManyRequestsError
from core.logging import get_logger
from core.loop_local import LoopLocal
from core.settings import get_settings

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from starlette.types import Receive, Scope, Send

    from workflow.actor import Actor
    from workflow.feed import Entry
    from workflow.queries import NotificationView

log = get_logger(__name__)

HEARTBEAT_S: Final = 15.0
"""Proxies cut idle sockets, the shortest after 30 s or so (L45)."""
SEND_TIMEOUT_S: Final = 20.0
"""A client that takes nothing for so long is gone or stuck; it may come back and resume."""
RETRY_MS: Final = 2000
HEARTBEAT: Final = b": ping\n"
"""A comment, and no blank line after it: some clients take every blank line for an event."""
_RETRY: Final = f"retry: {RETRY_MS}\n".encode()

OPEN: Final = Gauge("roadmap_streams_open", "Clients that follow live.", ["transport"])
DROPPED: Final = Counter(
    "roadmap_streams_dropped_total", "Clients dropped before the end.", ["transport", "reason"]
)


class TooManyStreamsError(TooManyRequestsError):
    """You have as many open streams as allowed; close one first."""

    code = "too_many_streams"


@dataclass(slots=True)
class Registry:
    """Who follows what in this event loop."""

    by_user: Tally[str] = field(default_factory=Tally)
    by_transport: Tally[str] = field(default_factory=Tally)

    def check(self, actor: Actor) -> None:
        """Refuse one stream too many.

        Raises:
            TooManyStreamsError: The user has enough of them.
        """
        most = get_settings().user_max_streams
        if most and not actor.admin and self.by_user[actor.user_id] >= most:
            raise TooManyStreamsError

    @contextmanager
    def entered(self, actor: Actor, transport: str) -> Iterator[None]:
        """Count a stream while it is open."""
        self.by_user[actor.user_id] += 1
        self.by_transport[transport] += 1
        OPEN.labels(transport).inc()
        try:
            yield
        finally:
            OPEN.labels(transport).dec()
            self.by_transport[transport] -= 1
            self.by_user[actor.user_id] -= 1
            if not self.by_user[actor.user_id]:
                del self.by_user[actor.user_id]


_registries: Final[LoopLocal[Registry]] = LoopLocal(Registry)


def registry() -> Registry:
    """Return the running loop's registry."""
    return _registries.get()


def encode_sse(entry: Entry) -> bytes:
    """Return an event as one SSE frame."""
    return format_sse_event(
        id=str(entry.seq), event=entry.type, data_str=orjson.dumps(entry.event).decode()
    )


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
    async with aclosing(batches):
        async for batch in batches:
            if batch:
                yield first + b"".join(batch)
                first = b""
            else:
                yield HEARTBEAT


class EventStream(EventSourceResponse):
    """A stream that ends with its source, its client, or its client's patience."""

    def __init__(self, batches: AsyncGenerator[list[bytes]], *, actor: Actor) -> None:
        """Remember where the frames come from, batch by batch, and for whom.

        Raises:
            TooManyStreamsError: The user has enough open streams.
        """
        frames = sse(batches)
        super().__init__(
            frames, headers={"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}
        )
        self._frames = frames
        self._actor = actor
        registry().check(actor)  # here a refusal can still be a problem response

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send until one of the three ends it; then nothing is left behind (L11)."""
        with registry().entered(self._actor, "sse"):
            sending = asyncio.ensure_future(self._send_all(send))
            leaving = asyncio.ensure_future(self.listen_for_disconnect(receive))
            try:
                await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (sending, leaving):
                    task.cancel()
                results = await asyncio.gather(sending, leaving, return_exceptions=True)
        if isinstance(results[0], Exception):
            raise results[0]

    async def _send_all(self, send: Send) -> None:
        async def within_patience(message: Any) -> None:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await send(message)

        try:
            async with aclosing(self._frames):
                await self.stream_response(within_patience)
        except TimeoutError:
            DROPPED.labels("sse", "slow").inc()
            log.warning("stream_dropped", transport="sse", reason="slow")
        except OSError:
            DROPPED.labels("sse", "disconnected").inc()
