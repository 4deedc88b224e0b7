"""Publishes committed events to Redis, off the workflow's path: never blocks, never raises.

A publish is a line in a bounded buffer; one task per event loop sends what is there, many at a
time, each round trip guarded by PUBLISH_TIMEOUT_S. With a Redis that is silent a hundred publishes
awaited in the workflow would take 500 s; this way they cost it nothing. What does not fit is
dropped and counted: every event is in the log, and readers find gaps there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import orjson
from prometheus_client import Counter
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from core.logging import get_logger
from core.loop_local import LoopLocal
from core.settings import get_settings
from notifications.events import task_channel, user_channel

if TYPE_CHECKING:
    from collections.abc import Sequence

log = get_logger(__name__)

PUBLISHED: Final = Counter("roadmap_published_total", "Events handed to Redis.")
DROPPED: Final = Counter(
    "roadmap_publishes_dropped_total", "Events that the buffer had no room for."
)
FAILURES: Final = Counter(
    "roadmap_publish_failures_total", "Round trips to Redis that failed.", ["error"]
)

BUFFER: Final = 10_000
ROUND: Final = 200
"""Publishes in one round trip."""
COOL_DOWN_S: Final = 1.0
FLUSH_S: Final = 2.0


class Publisher:
    """One event loop's way to Redis."""

    def __init__(self) -> None:
        settings = get_settings()
        self._timeout_s = settings.publish_timeout_s
        self._buffer: deque[tuple[str, bytes]] = deque()
        self._drain: asyncio.Task[None] | None = None
        self._failing = False
        self._redis: Redis = Redis.from_url(
            settings.redis_url.get_secret_value(),
            socket_timeout=self._timeout_s,
            socket_connect_timeout=self._timeout_s,
            socket_keepalive=True,
            retry=Retry(
                NoBackoff(), 0
            ),  # a repeated PUBLISH is a repeated event: the drain decides
            max_connections=2,
        )

    def publish(self, channel: str, message: bytes) -> None:
        """Buffer a message; returns at once, whatever state Redis is in."""
        if len(self._buffer) >= BUFFER:
            self._buffer.popleft()  # the oldest: readers notice a gap soonest from newer ones
            DROPPED.inc()
        self._buffer.append((channel, message))
        if self._drain is None or self._drain.done():
            self._drain = asyncio.create_task(self._send_all(), name="publisher")

    async def _send_all(self) -> None:
        while self._buffer:
            batch = [self._buffer.popleft() for _ in range(min(ROUND, len(self._buffer)))]
            try:
                async with asyncio.timeout(self._timeout_s):
                    await self._send(batch)
            except (RedisError, OSError, TimeoutError) as error:
                FAILURES.labels(type(error).__name__).inc()
                if not self._failing:
                    log.warning("publishing_failed", error=str(error) or type(error).__name__)
                self._failing = True
                self._buffer.extendleft(reversed(batch))
                await asyncio.sleep(COOL_DOWN_S)
                continue
            if self._failing:
                log.info("publishing_resumed")
            self._failing = False
            PUBLISHED.inc(len(batch))

    async def _send(self, batch: Sequence[tuple[str, bytes]]) -> None:
        pipeline: Any = self._redis.pipeline(transaction=False)
        for channel, message in batch:
            pipeline.publish(channel, message)
        await pipeline.execute()

    async def aclose(self) -> None:
        """Send what is left, for a moment, then close the connection."""
        if self._drain is not None and not self._drain.done():
            await asyncio.wait({self._drain}, timeout=0.0 if self._failing else FLUSH_S)
            self._drain.cancel()
        DROPPED.inc(len(self._buffer))
        self._buffer.clear()
        await self._redis.aclose()


_publishers: LoopLocal[Publisher] = LoopLocal(Publisher)


def publish_events(events: Sequence[dict[str, Any]]) -> None:
    """Publish a task's committed events on its channel, in order."""
    publisher = _publishers.get()
    for event in events:
        publisher.publish(task_channel(event["task_id"]), orjson.dumps(event))


def publish_notification(user_id: str, notification: dict[str, Any]) -> None:
    """Publish an entry of a user's inbox on the user's channel."""
    _publishers.get().publish(user_channel(user_id), orjson.dumps(notification))


async def stop_publishing() -> None:
    """Close the running loop's publisher, if there is one."""
    publisher = _publishers.pop()
    if publisher is not None:
        await publisher.aclose()
