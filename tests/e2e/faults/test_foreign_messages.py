"""What other programs send: later starts, ends, odd owners, priorities. Nothing of it vanishes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from core.actor import Actor
from core.ids import new_id
from tasks.queues import peek
from tests.broker import use_broker
from tests.factories import column, pair, until
from tests.junk import WRONG
from watching.queries import get_task, list_tasks
from workflow.service import cancel_task

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

    from tests.e2e.faults.rig import Rig

REQUEST = {"goal": "Learn Kites", "review": False}
ADMIN = Actor(user_id="root", admin=True)


def _send(rig: Rig, task_id: UUID, user: Any = "alice", **options: Any) -> None:
    kwargs = {"task_id": str(task_id), "user_id": user, "request": REQUEST}
    rig.foreign.send_task(
        "roadmap.generate", queue="roadmap", task_id=str(task_id), kwargs=kwargs, **options
    )


async def _until_row(look: asyncpg.Connection, task_id: UUID) -> None:
    async def there() -> bool:
        return bool(
            await look.fetchval("SELECT count(*) FROM roadmap_tasks WHERE task_id = $1", task_id)
        )

    await until(there, what="the task's row")


async def test_messages_for_later(rig: Rig, look: asyncpg.Connection) -> None:
    """A message's `eta` and `expires` hold in the row, whatever becomes of worker and Redis."""
    worker = rig.worker(concurrency=2)
    soon, later, cancelled, expired, late = (new_id() for _ in range(5))
    _send(rig, soon, countdown=4)
    _send(rig, later, countdown=3600)
    _send(rig, cancelled, eta=datetime.now(UTC) + timedelta(days=400))
    _send(rig, expired, expires=datetime.now(UTC) - timedelta(minutes=1))
    _send(rig, late, countdown=3600, expires=2)
    for task_id in (soon, later, cancelled, expired, late):
        await _until_row(look, task_id)
    await rig.until_status(look, [expired], "failed")
    assert '"expired"' in await column(look, expired, "error")
    with rig.broker() as broker:
        assert not broker.hlen("roadmap:unacked"), "it waits in a worker's memory"
    worker.kill()
    rig.flush()
    view = await get_task(later, actor=ADMIN)
    assert (view.status, view.starts_at is not None) == ("pending", True)
    waiting = datetime.now(UTC) + timedelta(minutes=50)
    assert view.starts_at is not None
    assert view.starts_at > waiting
    await cancel_task(cancelled, actor=ADMIN)
    rig.worker(concurrency=2)
    await rig.until_status(look, [soon], "completed", sweeping=True)
    await rig.until_status(look, [late], "failed", sweeping=True)
    assert await pair(look, later) == ("pending", "queued")
    assert await pair(look, cancelled) == ("cancelled", "queued")
    await look.execute("UPDATE roadmap_tasks SET starts_at = now() WHERE task_id = $1", later)
    await rig.until_status(look, [later], "completed", sweeping=True)


async def test_fetched_messages_come_back(rig: Rig, look: asyncpg.Connection) -> None:
    """What a killed worker had fetched is back within a minute; what a living one holds stays."""
    worker = rig.worker(concurrency=2)
    rig.foreign.send_task("maintenance.remind", queue="maintenance", countdown=50)
    with rig.broker() as broker:

        async def held() -> bool:
            return bool(broker.hlen("roadmap:unacked") == 1)

        await until(held, what="the fetched message")
        ((_, first),) = broker.zrange("roadmap:unacked_index", 0, -1, withscores=True)

        async def renewed() -> bool:
            ((_, score),) = broker.zrange("roadmap:unacked_index", 0, -1, withscores=True)
            return bool(score > first)

        await until(renewed, what="the renewal")
        worker.kill()
        # its worker was silent for long enough
        (tag,) = broker.zrange("roadmap:unacked_index", 0, -1)
        broker.zadd("roadmap:unacked_index", {tag: first - 60})
        broker.hset("roadmap:unacked", "garbage", "[1")
        broker.zadd("roadmap:unacked_index", {"garbage": 1})
        rig.worker(concurrency=2)

        async def restored() -> bool:
            tags = broker.zrange("roadmap:unacked_index", 0, -1)
            return len(tags) == 1 and tags != [tag]

        await until(restored, within_s=30, what="the message to be taken anew, garbage to be gone")


async def test_owners(rig: Rig, look: asyncpg.Connection) -> None:
    """Whatever `user_id` is, the task has a row: a failed one that says so, unless it is a name."""
    rig.standing_worker()
    users = {name: value for name, value in WRONG.items() if name not in {"missing", "text"}}
    users |= {"invisible": "\u200b\u2060", "line": "a\nb", "bidi": "a\u202eb", "blank": "   "}
    del users["huge text"]
    tasks = {name: new_id() for name in users}
    for name, task_id in tasks.items():
        _send(rig, task_id, users[name])
    good, missing = new_id(), new_id()
    _send(rig, good, "Zoë O'Neil <zoe@example.org>")
    kwargs = {"task_id": str(missing), "request": REQUEST}
    rig.foreign.send_task("roadmap.generate", queue="roadmap", kwargs=kwargs)
    await rig.until_status(look, [good, missing], "completed")
    await rig.until_status(look, tasks.values(), "failed")
    for name, task_id in tasks.items():
        error = await column(look, task_id, "error")
        assert '"invalid_request"' in error, name
        assert "user_id" in error, name
    rows, _ = await list_tasks(actor=ADMIN, limit=100)
    assert all(0 < len(row.user_id) <= 255 for row in rows)
    assert {row.user_id for row in rows} >= {"7", "unknown", "local"}


async def test_priorities_are_counted(rig: Rig, look: asyncpg.Connection) -> None:
    """Messages of each priority count; the oldest is found among them, junk or not."""
    del look
    rig.dismiss_standing_worker()  # nobody takes what is counted
    for priority in (None, 0, 3, 5, 6, 9):
        _send(rig, new_id(), priority=priority)
    at = datetime(2026, 1, 2, tzinfo=UTC)
    rig.foreign.send_task(
        "roadmap.resume",
        queue="roadmap",
        kwargs={"task_id": str(new_id())},
        priority=6,
        headers={"rung_at": at.isoformat()},
    )
    junk = [b"", b"[]", b"[" * 10_000, b"\xff", b'{"headers": 1}', b"x" * 1_000_000]
    junk += [
        b'{"headers": {"rung_at": %b}}' % told
        for told in (b"1", b"null", b'"x"', b'"2026-01-01"', b'"0001-01-01T00:00:00+14:00"')
    ]
    with rig.broker() as broker:
        for raw in junk:
            broker.rpush("roadmap", raw)
    before = use_broker(rig.redis.url)
    try:
        found = await asyncio.to_thread(peek)
    finally:
        use_broker(before)
    assert found["depth"] == 7 + len(junk)
    assert found["oldest"] == at.isoformat()
