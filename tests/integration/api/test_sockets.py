"""The same streams over WebSocket."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedOK, InvalidStatus
from websockets.typing import Origin

from api import tickets
from tests.factories import ALICE, new_task, until
from tests.integration.api import seeds
from tests.integration.api.conftest import bearer
from watching.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg
    import httpx
    from redis.asyncio import Redis


@asynccontextmanager
async def socket(
    served: str, path: str, *, headers: dict[str, str] | None = None, origin: str | None = None
) -> AsyncIterator[ClientConnection]:
    """Open a socket as alice, or with the given headers."""
    async with connect(
        served.replace("http", "ws") + "/api/v1/ws" + path,
        additional_headers=bearer() if headers is None else headers,
        origin=None if origin is None else Origin(origin),
        proxy=None,
    ) as connection:
        yield connection


async def messages(connection: ClientConnection) -> list[dict[str, Any]]:
    """Read to the end."""
    return [orjson.loads(message) async for message in connection]


async def test_a_socket_tells_the_same_story(served: str, redis: Redis) -> None:
    """Events come as JSON messages, in order, once, and the socket closes with 1000."""
    task_id = await new_task()
    await seeds.started(task_id)
    async with socket(served, f"/tasks/{task_id}?after=1") as connection:
        reading = asyncio.create_task(messages(connection))

        async def subscribed() -> bool:
            return bool(await redis.pubsub_channels(f"task_progress:{task_id}"))

        await until(subscribed)
        await seeds.emit(task_id, 3)
        await seeds.ended(task_id)
        events = await reading
        assert connection.close_code == 1000
    assert [event["seq"] for event in events] == [2, 3, 4, 5, 6]


async def test_nothing_left_closes_at_once(served: str) -> None:
    """A socket on an ended task that was read to its end closes with 1000."""
    task_id = await seeds.failed_task()
    async with socket(served, f"/tasks/{task_id}?after=3") as connection:
        assert await messages(connection) == []
        assert connection.close_code == 1000


async def refused(served: str, path: str, **options: Any) -> int:
    """Return the status of a handshake that fails, whose body is a problem."""
    with pytest.raises(InvalidStatus) as refusal:
        async with socket(served, path, **options):
            pass
    response = refusal.value.response
    assert orjson.loads(response.body)["status"] == response.status_code
    return response.status_code


async def test_strangers_get_no_socket(served: str) -> None:
    """A handshake without the right to see the task is refused with a problem."""
    task_id = await new_task()
    for headers, status in (
        ({}, 401),
        (bearer("bob"), 404),
        (bearer(ttl_s=-1), 401),
        ({"Authorization": "x"}, 401),
    ):
        assert await refused(served, f"/tasks/{task_id}", headers=headers) == status


async def test_nonsense_gets_no_socket(served: str) -> None:
    """Malformed ids and numbers are refused in the handshake, never by an error inside."""
    task_id = await new_task()
    for path in ("/tasks/1", f"/tasks/{task_id}?after=-1", "/notifications?after=1"):
        assert await refused(served, path) in {404, 422}


async def test_an_unknown_address_has_no_socket(served: str) -> None:
    """A handshake with an address that has no socket is a 404 problem, like any other request."""
    assert await refused(served, "/nothing") == 404


async def test_pages_of_other_origins_get_no_socket(
    served: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A page of another site may not open a socket, even with credentials; our own may."""
    task_id = await seeds.failed_task()
    assert await refused(served, f"/tasks/{task_id}", origin="https://evil.example") == 403
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    async with socket(served, f"/tasks/{task_id}", origin=served) as connection:
        assert len(await messages(connection)) == 3


async def test_a_ticket_opens_a_socket(served: str) -> None:
    """Browsers, which cannot set headers, come in with a ticket for just this task."""
    task_id, other = await seeds.failed_task(), await seeds.failed_task()
    ticket = tickets.mint(Viewer(actor=ALICE), task_id=str(task_id))
    async with socket(served, f"/tasks/{task_id}?ticket={ticket}", headers={}) as connection:
        assert len(await messages(connection)) == 3
    assert await refused(served, f"/tasks/{other}?ticket={ticket}", headers={}) == 401


async def test_what_the_client_says_is_ignored(served: str) -> None:
    """Messages from the client do not disturb the stream."""
    task_id = await new_task()
    async with socket(served, f"/tasks/{task_id}") as connection:
        assert orjson.loads(await connection.recv())["seq"] == 1
        for message in ("ping", b"\x00\xff", "{}"):
            await connection.send(message)
        await seeds.started(task_id)
        assert orjson.loads(await connection.recv())["seq"] == 2


async def test_notifications_come_over_a_socket(
    served: str, viewer: httpx.AsyncClient, database: asyncpg.Connection, redis: Redis
) -> None:
    """The inbox is live over WebSocket: what is new since the socket was opened."""
    task_id = await new_task()
    await seeds.notification(database, task_id)
    keys: set[str] = set()
    async with socket(served, "/notifications") as connection:
        received = asyncio.ensure_future(connection.recv())
        while not received.done():  # new is what comes after the stream's first look, whenever
            keys.add(str(await seeds.notification(database, task_id)))
            await redis.publish("notifications:alice", "{}")
            await asyncio.wait({received}, timeout=0.5)
        message = orjson.loads(received.result())
    assert message["notification_id"] in keys
    assert message["kind"] == "task_failed"
    assert isinstance(connection.protocol.close_exc, ConnectionClosedOK)
