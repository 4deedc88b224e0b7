"""Publishing: off the workflow's path, whatever state Redis is in."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
import pytest
import structlog
from redis.asyncio import Redis

from core.settings import get_settings
from embedded import EmbeddedRedis
from notifications import publisher
from notifications.events import task_channel, user_channel
from notifications.inbox_entry import InboxEntry, InboxKind
from notifications.publisher import (
    BUFFER,
    DROPPED,
    FAILURES,
    ROUND,
    TIMED_OUT,
    publish_events,
    publish_notification,
    stop_publishing,
)
from tests.factories import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

TASK = "0199c0de-0000-7000-8000-000000000000"
ENOUGH_S = 0.1
"""Far below any time-out; a hundred publishes take less than a millisecond or two."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    """A Redis to be mistreated."""
    with EmbeddedRedis(tmp_path_factory.mktemp("mortal-redis")) as server:
        yield server


@pytest.fixture(autouse=True)
async def settings(
    settings_env: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[pytest.MonkeyPatch]:
    """Short time-outs; the publisher is closed in the end."""
    settings_env.setenv("ROADMAP_PUBLISH_TIMEOUT_S", "0.3")
    get_settings.cache_clear()
    monkeypatch.setattr(publisher, "COOL_DOWN_S", 0.05)
    yield settings_env
    await stop_publishing()


def use(settings_env: pytest.MonkeyPatch, url: str) -> None:
    """Publish there."""
    settings_env.setenv("ROADMAP_REDIS_URL", url)
    get_settings.cache_clear()


def event(seq: int) -> dict[str, Any]:
    """Return an event as the log has it."""
    return {"seq": seq, "task_id": TASK, "type": "step_started"}


def entry(user: str, message: str) -> InboxEntry:
    """Return an entry of an inbox."""
    return InboxEntry(
        notification_id=UUID(TASK),
        user_id=user,
        task_id=UUID(TASK),
        kind=InboxKind.TASK_COMPLETED,
        message=message,
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
    )


def publish(first: int, last: int) -> float:
    """Publish events one by one; return how long that took, in seconds."""
    began = time.perf_counter()
    for seq in range(first, last + 1):
        publish_events([event(seq)])
    return time.perf_counter() - began


async def hung_up_on(url: str) -> None:
    """Let the server close the publishers' connections, as those with a `timeout` do."""
    async with Redis.from_url(url) as admin:
        for client in await admin.client_list():
            if client["name"] == "roadmap-publisher":
                await admin.client_kill(client["addr"])
    await asyncio.sleep(0.05)


class Listener:
    """Somebody who hears a channel."""

    def __init__(self) -> None:
        self.heard: list[int] = []

    async def has(self, last: int) -> bool:
        """Tell whether an event was heard."""
        return bool(self.heard) and self.heard[-1] >= last


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[Listener]:
    """Listen on the task's channel."""
    listener = Listener()
    client: Redis = Redis.from_url(url)
    channel = client.pubsub()
    await channel.subscribe(task_channel(TASK))

    async def listen() -> None:
        async for message in channel.listen():
            if message["type"] == "message":
                listener.heard.append(orjson.loads(message["data"])["seq"])

    task = asyncio.create_task(listen())
    try:
        yield listener
    finally:
        task.cancel()
        await asyncio.wait({task})
        await channel.aclose()  # type: ignore[no-untyped-call]
        await client.aclose()


async def test_in_order(server: EmbeddedRedis, settings: pytest.MonkeyPatch) -> None:
    """What is published arrives in order, once, over many round trips."""
    use(settings, server.url)
    last = 3 * ROUND + 7
    async with listening(server.url) as listener:
        publish(1, last)
        await until(lambda: listener.has(last), what="the last event")
        assert listener.heard == list(range(1, last + 1))


async def test_notifications(server: EmbeddedRedis, settings: pytest.MonkeyPatch) -> None:
    """A notification goes to its user's channel."""
    use(settings, server.url)
    client: Redis = Redis.from_url(server.url)
    channel = client.pubsub()
    await channel.subscribe(user_channel("alice"))

    async def heard() -> Any:
        return await channel.get_message(ignore_subscribe_messages=True, timeout=0.1)

    publish_notification(entry("bob", "not yours"))
    publish_notification(entry("alice", "yours"))
    message = await until(heard, what="the notification")
    assert InboxEntry.model_validate_json(message["data"]) == entry("alice", "yours")
    await channel.aclose()  # type: ignore[no-untyped-call]
    await client.aclose()


