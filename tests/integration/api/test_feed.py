"""Following a task: every event, in order, once, whatever the messenger does."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from core.errors import NotFoundError
from notifications.events import task_channel
from tests.factories import ALICE, new_task, until
from tests.integration.api import seeds
from watching import feed, inbox, topic
from watching.viewer import StreamExpiredError, Viewer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable
    from uuid import UUID

    import asyncpg


class Messenger:
    """A messenger that loses, repeats, reorders and garbles what it should carry."""

    def __init__(self, *, healthy: bool, seed: int = 0) -> None:
        self.healthy = healthy
        self.chance = random.Random(seed)
        self.callbacks: list[Callable[[bytes | None], None]] = []
        self.held: list[bytes] = []

    def subscribe(
        self, _channel: str, callback: Callable[[bytes | None], None]
    ) -> Callable[[], None]:
        """Remember the callback; confirm sooner or later."""
        self.callbacks.append(callback)
        if self.chance.random() < 0.5:
            callback(None)
        return lambda: self.callbacks.remove(callback)

    def deliver(self, message: bytes) -> None:
        """Carry a message, badly."""
        match self.chance.randrange(6):
            case 0:
                return
            case 1:
                self.held.append(message)
                return
            case 2:
                messages = [message, message]
            case 3:
                messages = [b"{garbage", b'{"type": "content_delta"}', b"[]", message]
            case 4:
                messages = [*self.held, message]
                self.held.clear()
            case _:
                messages = [message]
        for each in messages:
            for callback in list(self.callbacks):
                callback(each)


@pytest.fixture
async def quick(
    database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    """Short ticks, so that polls are seen in a test."""
    monkeypatch.setattr(topic, "TICK_S", 0.05)
    monkeypatch.setattr(topic, "FIRST_LOOK_S", 0.02)
    yield
    await feed.aclose()


async def collect(task_id: UUID, *, after: int = 0) -> list[int]:
    """Follow to the end."""
    seen: list[int] = []
    async with aclosing(feed.follow(task_id, after=after)) as batches:
        async for batch in batches:
            seen += [entry.seq for entry in batch]
    return seen


async def newest(database: asyncpg.Connection, task_id: UUID) -> bytes:
    """Return the newest event as it would be published."""
    payload = await database.fetchval(
        "SELECT payload FROM task_events WHERE task_id = $1 ORDER BY seq DESC LIMIT 1", task_id
    )
    return orjson.dumps(orjson.loads(payload))


async def exhausted(stream: AsyncGenerator[Any]) -> None:
    """Read a stream to its end."""
    async with aclosing(stream) as batches:
        async for _batch in batches:
            pass


@pytest.mark.parametrize("seed", range(6))
async def test_a_bad_messenger_costs_no_event(
    quick: None, database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Lost, repeated, reordered and garbled messages change nothing of what viewers see."""
    monkeypatch.setattr(topic, "TAIL", 4)
    messenger = Messenger(healthy=seed % 2 == 0, seed=seed)
    feed.install(messenger)
    task_id = await new_task()
    await seeds.started(task_id)
    viewers = [asyncio.create_task(collect(task_id))]
    for number in range(12):
        await seeds.emit(task_id, 1)
        messenger.deliver(await newest(database, task_id))
        if number == 6:
            viewers.append(asyncio.create_task(collect(task_id, after=5)))
    await seeds.ended(task_id)
    messenger.deliver(await newest(database, task_id))
    first, second = await asyncio.wait_for(asyncio.gather(*viewers), 20)
    assert first == list(range(1, 16))
    assert second == list(range(6, 16))
    assert messenger.callbacks == []


