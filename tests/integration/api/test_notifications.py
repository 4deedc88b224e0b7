"""The inbox over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import httpx_sse
import orjson

from core.ids import new_id
from tests.factories import new_task, until
from tests.integration.api import seeds
from tests.integration.api.conftest import bearer
from workflow.inbox import earlier

if TYPE_CHECKING:
    import asyncpg
    import httpx
    from redis.asyncio import Redis

PATH = "/api/v1/notifications"


async def test_the_inbox_is_ones_own(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """One's notifications are listed newest first; nobody else sees them, admins neither."""
    task_id = await new_task()
    keys = [str(await seeds.notification(database, task_id)) for _ in range(3)]
    await seeds.notification(database, task_id, user="bob")
    page = (await alice.get(PATH, params={"limit": 2})).json()
    rest = (await alice.get(PATH, params={"cursor": page["next_cursor"]})).json()
    listed = page["notifications"] + rest["notifications"]
    assert [entry["notification_id"] for entry in listed] == keys[::-1]
    assert (page["unread"], rest["next_cursor"]) == (3, None)
    assert listed[0].keys() >= {"task_id", "kind", "message", "created_at", "read_at"}
    admin = await alice.get(PATH, headers=bearer("root", role="admin"))
    assert admin.json()["notifications"] == []


async def test_reading_twice_is_fine(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """Marking an entry read again is 200 and keeps the first time."""
    key = await seeds.notification(database, await new_task())
    first = await alice.post(f"{PATH}/{key}/read")
    second = await alice.post(f"{PATH}/{key}/read")
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["read_at"] == second.json()["read_at"] is not None
    assert (await alice.get(f"{PATH}/unread-count")).json() == {"unread": 0}
    assert (await alice.post(f"{PATH}/{new_id()}/read")).status_code == 404


async def test_everything_can_be_read_at_once(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """`read-all` marks all of one's own entries and nobody else's."""
    task_id = await new_task()
    for user in ("alice", "alice", "bob"):
        await seeds.notification(database, task_id, user=user)
    assert (await alice.post(f"{PATH}/read-all")).json() == {"marked": 2}
    assert (await alice.post(f"{PATH}/read-all")).json() == {"marked": 0}
    unread = await alice.get(f"{PATH}/unread-count", headers=bearer("bob"))
    assert unread.json() == {"unread": 1}


async def test_the_live_inbox_resumes(
    viewer: httpx.AsyncClient, database: asyncpg.Connection, redis: Redis
) -> None:
    """After an id come the missed entries, then the new ones, each once, however late committed."""
    task_id = await new_task()
    first = await seeds.notification(database, task_id)
    second = await seeds.notification(database, task_id)
    seen: list[str] = []
    async with httpx_sse.aconnect_sse(
        viewer, "GET", f"{PATH}/stream", headers={"Last-Event-ID": str(first)}
    ) as source:
        frames = source.aiter_sse()
        seen.append((await anext(frames)).id)

        async def subscribed() -> bool:
            return bool(await redis.pubsub_channels("notifications:*"))

        await until(subscribed)
        third = await seeds.notification(database, task_id)
        await redis.publish("notifications:alice", "{}")
        frame = await anext(frames)
        assert orjson.loads(frame.data)["notification_id"] == str(third)
        assert frame.event == "task_failed"
        seen.append(frame.id)
        # made before the last one, committed after it
        late = UUID(int=earlier(third, 0).int + 1)
        late = late if late > second else UUID(int=second.int + 1)
        await seeds.notification(database, task_id, key=late)
        await redis.publish("notifications:alice", "{}")
        seen.append((await anext(frames)).id)
    assert seen == [str(second), str(third), str(late)]
