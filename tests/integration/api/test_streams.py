"""A task's events, live, over a real connection."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import httpx_sse
import orjson
import pytest
from prometheus_client import REGISTRY

from api import streams
from core.settings import get_settings
from db.recorder import observe, unobserve
from notifications.events import parse_event
from tests.factories import new_task, until
from tests.integration.api import seeds
from tests.integration.api.conftest import bearer, serving
from tests.integration.api.processes import running_api
from tests.viewers import TRANSPORTS, Viewer
from wiring.common import publish
from workflow.ending import Result
from workflow.runs import run_task

if TYPE_CHECKING:
    import asyncpg
    from redis.asyncio import Redis


async def follow(
    client: httpx.AsyncClient,
    task_id: Any,
    *,
    after: int = 0,
    headers: dict[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Read a stream to its end."""
    seen = []
    async with httpx_sse.aconnect_sse(
        client, "GET", f"/api/v1/tasks/{task_id}/stream?after={after}", headers=headers or {}
    ) as source:
        assert source.response.status_code == 200
        async for frame in source.aiter_sse():
            event = orjson.loads(frame.data)
            assert frame.id == str(event["seq"])
            assert frame.event == event["type"]
            parse_event(event)
            seen.append(event)
    return seen


def open_streams() -> float:
    """Return how many SSE clients the process has."""
    return REGISTRY.get_sample_value("roadmap_streams_open", {"transport": "sse"}) or 0


async def watched(count: int) -> None:
    """Wait until that many streams are open."""

    async def reached() -> bool:
        return open_streams() == count

    await until(reached, what=f"{count} open streams")


async def until_channel(redis: Redis, task_id: Any) -> None:
    """Wait until somebody watches the task."""

    async def subscribed() -> bool:
        return bool(await redis.pubsub_channels(f"task_progress:{task_id}"))

    await until(subscribed, what="a subscription")


async def test_a_stream_tells_the_whole_story(viewer: httpx.AsyncClient) -> None:
    """What was before and what comes after arrives in order, once, and the stream ends."""
    task_id = await new_task()
    await seeds.started(task_id)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(follow(viewer, task_id))
        await watched(1)
        await seeds.emit(task_id, 20)
        await seeds.ended(task_id)
    events = reading.result()
    assert [event["seq"] for event in events] == list(range(1, 24))
    assert events[-1]["type"] == "task_failed"


async def test_the_stream_has_the_headers_that_streams_need(viewer: httpx.AsyncClient) -> None:
    """Nothing on the way may buffer or keep a stream; browsers are told when to come back."""
    task_id = await seeds.failed_task()
    async with viewer.stream("GET", f"/api/v1/tasks/{task_id}/stream") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert "no-cache" in response.headers["cache-control"]
        assert response.headers["x-accel-buffering"] == "no"
        body = (await response.aread()).decode()
    assert body.count("retry: ") == 1
    assert body.startswith(": ping\nretry: 2000\nevent: task_queued\n")


@pytest.mark.parametrize("how", ["header", "query"])
async def test_a_stream_resumes(viewer: httpx.AsyncClient, how: str) -> None:
    """Last-Event-ID, or `after`, gives what comes after it and nothing before."""
    task_id = await seeds.failed_task()
    events = (
        await follow(viewer, task_id, headers={"Last-Event-ID": "1"})
        if how == "header"
        else await follow(viewer, task_id, after=1)
    )
    assert [event["seq"] for event in events] == [2, 3]


async def test_a_late_viewer_sees_the_end(viewer: httpx.AsyncClient) -> None:
    """Who comes after the end still sees everything, and the stream ends at once."""
    task_id = await seeds.failed_task()
    started = time.monotonic()
    events = await follow(viewer, task_id)
    assert [event["type"] for event in events] == ["task_queued", "task_started", "task_failed"]
    assert time.monotonic() - started < 5


async def test_nothing_left_is_204(viewer: httpx.AsyncClient) -> None:
    """A browser that reconnects after the end is told not to come back."""
    task_id = await seeds.failed_task()
    for headers in ({"Last-Event-ID": "3"}, {"Last-Event-ID": "99"}):
        response = await viewer.get(f"/api/v1/tasks/{task_id}/stream", headers=headers)
        assert (response.status_code, response.content) == (204, b"")


async def test_a_purged_log_is_204(viewer: httpx.AsyncClient, database: asyncpg.Connection) -> None:
    """A task whose events were purged has nothing to stream."""
    task_id = await seeds.failed_task()
    await database.execute("DELETE FROM task_events WHERE task_id = $1", task_id)
    assert (await viewer.get(f"/api/v1/tasks/{task_id}/stream")).status_code == 204


async def test_a_retried_task_goes_on(viewer: httpx.AsyncClient) -> None:
    """A terminal event that a retry followed does not end the stream."""
    task_id = await seeds.failed_task()
    await seeds.retried(task_id)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(follow(viewer, task_id))
        await watched(1)
        await seeds.ended(task_id)
    assert [event["type"] for event in reading.result()] == [
        "task_queued",
        "task_started",
        "task_failed",
        "task_retried",
        "task_failed",
    ]


