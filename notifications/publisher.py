"""Publishes committed events to Redis, off the workflow's path: never blocks, never raises.

A publish is a line in a bounded buffer; one task per event loop sends what is there, many at a
time, each round trip guarded by PUBLISH_TIMEOUT_S. With a Redis that is silent a hundred publishes
awaited in the workflow would take 500 s; this way they cost it nothing. What does not fit is
dropped and counted: every event is in the log, and readers find gaps there.

Transient messages stand in the same line, so that they come in their place, but only where there
is room: they are dropped before any event is, and are not tried again.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from contextlib import suppress
from contextvars import Context
from typing import TYPE_CHECKING, Any, Final

import orjson
from prometheus_client import Counter
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from core import timeouts
from core.closed_transports import is_closed_transport
from core.logging import get_logger
from core.loop_local import LoopLocal
from core.settings import get_settings
from notifications.clients import redis_client
from notifications.events import TERMINAL_EVENTS, task_channel, user_channel
from notifications.message import Message

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from redis.asyncio import Redis

    from notifications.inbox_entry import InboxEntry

log = get_logger(__name__)

PUBLISHED: Final = Counter("roadmap_published_total", "Messages handed to Redis.")
DROPPED: Final = Counter(
    "roadmap_publishes_dropped_total", "Events that the buffer had no room for."
)
TRANSIENT_DROPPED: Final = Counter(
    "roadmap_transient_publishes_dropped_total", "Transient messages that were not sent."
)
TIMED_OUT: Final = Counter(
    "roadmap_publishes_timed_out_total", "Round trips to Redis that took too long."
)
FAILURES: Final = Counter(
    "roadmap_publish_failures_total", "Round trips to Redis that failed, by error.", ["error"]
)

BUFFER: Final = 10_000
ENDINGS: Final = 1_000
"""Terminal events kept beyond that when the buffer overflows: somebody waits for each of them."""
ROUND: Final = 200
"""Publishes in one round trip."""
TRANSIENT_BYTES: Final = 256_000
"""Transient messages that may stand in line; sent within a millisecond or two."""
COOL_DOWN_S: Final = 1.0
FLUSH_S: Final = 2.0
LOG_EVERY_S: Final = 30.0
"""A Redis that stays away is told of twice a minute, not once a second."""


class Publisher:
    """One event loop's way to Redis."""

    def __init__(self) -> None:
        settings = get_settings()
        self._timeout_s = settings.publish_timeout_s
        self._buffer: deque[Message] = deque()
        self._endings: deque[Message] = deque()
        self._transient_bytes = 0
        self._drain: asyncio.Task[None] | None = None
        self._failing = False
        self._hurry = asyncio.Event()
        self._told_at: dict[str, float] = {}
        self._redis: Redis = redis_client(
            settings.redis_url.get_secret_value(),
            socket_timeout=self._timeout_s,
            socket_connect_timeout=self._timeout_s,
            socket_keepalive=True,
            client_name="roadmap-publisher",
            retry=Retry(NoBackoff(), 0),  # else redis-py would publish an event twice
            max_connections=2,
        )

    @property
    def failing(self) -> bool:
        """The last round trip failed."""
        return self._failing

    @property
    def waiting(self) -> int:
        """Messages that were not sent yet."""
        return len(self._buffer) + len(self._endings)

    def publish(self, messages: Iterable[Message]) -> None:
        """Buffer messages; returns at once, whatever state Redis is in."""
        for message in messages:
            if len(self._buffer) >= BUFFER:
                self._make_room()
            self._buffer.append(message)
            if message.terminal:
                self._hurry.set()
        self._start()

    def _make_room(self) -> None:
        """Drop what can be missed first."""
        if self._transient_bytes:
            self._drop_transient()
        if len(self._buffer) >= BUFFER:
            oldest = self._buffer.popleft()  # readers notice a gap soonest from newer ones
            if oldest.terminal and len(self._endings) < ENDINGS:
                self._endings.append(oldest)
            else:
                DROPPED.inc()

    def publish_transient(self, channel: str, body: bytes) -> None:
        """Buffer a message that may be lost, where there is room and Redis answers."""
        if (
            self._failing
            or len(self._buffer) >= BUFFER
            or self._transient_bytes + len(body) > TRANSIENT_BYTES
        ):
            TRANSIENT_DROPPED.inc()
            return
        self._transient_bytes += len(body)
        self._buffer.append(Message(channel, body, transient=True))
        self._start()

    def _start(self) -> None:
        if self._drain is None or self._drain.done():
            # not in the caller's context: it sends for many
            self._drain = asyncio.create_task(self._send_all(), name="publisher", context=Context())

    async def _send_all(self) -> None:
        while batch := self._next_batch():
            try:
                async with timeouts.timeout(self._timeout_s):
                    await self._send(batch)
            except (RedisError, OSError, TimeoutError, RuntimeError) as error:
                if isinstance(error, RuntimeError) and not is_closed_transport(error):
                    raise
                self._failed(error)
                self._buffer.extendleft(entry for entry in reversed(batch) if not entry.transient)
                TRANSIENT_DROPPED.inc(sum(entry.transient for entry in batch))
                self._drop_transient()
                await self._cool_down()
                continue
            except asyncio.CancelledError:
                self._buffer.extendleft(reversed(batch))  # whoever cancels counts what is left
                raise
            if self._failing:
                log.info("publishing_resumed", waiting=len(self._buffer))
            self._failing = False
            PUBLISHED.inc(len(batch))

    def _next_batch(self) -> list[Message]:
        batch = [self._endings.popleft() for _ in range(min(ROUND, len(self._endings)))]
        room = min(ROUND - len(batch), len(self._buffer))
        batch += [self._buffer.popleft() for _ in range(room)]
        self._transient_bytes -= sum(len(entry.body) for entry in batch if entry.transient)
        return batch

    async def _send(self, batch: Sequence[Message]) -> None:
        """Publish in one round trip.

        Not by redis-py's pipeline: it sets a timer of its own for each reply, and takes as long
        over a message as making the event did. The caller's time limit holds for all of them.

        Raises:
            RedisError: One of them was refused; all were sent, and all answered.
        """
        pool: Any = self._redis.connection_pool
        connection = await pool.get_connection()
        try:
            await connection.send_packed_command(b"".join(message.command() for message in batch))
            refused: list[ResponseError] = []
            for _ in batch:
                try:
                    await connection.read_response(timeout=math.inf)
                except ResponseError as error:
                    refused.append(error)
        finally:
            await pool.release(connection)
        if refused:
            raise refused[0]

    async def _cool_down(self) -> None:
        """Leave Redis alone for a while, or until a task has ended."""
        self._hurry.clear()
        with suppress(TimeoutError):
            async with timeouts.timeout(COOL_DOWN_S):
                await self._hurry.wait()

    def _failed(self, error: Exception) -> None:
        """Count and log a failure: too slow and broken are two things, and told apart."""
        self._failing = True
        FAILURES.labels(type(error).__name__).inc()
        kind = "publishing_failed"
        if isinstance(error, TimeoutError | RedisTimeoutError):
            TIMED_OUT.inc()
            kind = "publishing_timed_out"
        now = asyncio.get_running_loop().time()
        if now - self._told_at.get(kind, -LOG_EVERY_S) >= LOG_EVERY_S:
            self._told_at[kind] = now
            log.warning(kind, error=str(error) or type(error).__name__, waiting=len(self._buffer))

    def _drop_transient(self) -> None:
        kept = [entry for entry in self._buffer if not entry.transient]
        TRANSIENT_DROPPED.inc(len(self._buffer) - len(kept))
        self._buffer = deque(kept)
        self._transient_bytes = 0

    async def aclose(self) -> None:
        """Send what is left, for a moment, then close the connection."""
        if self._drain is not None and not self._drain.done():
            await asyncio.wait({self._drain}, timeout=0.0 if self._failing else FLUSH_S)
            self._drain.cancel()
            await asyncio.wait({self._drain})
        DROPPED.inc(len(self._endings) + sum(not entry.transient for entry in self._buffer))
        self._endings.clear()
        self._buffer.clear()
        await self._redis.aclose()


