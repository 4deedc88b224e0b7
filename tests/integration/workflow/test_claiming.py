"""Tasks that are taken together: what one of them meets does not touch the others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy.exc import DBAPIError

from core.settings import get_settings
from db.ledger import write_facts
from tests.factories import column, events, new_task, until
from workflow import claiming
from workflow.heartbeat import keeper
from workflow.lease import Claim, acquire
from workflow.service import accept_delivery

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg
    import pytest


async def _tasks(number: int) -> list[UUID]:
    return [await new_task(user=f"user {n}") for n in range(number)]


async def test_one_of_many_cannot_be_taken(database: asyncpg.Connection) -> None:
    """Of tasks that are taken together one cannot be read and one is locked: the rest are taken."""
    tasks = await _tasks(12)
    bad, held, *_ = tasks
    await database.execute(
        """UPDATE roadmap_tasks SET request = '{"goal": ""}' WHERE task_id = $1""", bad
    )
    holding = database.transaction()
    await holding.start()
    await database.execute("SELECT FROM roadmap_tasks WHERE task_id = $1 FOR UPDATE", held)
    running = [asyncio.create_task(acquire(task, worker="w")) for task in tasks]
    others = [task for task in running if task is not running[1]]
    claims = await asyncio.gather(*others)
    await holding.rollback()
    claims.insert(1, await running[1])
    assert [claim is not None for claim in claims] == [False] + [True] * 11
    assert await column(database, bad, "status") == "failed"
    for task in tasks[1:]:
        assert await events(database, task) == ["task_queued", "task_started"]


async def test_their_transaction_fails(
    database: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the transaction of many fails, each of them is taken by itself."""
    failures = 0

    async def fail(*_: Any, **__: Any) -> Any:
        nonlocal failures
        failures += 1
        raise DBAPIError(None, None, Exception("refused"))

    monkeypatch.setattr(claiming, "write_facts", fail)
    tasks = await _tasks(5)
    claims = await asyncio.gather(*(acquire(task, worker="w") for task in tasks))
    monkeypatch.setattr(claiming, "write_facts", write_facts)
    assert all(claims)
    assert failures
    for task in tasks:
        assert await events(database, task) == ["task_queued", "task_started"]


async def test_caller_that_leaves(
    database: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    settings_env: pytest.MonkeyPatch,
) -> None:
    """A task whose delivery is broken off while it is taken is given back for another worker."""
    settings_env.setenv("ROADMAP_LEASE_S", "0.5")
    get_settings.cache_clear()
    task, leaving = await new_task(), asyncio.Event()

    async def slow(*args: Any, **more: Any) -> Any:
        written = await write_facts(*args, **more)
        leaving.set()
        await asyncio.sleep(0)
        return written

    monkeypatch.setattr(claiming, "write_facts", slow)
    taking = asyncio.create_task(acquire(task, worker="w"))
    await leaving.wait()
    taking.cancel()
    await asyncio.wait({taking})
    assert taking.cancelled()

    async def given_back() -> bool:
        # the first epoch is its taking, which may not be committed yet
        return bool(await column(database, task, "epoch") == 2)

    await until(given_back)
    assert await column(database, task, "lease_until") is None
    assert keeper().claims() == []
    assert isinstance(await acquire(task, worker="v"), Claim)


async def test_one_of_many_is_there_already(database: asyncpg.Connection) -> None:
    """Of deliveries that are accepted together one is known and one is not valid: the rest come."""
    known = await new_task()
    ids = [known, *(uuid4() for _ in range(10))]
    done = await asyncio.gather(
        *(
            accept_delivery(
                task,
                user_id=f"user {n}",
                request={"goal": "" if n == 1 else "Learn Rust", "review": False},
            )
            for n, task in enumerate([*ids, ids[-1]])
        )
    )
    assert done == [True, False] + [True] * 10
    assert await column(database, known, "user_id") == "alice"
    assert await column(database, ids[1], "status") == "failed"
    assert await database.fetchval("SELECT count(*) FROM roadmap_tasks") == 11
    for task in ids[2:]:
        assert await events(database, task) == ["task_queued"]
