"""One Redis Pub/Sub connection for a whole process, whatever the number of viewers.

With a connection for each viewer, viewers use up the pool, and then the process cannot even
publish. Here viewers only name channels; one task subscribes and unsubscribes at the server, so
that a viewer whose request fails or is cancelled cannot leave a subscription behind.

Subscribers are called back and must not block: the hub keeps no backlog for anybody. Whenever
messages may have been lost (a new connection, a confirmed subscription) they are called with None
and go back to the durable source. There is no read timeout, which would lose what is published
while it reconnects; instead the connection is pinged, and made anew when two answers are
missing, since a half-open one never errors.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import Counter, Gauge
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from core import timeouts
from core.logging import get_logger
from notifications.clients import redis_client

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from redis.asyncio import Redis

log = get_logger(__name__)

HEARTBEAT_S: Final = 1.0
MISSES: Final = 2
"""Unanswered heartbeats after which a connection is given up."""
LATE: Final = 1.5
"""Heartbeats between two of them, from which on a silence may be our own."""
CONNECT_TIMEOUT_S: Final = 3.0
LONGEST_BACKOFF_S: Final = 2.0
"""A Redis that is back is used again within five seconds, whatever state it was lost in."""
CLOSE_S: Final = 1.0
"""Each step of closing a connection; a half-open one may not even say that it is closed."""
CHUNK: Final = 500
"""Channels named in one command."""

CONNECTED: Final = Gauge(
    "roadmap_hub_connected",
    "1 while the Pub/Sub connection answers.",
    multiprocess_mode="livemin",
)
CHANNELS: Final = Gauge(
    "roadmap_hub_channels", "Redis channels wanted by this process.", multiprocess_mode="livesum"
)
MESSAGES: Final = Counter("roadmap_hub_messages_total", "Messages that came from Redis.")
CONNECTIONS: Final = Counter("roadmap_hub_connections_total", "Pub/Sub connections made.")
FAILURES: Final = Counter(
    "roadmap_hub_failures_total", "Pub/Sub connections lost or not made.", ["reason"]
)


class _SilentError(Exception):
    """The server no longer answers heartbeats."""


class Hub:
    """Channels wanted by many, carried by one connection. Belongs to the loop that starts it."""

    def __init__(self, url: str, *, heartbeat_s: float = HEARTBEAT_S) -> None:
        """Remember where Redis is; nothing is connected before `start`."""
        self._url = url
        self._heartbeat_s = heartbeat_s
        self._wanted: defaultdict[str, dict[object, Callable[[bytes | None], None]]]
        self._wanted = defaultdict(dict)
        self._asked: set[str] = set()
        self._confirmed: set[str] = set()
        self._changed = asyncio.Event()
        self._healthy = False
        self._last_sign = 0.0
        self._pubsub: Any = None
        self._task: asyncio.Task[None] | None = None

    @property
    def healthy(self) -> bool:
        """The connection is up and answered the last heartbeat."""
        return self._healthy

    def start(self) -> None:
        """Connect in the background, and for ever again; Redis need not be there."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="hub")

    async def aclose(self) -> None:
        """Close the connection."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def subscribe(
        self, channel: str, callback: Callable[[bytes | None], None]
    ) -> Callable[[], None]:
        """Call back with each message of a channel; with None when some may have been lost.

        Never waits and never fails. The callback hears None first: once the server confirmed the
        subscription, so that whoever reads the durable source then misses nothing.

        Returns:
            A function that ends this subscription; calling it again does nothing.
        """
        key = object()
        self._wanted[channel][key] = callback
        if channel in self._confirmed:
            asyncio.get_running_loop().call_soon(self._tell_one, channel, key)
        else:
            self._touch()

        def unsubscribe() -> None:
            callbacks = self._wanted.get(channel)
            if callbacks is None or callbacks.pop(key, None) is None:
                return
            if not callbacks:
                del self._wanted[channel]
                self._touch()

        return unsubscribe

    def status(self) -> dict[str, Any]:
        """Return whether it is connected and how many listen to what."""
        return {
            "connected": self._healthy,
            "channels": len(self._wanted),
            "subscribers": sum(len(callbacks) for callbacks in self._wanted.values()),
        }

    def _touch(self) -> None:
        CHANNELS.set(len(self._wanted))
        self._changed.set()

    # --- one connection after the other

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                await self._connection()
            except Exception as error:  # noqa: BLE001 - the hub outlives whatever it meets
                was_healthy, self._healthy = self._healthy, False
                failures = 0 if was_healthy else failures + 1
                FAILURES.labels(type(error).__name__).inc()
                if failures <= 1:  # the rest would only repeat it
                    log.warning("hub_disconnected", error=type(error).__name__)
                if was_healthy:
                    self._tell(list(self._wanted), None)
            finally:
                self._healthy = False
                CONNECTED.set(0)
                self._asked.clear()
                self._confirmed.clear()
            backoff = min(LONGEST_BACKOFF_S, 0.1 * 2 ** min(failures, 10))
            await asyncio.sleep(backoff * random.uniform(0.5, 1))  # noqa: S311 - jitter

    async def _connection(self) -> None:
        client = redis_client(
            self._url,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            socket_timeout=None,
            client_name="roadmap-hub",
            health_check_interval=0,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
        )
        self._pubsub = client.pubsub()
        try:
            async with timeouts.timeout(CONNECT_TIMEOUT_S + 1):
                await self._pubsub.connect()
            CONNECTIONS.inc()
            self._last_sign = asyncio.get_running_loop().time()
            await _first_to_end(self._heartbeat(), self._subscriptions(), self._messages())
        finally:
            await self._close(client)

    async def _close(self, client: Redis) -> None:
        """Let go of a connection step by step: one that fails does not keep the next from it."""
        steps: tuple[tuple[str, Callable[[], Awaitable[None]]], ...] = (
            ("unsubscribe", self._unsubscribe_all),
            ("pubsub", self._pubsub.aclose),
            ("pool", client.aclose),
        )
        for name, step in steps:
            try:
                async with timeouts.timeout(CLOSE_S):
                    await step()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next step matters more
                FAILURES.labels(type(error).__name__).inc()
                log.debug("hub_close_step_failed", step=name, error=type(error).__name__)

    async def _unsubscribe_all(self) -> None:
        connection = self._pubsub.connection
        if self._healthy and connection is not None and connection.is_connected and self._asked:
            await self._pubsub.unsubscribe()

    async def _heartbeat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            async with timeouts.timeout(self._heartbeat_s):
                await self._pubsub.ping()
            slept_at = loop.time()
            await asyncio.sleep(self._heartbeat_s)
            if loop.time() - slept_at > self._heartbeat_s * LATE:
                continue  # it was this process that stood still: it neither asked nor read
            silent_s = loop.time() - self._last_sign
            if silent_s > self._heartbeat_s * MISSES:
                raise _SilentError
            if silent_s > self._heartbeat_s * 1.5:
                self._healthy = False  # the poll is quicker from now on

    async def _subscriptions(self) -> None:
        """Keep what the server knows in step with what is wanted."""
        self._changed.set()
        while True:
            await self._changed.wait()
            self._changed.clear()
            for command, channels in (
                (self._pubsub.subscribe, self._wanted.keys() - self._asked),
                (self._pubsub.unsubscribe, self._asked - self._wanted.keys()),
            ):
                for some in _chunks(sorted(channels)):
                    # remembered first: nothing may change between the look and the note
                    self._asked.symmetric_difference_update(some)
                    async with timeouts.timeout(CONNECT_TIMEOUT_S):
                        await command(*some)

    async def _messages(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            # blocks without limit; public `get_message` refuses to wait while nothing is
            # subscribed, and this connection is opened before anybody wants anything
            reply = await self._pubsub.parse_response(block=True)
            self._last_sign = loop.time()
            if not self._healthy:
                self._healthy = True
                CONNECTED.set(1)
                log.info("hub_connected", channels=len(self._wanted))
            if not isinstance(reply, (list, tuple)):
                continue
            kind = bytes(reply[0])
            if kind == b"message":
                MESSAGES.inc()
                self._tell([bytes(reply[1]).decode()], bytes(reply[2]))
            elif kind == b"subscribe":
                channel = bytes(reply[1]).decode()
                self._confirmed.add(channel)
                self._tell([channel], None)
            elif kind == b"unsubscribe":
                self._confirmed.discard(bytes(reply[1]).decode())

    # --- telling

    def _tell(self, channels: Iterable[str], message: bytes | None) -> None:
        for channel in channels:
            for key in list(self._wanted.get(channel, ())):
                self._tell_one(channel, key, message)

    def _tell_one(self, channel: str, key: object, message: bytes | None = None) -> None:
        callback = self._wanted.get(channel, {}).get(key)
        if callback is None:
            return
        try:
            callback(message)
        except Exception:  # one bad subscriber must not silence the others
            log.exception("hub_callback_failed", channel=channel)


async def _first_to_end(*coroutines: Any) -> None:
    """Run coroutines that never end; when one fails, stop the others and raise its error."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        done, _pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _chunks(channels: list[str]) -> Iterable[list[str]]:
    return (channels[at : at + CHUNK] for at in range(0, len(channels), CHUNK))