async def test_a_slow_viewer_reads_the_log(
    quick: None, database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who falls behind the shared tail gets the rest from the log; memory stays bounded."""
    monkeypatch.setattr(topic, "TAIL", 3)
    monkeypatch.setattr(topic, "PAGE", 4)
    task_id = await new_task()
    await seeds.started(task_id)
    async with aclosing(feed.follow(task_id, after=0)) as batches:
        seen = [entry.seq for entry in await anext(batches)]
        await seeds.emit(task_id, 20)
        await seeds.ended(task_id)
        async for batch in batches:
            assert len(batch) <= 4
            seen += [entry.seq for entry in batch]
    assert seen == list(range(1, 24))


async def test_viewers_of_one_task_share_one_subscription(
    quick: None, database: asyncpg.Connection
) -> None:
    """However many follow a task, it is subscribed once, and each frame encoded once."""
    messenger = Messenger(healthy=True)
    feed.install(messenger)
    task_id = await new_task()
    encoded: list[int] = []

    def encode(entry: feed.Entry) -> bytes:
        encoded.append(entry.seq)
        return b"frame"

    async def one(generator: Any) -> None:
        async with aclosing(generator) as batches:
            async for batch in batches:
                for entry in batch:
                    entry.frame(encode)
                    if entry.seq == 2:
                        return

    tasks = [asyncio.create_task(one(feed.follow(task_id, after=1))) for _ in range(10)]

    async def all_watch() -> bool:
        return feed.current_feed().watched() == {str(task_id): 10}

    await until(all_watch)
    assert len(messenger.callbacks) == 1
    await seeds.started(task_id)
    await asyncio.wait_for(asyncio.gather(*tasks), 10)
    assert encoded == [2]
    assert feed.current_feed().watched() == {}
    assert messenger.callbacks == []


async def test_idleness_is_told(quick: None, database: asyncpg.Connection) -> None:
    """While nothing happens empty batches come, for heartbeats."""
    task_id = await new_task()
    async with aclosing(feed.follow(task_id, after=1, idle_s=0.05)) as batches:
        assert await asyncio.wait_for(anext(batches), 5) == []
        assert await asyncio.wait_for(anext(batches), 5) == []


async def test_a_deleted_task_ends_its_streams(quick: None, database: asyncpg.Connection) -> None:
    """When the row goes away the stream ends, and says that there is no such task."""
    task_id = await new_task()
    following = asyncio.create_task(collect(task_id))

    async def watches() -> bool:
        return bool(feed.current_feed().watched())

    await until(watches)
    await database.execute("DELETE FROM roadmap_tasks WHERE task_id = $1", task_id)
    with pytest.raises(NotFoundError):
        await asyncio.wait_for(following, 10)


async def test_a_task_given_to_somebody_else_is_shown_no_more(
    quick: None, database: asyncpg.Connection
) -> None:
    """Whose task it is, is asked all the while: a viewer who may not see it any more leaves."""
    task_id = await new_task()
    mine = Viewer(actor=ALICE)
    stream = feed.follow(task_id, after=0, viewer=mine)
    assert [entry.seq for entry in await anext(stream)] == [1]
    await database.execute("UPDATE roadmap_tasks SET user_id = 'bob'")
    with pytest.raises(NotFoundError):
        await asyncio.wait_for(exhausted(stream), 10)


async def test_a_stream_ends_with_its_credentials(
    quick: None, database: asyncpg.Connection
) -> None:
    """A stream lives as long as what opened it, and no longer, however quiet it is."""
    task_id = await new_task()
    viewer = Viewer(actor=ALICE, expires_at=time.time() + 0.4)
    began = time.monotonic()
    for stream in (
        feed.follow(task_id, after=0, viewer=viewer),
        inbox.follow_inbox("alice", viewer=viewer),
    ):
        with pytest.raises(StreamExpiredError):
            await asyncio.wait_for(exhausted(stream), 10)
    assert time.monotonic() - began < 5
    feed.install(None)


async def test_a_lost_database_is_waited_for(quick: None, database: asyncpg.Connection) -> None:
    """Streams stay open while PostgreSQL drops its connections, and miss nothing."""
    task_id = await new_task()
    await seeds.started(task_id)
    following = asyncio.create_task(collect(task_id))
    for _ in range(5):
        await database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await seeds.emit(task_id, 1)
    await seeds.ended(task_id)
    assert await asyncio.wait_for(following, 20) == list(range(1, 9))


async def test_channels_are_the_contracts(quick: None, database: asyncpg.Connection) -> None:
    """The channel of a task is `task_progress:{task_id}`."""
    task_id = await new_task()
    assert task_channel(task_id) == f"task_progress:{task_id}"