_publishers: LoopLocal[Publisher] = LoopLocal(Publisher)


def publish_events(events: Sequence[dict[str, Any]], lines: Sequence[bytes] | None = None) -> None:
    """Publish a task's committed events, each perhaps as JSON already, on its channel, in order."""
    if not events:
        return
    channel = task_channel(events[0]["task_id"])
    _publishers.get().publish(
        [
            Message(channel, line, event["type"] in TERMINAL_EVENTS)
            for event, line in zip(events, lines or map(orjson.dumps, events), strict=True)
        ]
    )


def publish_notification(entry: InboxEntry) -> None:
    """Publish an entry of a user's inbox on the user's channel."""
    body = entry.model_dump_json().encode()
    _publishers.get().publish([Message(user_channel(entry.user_id), body)])


def publish_transient(event: dict[str, Any]) -> None:
    """Publish an event that nobody stores, if there is room for it."""
    _publishers.get().publish_transient(task_channel(event["task_id"]), orjson.dumps(event))


def publisher_status() -> dict[str, Any]:
    """Return the running loop's buffer, and what this process sent and lost since it started."""
    publisher = _publishers.get()
    return {
        "failing": publisher.failing,
        "waiting": publisher.waiting,
        "sent": _count(PUBLISHED),
        "dropped": _count(DROPPED),
        "transient_dropped": _count(TRANSIENT_DROPPED),
        "timed_out": _count(TIMED_OUT),
    }


def _count(counter: Counter) -> int:
    return int(
        sum(s.value for m in counter.collect() for s in m.samples if s.name.endswith("_total"))
    )


async def stop_publishing() -> None:
    """Close the running loop's publisher, if there is one."""
    publisher = _publishers.pop()
    if publisher is not None:
        await publisher.aclose()
