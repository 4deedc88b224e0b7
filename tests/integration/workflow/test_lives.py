"""A process that ended is told from one that is silent, by the lock that it held."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg

from core.settings import get_settings
from db.answering import EVERY_S, answering
from db.life import end_life, life
from tests.factories import column, events, expire_lease, new_task, pair, until
from workflow import lives
from workflow.heartbeat import keeper
from workflow.lease import acquire
from workflow.lives import Watch
from workflow.recovery import recover

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    import pytest

    from workflow.doorbell import Ring

STRANGER = 4711


@asynccontextmanager
async def _watching() -> AsyncIterator[None]:
    """Watch lives, as each of a worker's processes does."""
    watch = Watch()
    await watch.begin()
    try:
        yield
    finally:
        await watch.end()
        await end_life()


async def _held_by(database: asyncpg.Connection, number: int) -> UUID:
    """Return a task that another process holds, which lives under that number."""
    task = await new_task()
    assert await acquire(task, worker="doomed") is not None
    await database.execute(
        "UPDATE roadmap_tasks SET life = $2, life_epoch = epoch WHERE task_id = $1", task, number
    )
    return task


async def test_its_tasks_are_freed_when_it_ends(
    database: asyncpg.Connection, postgres_url: str, rings: list[Ring]
) -> None:
    """While its lock is held nothing happens, though it is silent; once it is free, at once.

    A task that a worker of an older release took over since, which knows no lives, is left alone.
    """
    process = await asyncpg.connect(postgres_url)
    await process.execute("SELECT pg_advisory_lock($1)", STRANGER)
    task, other = [await _held_by(database, STRANGER) for _ in range(2)]
    await database.execute("UPDATE roadmap_tasks SET epoch = 2 WHERE task_id = $1", other)
    rings.clear()
    async with _watching():
        await asyncio.sleep(lives.GRACE_S + EVERY_S)
        assert await column(database, task, "lease_owner") == "doomed"
        process.terminate()

        async def freed() -> bool:
            return await pair(database, task) == ("processing", "resuming")

        async def rung() -> bool:
            return bool(rings)

        # half a lease: a machine that is busy with other tests takes its time
        await until(freed, within_s=15, what="a task that goes on")
        await until(rung, what="a worker to be asked for")
        assert [ring.task_id for ring in rings] == [task]
        assert await column(database, task, "losses") == 1
        claim = await acquire(task, worker="w")
        assert claim is not None
        assert (await events(database, task))[-1] == "task_recovered"
        assert await column(database, task, "life") == life().number
        assert await column(database, other, "lease_owner") == "doomed"


async def test_a_cut_connection_is_no_death(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """A living process whose connection was cut takes its lock again, and keeps its tasks."""
    settings_env.setenv("ROADMAP_LEASE_S", "3")
    get_settings.cache_clear()

    async def holder() -> int | None:
        found: int | None = await database.fetchval(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND (classid::bigint << 32) | objid::bigint = $1",
            life().number,
        )
        return found

    async with _watching():
        claim = await acquire(await new_task(), worker="w")
        assert claim is not None
        keeper().keep(claim)
        for _ in range(3):
            cut = await holder()
            assert await database.fetchval("SELECT pg_terminate_backend($1)", cut)

            async def locked(cut: int | None = cut) -> bool:
                return await holder() not in {cut, None}

            await until(locked, what="the lock")
        assert not claim.stopped.is_set()
        keeper().drop(claim)
    assert await holder() is None


async def test_a_lease_from_before_the_lock(database: asyncpg.Connection) -> None:
    """A task that was taken while the lock could not be had gets its life with the next beat."""
    claim = await acquire(await new_task(), worker="w")
    assert claim is not None
    assert await column(database, claim.task_id, "life") is None

    async def known() -> bool:
        return bool(await column(database, claim.task_id, "life") == life().number)

    async with _watching():
        keeper().keep(claim)
        await until(known, what="the life in the row")
        keeper().drop(claim)


async def test_behind_a_pooler(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """Where no lock can be held leases alone count, and others are watched all the same."""
    settings_env.setenv("ROADMAP_DATABASE_POOLER", "transaction")
    get_settings.cache_clear()
    task = await _held_by(database, STRANGER)

    async def freed() -> bool:
        return await column(database, task, "lease_owner") is None

    async with _watching():
        assert life().held is None
        await until(freed, what="a task that goes on")
        claim = await acquire(task, worker="w")
        assert claim is not None
        assert await column(database, task, "life_epoch") is None


async def test_a_silent_database_excuses(
    database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What expired while the database did not answer is not lost until workers could say so."""
    task = await new_task()
    assert await acquire(task, worker="w") is not None
    await expire_lease(database, task)
    now = asyncio.get_running_loop().time
    assert answering().steady(), "nobody has asked yet"
    answering().answered()
    assert answering().steady()
    monkeypatch.setattr(answering(), "_answered_at", now() - 60)
    assert (await recover(None)).recovered == 0, "it does not answer yet"
    answering().answered()
    assert (await recover(None)).recovered == 0, "it has just begun to answer"
    assert await acquire(task, worker="other") is None
    monkeypatch.setattr(answering(), "_settled_at", now() - 1)
    assert (await recover(None)).recovered == 1
