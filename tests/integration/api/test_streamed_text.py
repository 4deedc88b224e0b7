"""Streamed text passes through to viewers that keep up, and disturbs nothing."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import httpx_sse
import orjson
from websockets.asyncio.client import connect

from notifications.deltas import stop_streaming, stream_text
from notifications.event_data import part_told
from tests.factories import new_task, until
from tests.integration.api import seeds
from tests.integration.api.conftest import bearer
from watching import feed, topic

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from uuid import UUID

    import asyncpg
    import httpx
    import pytest
    from redis.asyncio import Redis


async def sse(client: httpx.AsyncClient, task_id: UUID) -> AsyncGenerator[tuple[str, Any]]:
    """Yield what comes over SSE, each with the last id heard so far."""
    path = f"/api/v1/tasks/{task_id}/stream"
    async with httpx_sse.aconnect_sse(client, "GET", path) as source:
        async for frame in source.aiter_sse():
            yield frame.id, orjson.loads(frame.data)


async def websocket(served: str, task_id: UUID) -> AsyncGenerator[Any]:
    """Yield what comes over WebSocket."""
    address = f"{served.replace('http', 'ws')}/api/v1/ws/tasks/{task_id}"
    async with connect(address, additional_headers=bearer(), proxy=None) as socket:
        async for message in socket:
            yield orjson.loads(message)


async def test_text_is_live_and_only_live(
    served: str, viewer: httpx.AsyncClient, redis: Redis, database: asyncpg.Connection
) -> None:
    """SSE carries it without an id, WebSocket carries it, log and polls never have it."""
    task_id = await new_task()
    await seeds.started(task_id)
    over_sse: list[tuple[str, Any]] = []
    over_ws: list[Any] = []

    async def read_sse() -> None:
        async with aclosing(sse(viewer, task_id)) as frames:
            async for frame in frames:
                over_sse.append(frame)  # noqa: PERF401 - others look while it grows

    async def read_ws() -> None:
        async with aclosing(websocket(served, task_id)) as messages:
            async for message in messages:
                over_ws.append(message)  # noqa: PERF401 - ditto

    async def all_follow() -> bool:
        return len(over_sse) >= 2 and len(over_ws) >= 2

    async def said() -> bool:
        return len(over_sse) >= 3 and len(over_ws) >= 3

    async with asyncio.TaskGroup() as group:
        group.create_task(read_sse())
        group.create_task(read_ws())
        await until(all_follow)
        about = part_told(key="one", kind="quiz", version=1)
        stream_text(task_id, about, offset=0, text="Hel")
        await until(said, what="the text")
        await seeds.ended(task_id)
    stop_streaming()
    types = ["task_queued", "task_started", "content_delta", "task_failed"]
    assert [message["type"] for message in over_ws] == types
    assert [message for _id, message in over_sse] == over_ws
    assert [last_id for last_id, _message in over_sse] == ["1", "2", "2", "3"]
    assert over_ws[2]["data"]["text"] == "Hel"
    assert "seq" not in over_ws[2]
    polled = (await viewer.get(f"/api/v1/tasks/{task_id}/events")).json()["events"]
    assert [event["seq"] for event in polled] == [1, 2, 3]
    assert await database.fetchval("SELECT count(*) FROM task_events") == 3


class Line:
    """A messenger that carries what it is given at once."""

    healthy = True

    def __init__(self) -> None:
        self.callback: Callable[[bytes | None], None] = lambda _message: None

    def subscribe(
        self, _channel: str, callback: Callable[[bytes | None], None]
    ) -> Callable[[], None]:
        """Confirm at once."""
        self.callback = callback
        callback(None)
        return lambda: None

    def say(self, text: str) -> None:
        """Carry a piece of text."""
        self.callback(orjson.dumps({"type": "content_delta", "data": {"text": text}}))


async def test_who_is_slow_loses_text_and_no_event(
    database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A viewer that is away for a while misses old text, never an event; memory is bounded."""
    monkeypatch.setattr(topic, "PASSING", 3)
    line = Line()
    feed.install(line)
    task_id = await new_task()
    async with aclosing(feed.follow(task_id, after=0, transient=True)) as batches:
        assert [entry.seq for entry in await anext(batches)] == [1]
        for number in range(10):
            line.say(str(number))
        await seeds.started(task_id)
        line.callback(
            orjson.dumps(
                orjson.loads(
                    await database.fetchval(
                        "SELECT payload FROM task_events WHERE task_id = $1 AND seq = 2", task_id
                    )
                )
            )
        )
        line.say("last")
        batch = await anext(batches)
    shown = [entry.event["data"].get("text", entry.event["type"]) for entry in batch]
    assert shown == ["8", "9", "task_started", "last"]
    await feed.aclose()


async def test_whoever_wants_only_the_log_gets_only_the_log(database: asyncpg.Connection) -> None:
    """Long polls and everybody who did not ask for it never see transient events."""
    line = Line()
    feed.install(line)
    task_id = await new_task()
    waiting = asyncio.create_task(feed.wait_for_events(task_id, after=1, wait_s=10))

    async def watched() -> bool:
        return bool(feed.current_feed().watched())

    await until(watched)
    line.say("text")
    await seeds.started(task_id)
    line.callback(None)
    assert [event["type"] for event in await waiting] == ["task_started"]
    await feed.aclose()
