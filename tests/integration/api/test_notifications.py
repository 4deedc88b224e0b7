"""The inbox over HTTP."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx_sse
import orjson

from core.ids import new_id
from db.facts import Fact
from db.recorder import observe, record, unobserve
from notifications.inbox_entry import InboxKind
from tests.factories import ADMIN, ALICE, new_task, until
from tests.integration.api import seeds
from tests.integration.api.conftest import bearer
from watching import feed
from watching.inbox import POLL_S, earlier, follow_inbox
from wiring.common import publish
from workflow.outcomes import notification
from workflow.service import cancel_task

if TYPE_CHECKING:
    import asyncpg
    import httpx
    import pytest
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
    assert [entry["notification_id"] for entry in listed] == sorted(keys, reverse=True)
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
    """`read-all` marks all of one's own entries, or those of one task, and nobody else's."""
    task_id, other = await new_task(), await new_task()
    for user in ("alice", "alice", "bob"):
        await seeds.notification(database, task_id, user=user)
    await seeds.notification(database, other)
    of_one = await alice.post(f"{PATH}/read-all", params={"task_id": str(other)})
    assert of_one.json() == {"marked": 1}
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


async def test_every_tab_hears_of_every_end(
    viewer: httpx.AsyncClient, served: str, database: asyncpg.Connection, redis: Redis
) -> None:
    """Whatever becomes of a task, and when somebody is asked, each tab of the user hears it live.

    Also what was the user's own act, which is read from the beginning.
    Somebody else's tab hears nothing.
    """
    observe(publish)
    heard: dict[str, list[str]] = {"one": [], "two": [], "bob": []}

    async def tab(name: str, headers: dict[str, str]) -> None:
        async with httpx_sse.aconnect_sse(
            viewer, "GET", f"{PATH}/stream", headers=headers
        ) as source:
            async for frame in source.aiter_sse():
                entry = orjson.loads(frame.data)
                assert frame.event == entry["kind"]
                heard[name].append(entry["kind"])

    tabs = [
        asyncio.create_task(tab("one", bearer())),
        asyncio.create_task(tab("two", bearer())),
        asyncio.create_task(tab("bob", bearer("bob"))),
    ]

    async def subscribed() -> bool:
        return len(await redis.pubsub_channels("notifications:*")) == 2

    await until(subscribed)
    user = SimpleNamespace(task_id=await new_task(), user_id="alice", roadmap_id=None)
    await seeds.started(user.task_id)
    begun = time.monotonic()
    for kind in InboxKind:
        own = "alice" if kind is InboxKind.TASK_CANCELLED else None
        await record(Fact(task_id=user.task_id, rows=(notification(user, kind, "Look.", by=own),)))

    async def all_heard() -> bool:
        return len(heard["one"]) == len(heard["two"]) == len(InboxKind)

    await until(all_heard, what="six entries in both tabs")
    assert time.monotonic() - begun < POLL_S, "live, and not by the poll"
    assert heard["one"] == heard["two"] == list(InboxKind)
    assert heard["bob"] == []
    assert (await viewer.get(f"{PATH}/unread-count")).json() == {"unread": len(InboxKind) - 1}
    for task in tabs:
        task.cancel()
    await asyncio.gather(*tabs, return_exceptions=True)
    unobserve(publish)


async def test_a_cancelled_task_is_told(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """Whoever cancelled it, the owner finds it in the inbox; one's own act is no news."""
    own, task_id = await new_task(), await new_task()
    await cancel_task(own, actor=ALICE)
    await cancel_task(task_id, actor=ADMIN)
    page = (await alice.get(PATH)).json()
    entry, known = page["notifications"]
    assert (entry["kind"], entry["task_id"]) == ("task_cancelled", str(task_id))
    assert (known["task_id"], page["unread"]) == (str(own), 1)
    assert known["read_at"] is not None


async def test_what_comes_while_a_stream_opens_is_in_it(database: asyncpg.Connection) -> None:
    """From the call on nothing is missed, however late the first entry is asked for."""
    task_id = await new_task()
    await seeds.notification(database, task_id)
    coming = follow_inbox("alice", idle_s=0.05)
    key = await seeds.notification(database, task_id)
    async with aclosing(coming) as live:
        assert key in {view.notification_id for view in await anext(live)}
    await feed.aclose()


async def test_an_inbox_without_redis_is_live_by_asking(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody carries anything, and the entry still comes: all inboxes are asked about together."""
    monkeypatch.setattr("watching.inbox.POLL_S", 0.05)
    task_id = await new_task()
    async with aclosing(follow_inbox("alice", idle_s=0.05)) as live:
        assert await anext(live) == []
        key = await seeds.notification(database, task_id)
        views: list[Any] = []
        while not views:
            views = list(await asyncio.wait_for(anext(live), 5))
    assert [view.notification_id for view in views] == [key]
    await feed.aclose()