async def test_absent(server: EmbeddedRedis, settings: pytest.MonkeyPatch) -> None:
    """Without a Redis publishing costs nothing, raises nothing, and is counted."""
    use(settings, "redis://127.0.0.1:1/0")
    before = FAILURES.labels("ConnectionError")._value.get()
    assert publish(1, 100) < ENOUGH_S

    async def failed() -> bool:
        return bool(FAILURES.labels("ConnectionError")._value.get() > before)

    await until(failed, what="a counted failure")
    began = time.perf_counter()
    await stop_publishing()
    assert time.perf_counter() - began < 1


async def test_silent(server: EmbeddedRedis, settings: pytest.MonkeyPatch) -> None:
    """A Redis that is silent costs nothing, and hears everything in order afterwards."""
    use(settings, server.url)
    last = 2 * ROUND + 5
    async with listening(server.url) as listener:
        publish(1, 5)
        await until(lambda: listener.has(5), what="the first events")
        before = FAILURES.labels("TimeoutError")._value.get()
        assert server.pid is not None
        os.kill(server.pid, signal.SIGSTOP)
        try:
            assert publish(6, 105) < ENOUGH_S
            publish(106, 2 * ROUND)  # more than one round trip

            async def failed() -> bool:
                return bool(FAILURES.labels("TimeoutError")._value.get() > before)

            await until(failed, what="a counted time-out")
            assert publish(2 * ROUND + 1, last) < ENOUGH_S
        finally:
            os.kill(server.pid, signal.SIGCONT)
        await until(lambda: listener.has(last), what="everything")
    # a round trip whose reply was not waited for may have arrived: repeats, but no gap
    assert list(dict.fromkeys(listener.heard)) == list(range(1, last + 1))


