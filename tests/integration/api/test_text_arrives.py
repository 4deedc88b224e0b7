"""From a model that streams slowly to people who watch: text is there before it is complete."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import httpx_sse
import orjson
import pytest
from websockets.asyncio.client import connect

from core.settings import get_settings
from db.recorder import flush_recorder
from notifications.deltas import stop_streaming, stream_text
from tests.factories import new_task, pair
from tests.integration.api.conftest import bearer
from tests.model_rules import Rule
from tests.model_server import ModelServer
from workflow import live_text
from workflow.asking import close_author
from workflow.runs import run_task

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from uuid import UUID

    import asyncpg
    import httpx
    from redis.asyncio import Redis

PIECES = 8
PAUSE_S = 0.1


@pytest.fixture
async def model(
    settings_env: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ModelServer]:
    """A model that takes most of a second for a tutorial of one concept."""

    async def unchecked(drafts: Any, **_: Any) -> list[dict[str, Any]]:
        return [draft.model_dump() | {"verified": False} for draft in drafts]

    monkeypatch.setattr("roadmaps.links.check_resources", unchecked)
    async with ModelServer(stages=1, modules=1, concepts=1) as server:
        server.rules.append(Rule("ok", kind="tutorial", pieces=PIECES, seconds=PAUSE_S))
        settings_env.setenv("ROADMAP_LLM_PROVIDER", "openai")
        settings_env.setenv("ROADMAP_LLM_BASE_URL", server.base_url)
        get_settings.cache_clear()
        live_text.install(stream_text)  # as a worker's wiring does; here it shares the API's loop
        yield server
        live_text.install(None)
        await close_author()
        await flush_recorder()
        stop_streaming()


async def over_sse(client: httpx.AsyncClient, task_id: UUID) -> AsyncGenerator[Any]:
    """Yield what comes over SSE."""
    path = f"/api/v1/tasks/{task_id}/stream"
    async with httpx_sse.aconnect_sse(client, "GET", path) as source:
        async for frame in source.aiter_sse():
            yield orjson.loads(frame.data)


async def over_websocket(served: str, task_id: UUID) -> AsyncGenerator[Any]:
    """Yield what comes over WebSocket."""
    address = f"{served.replace('http', 'ws')}/api/v1/ws/tasks/{task_id}"
    async with connect(address, additional_headers=bearer(), proxy=None) as socket:
        async for message in socket:
            yield orjson.loads(message)


async def watched(messages: AsyncGenerator[Any]) -> list[tuple[float, dict[str, Any]]]:
    """Return all that came until the end, with the time at which it did."""
    clock = asyncio.get_running_loop().time
    async with aclosing(messages):
        return [(clock(), message) async for message in messages]


async def test_the_first_text_is_there_before_the_tutorial_is_complete(
    served: str,
    viewer: httpx.AsyncClient,
    model: ModelServer,
    redis: Redis,
    database: asyncpg.Connection,
) -> None:
    """Over SSE and WebSocket alike; the pieces are the tutorial's, and it was one request."""
    task_id = await new_task()
    async with asyncio.TaskGroup() as group:
        sse = group.create_task(watched(over_sse(viewer, task_id)))
        websocket = group.create_task(watched(over_websocket(served, task_id)))
        group.create_task(run_task(task_id, worker="w"))

    assert await pair(database, task_id) == ("completed", "completed")
    stored = await database.fetchval("SELECT body->>'markdown' FROM contents WHERE kind='tutorial'")
    for seen in (sse.result(), websocket.result()):
        deltas = [(at, m["data"]) for at, m in seen if m["type"] == "content_delta"]
        (completed,) = (
            at
            for at, message in seen
            if message["type"] == "content_completed" and message["data"]["kind"] == "tutorial"
        )
        first, data = deltas[0]
        assert (data["kind"], data["version"], data["offset"]) == ("tutorial", 1, 0)
        assert completed - first > PIECES * PAUSE_S / 2
        assert len(deltas) >= 2
        text = ""
        for _, piece in deltas:
            assert piece["offset"] == len(text)
            text += piece["text"]
        assert text
        assert stored.startswith(text)
    assert sum(entry.kind == "tutorial" for entry in model.ledger) == 1


async def test_streaming_can_be_switched_off(
    model: ModelServer,
    redis: Redis,
    database: asyncpg.Connection,
    settings_env: pytest.MonkeyPatch,
) -> None:
    """With LLM_STREAM=false no request asks for a stream."""
    settings_env.setenv("ROADMAP_LLM_STREAM", "false")
    get_settings.cache_clear()
    task_id = await new_task()
    await run_task(task_id, worker="w")
    assert await pair(database, task_id) == ("completed", "completed")
    assert not any("stream" in request for request in model.requests)