async def test_a_quiet_stream_is_kept_alive(
    database: asyncpg.Connection,
    redis: Redis,
    jwt_mode: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While nothing happens comments are sent, at intervals and not in a storm."""
    monkeypatch.setattr("api.routes.events.HEARTBEAT_S", 0.1)
    task_id = await new_task()
    with serving() as address:
        async with (
            httpx.AsyncClient(base_url=address, headers=bearer()) as client,
            client.stream("GET", f"/api/v1/tasks/{task_id}/stream") as response,
        ):
            received = b""
            started = time.monotonic()
            async for chunk in response.aiter_raw():
                received += chunk
                if received.count(b": ping\n") >= 4:
                    break
    assert time.monotonic() - started > 0.2
    assert received.count(b"id: 1\n") == 1


async def test_vanished_viewers_leave_nothing(viewer: httpx.AsyncClient, redis: Redis) -> None:
    """Viewers that go away free their places and channels, and never had connections."""
    task_id = await new_task()
    path = f"/api/v1/tasks/{task_id}/stream"
    viewers = [viewer.stream("GET", path) for _ in range(30)]
    for context in viewers:
        await context.__aenter__()
    await watched(30)
    subscribers = [c for c in await redis.client_list() if int(c["sub"]) > 0]
    assert len(subscribers) == 1
    for context in viewers:
        await context.__aexit__(None, None, None)
    await watched(0)

    async def unsubscribed() -> bool:
        return not await redis.pubsub_channels("task_progress:*")

    await until(unsubscribed, what="no channel")


async def test_a_viewer_without_redis_sees_everything(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch, jwt_mode: None
) -> None:
    """Without any Redis every event still arrives, in order, once, by asking the rows."""
    settings_env.setenv("ROADMAP_REDIS_URL", "redis://127.0.0.1:1/0")
    get_settings.cache_clear()
    task_id = await new_task()
    await seeds.started(task_id)
    with serving() as address:
        async with (
            httpx.AsyncClient(base_url=address, headers=bearer(), timeout=20) as client,
            asyncio.TaskGroup() as group,
        ):
            reading = group.create_task(follow(client, task_id))
            await watched(1)
            await seeds.emit(task_id, 5)
            await seeds.ended(task_id)
    assert [event["seq"] for event in reading.result()] == list(range(1, 9))


async def test_a_stopping_server_ends_its_streams(
    database: asyncpg.Connection, redis: Redis, jwt_mode: None
) -> None:
    """A server that is told to stop does not wait for endless streams."""
    task_id = await new_task()
    async with running_api() as api:
        async with (
            httpx.AsyncClient(base_url=api.address, headers=bearer(), timeout=20) as client,
            client.stream("GET", f"/api/v1/tasks/{task_id}/stream") as response,
        ):
            chunks = response.aiter_raw()
            await anext(chunks)
            started = time.monotonic()
            api.process.terminate()
            async for _chunk in chunks:
                pass
        await asyncio.wait_for(api.process.wait(), 10)
        assert time.monotonic() - started < 5


async def test_a_client_that_never_reads_is_dropped(
    database: asyncpg.Connection,
    redis: Redis,
    jwt_mode: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stuck client is dropped after the send time-out, with a reason; others go on."""
    monkeypatch.setattr(streams, "SEND_TIMEOUT_S", 0.3)
    task_id = await new_task()
    await seeds.started(task_id)
    large = {"step": "curriculum_design", "round": 1, "code": "x" * 200_000}
    before = REGISTRY.get_sample_value(
        "roadmap_streams_dropped_total", {"transport": "sse", "reason": "slow"}
    )
    with serving() as address:
        host, port = address.removeprefix("http://").split(":")
        _reader, writer = await asyncio.open_connection(host, int(port), limit=1024)
        token = bearer()["Authorization"]
        writer.write(
            f"GET /api/v1/tasks/{task_id}/stream HTTP/1.1\r\nHost: {host}\r\n"
            f"Authorization: {token}\r\n\r\n".encode()
        )
        await watched(1)
        for _ in range(60):
            await seeds.move(task_id, "step_retrying", data=large)

        async def dropped() -> bool:
            now = REGISTRY.get_sample_value(
                "roadmap_streams_dropped_total", {"transport": "sse", "reason": "slow"}
            )
            return (now or 0) > (before or 0)

        await until(dropped, what="the drop")
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()
        await watched(0)


async def test_a_long_poll_answers_when_something_happens(
    viewer: httpx.AsyncClient, redis: Redis
) -> None:
    """`wait` holds the request until there is an event, and no longer."""
    task_id = await new_task()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(viewer.get(f"/api/v1/tasks/{task_id}/events?after=1&wait=20"))
        await until_channel(redis, task_id)
        await seeds.started(task_id)
    page = waiting.result().json()
    assert [event["seq"] for event in page["events"]] == [2]
    assert page["next_after"] == 2


async def test_a_long_poll_gives_up(viewer: httpx.AsyncClient) -> None:
    """When nothing happens a long poll answers with nothing after its time."""
    task_id = await new_task()
    started = time.monotonic()
    response = await viewer.get(f"/api/v1/tasks/{task_id}/events?after=1&wait=0.3")
    assert response.json() == {"events": [], "next_after": 1}
    assert 0.3 <= time.monotonic() - started < 3


async def test_redis_was_never_there(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """Without Redis from the start a worker's task runs to its end, and every viewer sees it all.

    By SSE, WebSocket and polling alike.
    """
    settings_env.setenv("ROADMAP_AUTH", "none")
    settings_env.setenv("ROADMAP_REDIS_URL", "redis://127.0.0.1:1/0")
    get_settings.cache_clear()
    observe(publish)
    task_id = await new_task(user="local")
    with serving() as address:
        viewers = [Viewer(address, task_id, transport=name) for name in TRANSPORTS]
        async with asyncio.timeout(30), asyncio.TaskGroup() as group:
            for viewer in viewers:
                group.create_task(viewer.watch())
            result = await run_task(task_id, worker="w")
            took_s = time.monotonic()
        took_s = time.monotonic() - took_s
    unobserve(publish)
    assert result is Result.COMPLETED
    last = await database.fetchval("SELECT last_seq FROM roadmap_tasks")
    assert [viewer.seqs for viewer in viewers] == [list(range(1, last + 1))] * 3
    assert took_s < 4, "the end is found by asking, within three seconds"