async def test_gone_and_back(
    server: EmbeddedRedis, settings: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was published while Redis was away is delivered when it is back, in order."""
    monkeypatch.setattr(publisher, "COOL_DOWN_S", 1.5)  # the listener is back first
    use(settings, server.url)
    publish(1, 1)
    await asyncio.to_thread(server.stop)
    last = 2 * ROUND + 50  # more than one round trip
    assert publish(2, last - 1) < ENOUGH_S
    url = server.url
    before = sum(s.value for m in FAILURES.collect() for s in m.samples if "total" in s.name)

    async def failed() -> bool:
        total = sum(s.value for m in FAILURES.collect() for s in m.samples if "total" in s.name)
        return bool(total > before)

    await until(failed, what="a counted failure")
    await asyncio.to_thread(server.start)
    assert server.url == url
    async with listening(url) as listener:
        publish(last, last)
        await until(lambda: listener.has(last), what="everything")
    assert listener.heard == list(range(listener.heard[0], last + 1))
    assert listener.heard[0] <= 2


async def test_full(server: EmbeddedRedis, settings: pytest.MonkeyPatch) -> None:
    """A Redis that is full costs nothing, and everything is there when it has room again."""
    use(settings, server.url)
    client: Redis = Redis.from_url(server.url)
    async with listening(server.url) as listener:
        await client.config_set("maxmemory", "1")
        try:
            assert publish(1, 100) < ENOUGH_S
            await asyncio.sleep(0)
        finally:
            await client.config_set("maxmemory", "0")
        publish(101, 101)
        await until(lambda: listener.has(101), what="everything")
        assert list(dict.fromkeys(listener.heard)) == list(range(1, 102))
    await client.aclose()


async def test_bounded(server: EmbeddedRedis, settings: pytest.MonkeyPatch) -> None:
    """The buffer is bounded; the oldest events are dropped, counted, and readers see the gap."""
    use(settings, server.url)
    assert server.pid is not None
    before = DROPPED._value.get()
    os.kill(server.pid, signal.SIGSTOP)
    try:
        took = publish(1, BUFFER + 500)
        assert took < 2
        assert DROPPED._value.get() - before == 500
        mine = publisher._publishers.get()
        await asyncio.sleep(0)
        publish(BUFFER + 501, BUFFER + 700)
        assert len(mine._buffer) <= BUFFER
    finally:
        os.kill(server.pid, signal.SIGCONT)
    dropped = int(DROPPED._value.get() - before)
    assert dropped >= 500


async def test_what_is_left_at_the_end_is_counted(settings: pytest.MonkeyPatch) -> None:
    """What could not be sent before the process ends is counted as dropped."""
    use(settings, "redis://127.0.0.1:1/0")
    before = DROPPED._value.get()
    failed = FAILURES.labels("ConnectionError")._value.get()
    publish(1, 50)

    async def failing() -> bool:
        return bool(FAILURES.labels("ConnectionError")._value.get() > failed)

    await until(failing, what="a failure")
    await stop_publishing()
    assert DROPPED._value.get() - before == 50


async def test_sent_before_the_end(server: EmbeddedRedis, settings: pytest.MonkeyPatch) -> None:
    """What was published just before the process ends is still sent."""
    use(settings, server.url)
    async with listening(server.url) as listener:
        publish(1, 300)
        await stop_publishing()
        await until(lambda: listener.has(300), what="the last event")
        assert listener.heard == list(range(1, 301))


async def test_endings_are_dropped_last(
    server: EmbeddedRedis, settings: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the buffer overflows a task's last event is kept, and told as soon as it can be."""
    monkeypatch.setattr(publisher, "BUFFER", 10)
    use(settings, server.url)
    async with listening(server.url) as listener:
        publish_events([{**event(1), "type": "task_completed"}])
        publish(2, 30)
        await until(lambda: listener.has(30), what="the last event")
        assert listener.heard == [1, *range(21, 31)]


async def test_an_ending_cuts_the_cool_down_short(
    server: EmbeddedRedis, settings: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failure Redis is left alone for a while, unless a task ends: that is flushed."""
    monkeypatch.setattr(publisher, "COOL_DOWN_S", 60)
    use(settings, server.url)
    await asyncio.to_thread(server.stop)
    publish(1, 1)
    mine = publisher._publishers.get()

    async def failing() -> bool:
        return mine._failing

    await until(failing, what="a failure")
    await asyncio.to_thread(server.start)
    async with listening(server.url) as listener:
        publish(2, 2)
        await asyncio.sleep(0)
        assert listener.heard == []
        publish_events([{**event(3), "type": "task_failed"}])
        await until(lambda: listener.has(3), what="the ending", within_s=5)
        assert listener.heard == [1, 2, 3]


async def test_slow_and_broken_are_told_apart_and_seldom(
    server: EmbeddedRedis, settings: pytest.MonkeyPatch
) -> None:
    """Time-outs have a counter and a log line of their own; neither is repeated every time."""
    use(settings, server.url)
    assert server.pid is not None
    before = TIMED_OUT._value.get()
    with structlog.testing.capture_logs() as lines:
        publish(1, 1)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            publish(2, 2)

            async def three_times() -> bool:
                return bool(TIMED_OUT._value.get() >= before + 3)

            await until(three_times, what="three time-outs")
        finally:
            os.kill(server.pid, signal.SIGCONT)
        mine = publisher._publishers.get()
        await until(lambda: answered(mine), what="an answer")
        for _ in range(3):
            mine._failed(ConnectionRefusedError("refused"))
    told = [line["event"] for line in lines if line["event"].startswith("publishing")]
    assert told == ["publishing_timed_out", "publishing_resumed", "publishing_failed"]
    assert TIMED_OUT._value.get() < before + 6


async def answered(mine: publisher.Publisher) -> bool:
    """Tell whether Redis takes publishes again."""
    return not mine._failing


async def test_a_connection_that_was_closed_while_idle(
    settings_env: pytest.MonkeyPatch, server: EmbeddedRedis
) -> None:
    """It is made anew before anything is sent on it: no failure, no pause, nothing lost."""
    use(settings_env, server.url)
    failures = FAILURES.labels("ConnectionError")._value.get()
    async with listening(server.url) as listener:
        publish(1, 1)
        await until(lambda: listener.has(1))
        await hung_up_on(server.url)
        publish(2, 2)
        await until(lambda: listener.has(2))
    assert listener.heard == [1, 2]
    assert FAILURES.labels("ConnectionError")._value.get() == failures
