"""How many streams there may be, how slow, and for how long."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from api import streams, tickets
from api.routes import sockets
from core.settings import get_settings
from tests.factories import ALICE, new_task, until
from tests.integration.api import seeds
from tests.integration.api.conftest import SECRET, bearer, serving
from tests.viewers import Viewer
from watching.viewer import Viewer as Holder

if TYPE_CHECKING:
    from collections.abc import Iterator

    import asyncpg
    from redis.asyncio import Redis

ADMIN_HEADERS = bearer("root", role="admin")


@pytest.fixture
def limited(
    database: asyncpg.Connection, redis: Redis, jwt_mode: None, settings_env: pytest.MonkeyPatch
) -> Iterator[str]:
    """A server with room for three streams, two of one user."""
    settings_env.setenv("ROADMAP_USER_MAX_STREAMS", "2")
    settings_env.setenv("ROADMAP_MAX_STREAMS", "3")
    get_settings.cache_clear()
    with serving() as address:
        yield address


@pytest.mark.parametrize("transport", ["sse", "ws"])
async def test_streams_are_bounded(limited: str, transport: str) -> None:
    """One stream too many is 429 for the user and 503 for the process; polling goes on."""
    task_id = await new_task()

    async def status(headers: dict[str, str]) -> tuple[int | None, Viewer]:
        viewer = Viewer(limited, task_id, transport=transport, headers=headers)
        await viewer.connect()
        return viewer.status, viewer

    welcome = 200 if transport == "sse" else 101
    opened = [await status(bearer()) for _ in range(2)]
    assert [code for code, _viewer in opened] == [welcome, welcome]
    assert (await status(bearer()))[0] == 429
    opened.append(await status(ADMIN_HEADERS))
    assert opened[-1][0] == welcome, "admins are not bound by the limit per user"
    assert (await status(ADMIN_HEADERS))[0] == 503
    async with httpx.AsyncClient(base_url=limited, headers=bearer()) as client:
        assert (await client.get(f"/api/v1/tasks/{task_id}/events")).status_code == 200
    opened[0][1].cut()

    async def again() -> bool:
        opened.append(await status(bearer()))
        return opened[-1][0] == welcome

    await until(again, what="room after somebody left")
    for _code, viewer in opened:
        viewer.cut()


async def test_a_socket_that_never_reads_is_closed_with_a_reason(
    database: asyncpg.Connection,
    redis: Redis,
    jwt_mode: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It costs a bounded backlog, is closed with 1013, and others notice nothing."""
    monkeypatch.setattr(sockets, "SEND_TIMEOUT_S", 0.5)
    task_id = await new_task()
    await seeds.started(task_id)
    large = {"step": "curriculum_design", "round": 1, "code": "x" * 200_000}
    with serving() as address:
        stuck = Viewer(address, task_id, transport="ws", headers=bearer())
        other = Viewer(address, task_id, transport="ws", headers=bearer())
        await stuck.connect()
        await other.connect()
        stuck.stop_reading()
        before = psutil.Process().memory_info().rss
        for _ in range(60):
            await seeds.move(task_id, "step_retrying", data=large)
        async with httpx.AsyncClient(base_url=address, headers=ADMIN_HEADERS) as client:

            async def dropped() -> Any:
                found = (await client.get("/api/v1/admin/streams")).json()
                return found["dropped"].get("ws_slow")

            assert await until(dropped, what="the drop") == 1
        stuck.go_on_reading()
        await asyncio.wait_for(stuck.lost(), 10)
        assert stuck.close_code == 1013
        await seeds.ended(task_id)
        await asyncio.wait_for(other.lost(), 10)
    assert other.seqs == list(range(1, 64))
    assert other.close_code == 1000
    assert stuck.seqs == list(range(1, len(stuck.seqs) + 1))
    assert psutil.Process().memory_info().rss - before < 150e6


async def test_a_peer_that_answers_no_ping_is_gone(
    database: asyncpg.Connection, redis: Redis, jwt_mode: None
) -> None:
    """A socket whose peer vanished without a word gives its place back; one that answers stays."""
    task_id = await new_task()
    with serving(ws_ping_interval=0.2, ws_ping_timeout=0.2) as address:
        vanished = Viewer(address, task_id, transport="ws", headers=bearer())
        other = Viewer(address, task_id, transport="ws", headers=bearer())
        await vanished.connect()
        await other.connect()
        vanished.stop_reading()
        async with httpx.AsyncClient(base_url=address, headers=ADMIN_HEADERS) as client:

            async def one_left() -> bool:
                return bool((await client.get("/api/v1/admin/streams")).json()["open"] == 1)

            await until(one_left, what="the place of the one that vanished")
        assert other.connected
        other.cut()
        vanished.cut()


async def test_a_stream_ends_with_the_token_behind_its_ticket(
    served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ticket opens a stream for as long as its token lasts; then it is closed with a reason."""
    task_id = await new_task()
    over_at = time.time() + 1.5
    ticket = tickets.mint(Holder(actor=ALICE, expires_at=over_at), task_id=str(task_id))
    assert tickets.ttl_s(over_at) < streams.HEARTBEAT_S
    path = f"/api/v1/tasks/{task_id}/stream?ticket={ticket}"
    async with (
        httpx.AsyncClient(base_url=served, timeout=20) as client,
        client.stream("GET", path) as response,
    ):
        socket = Viewer(served, task_id, transport="ws", headers=bearer(ttl_s=2))
        await socket.connect()
        body = (await response.aread()).decode()
        assert over_at - 0.1 < time.time() < over_at + 5
        assert body.endswith(": closed stream_expired\n")
        await asyncio.wait_for(socket.lost(), 10)
        assert socket.close_code == sockets.NOT_ALLOWED
        assert (await client.get(path)).status_code == 401


async def test_a_ticket_is_never_better_than_its_token(served: str) -> None:
    """A ticket lasts no longer than the token for which it was given."""
    async with httpx.AsyncClient(base_url=served, headers=bearer(ttl_s=10)) as client:
        answer = (await client.post("/api/v1/stream-tickets", json={})).json()
    assert 0 < answer["expires_in"] <= 10
    assert SECRET not in answer["ticket"]
    assert tickets.verify(answer["ticket"]).holder.expires_at < time.time() + 11


async def test_a_deleted_task_closes_its_streams(served: str, database: asyncpg.Connection) -> None:
    """When a task is deleted its streams end with a reason, and do not pretend that it ended."""
    task_id = await new_task()
    socket = Viewer(served, task_id, transport="ws", headers=bearer())
    await socket.connect()
    await database.execute("DELETE FROM roadmap_tasks")
    await asyncio.wait_for(socket.lost(), 10)
    assert socket.close_code == sockets.NOT_ALLOWED
