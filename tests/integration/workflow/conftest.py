"""An author that keeps a ledger, the rings, and a database with tasks in every status."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

import orjson
import pytest

from core.loop_local import LoopLocal
from db.recorder import flush_recorder
from tests.integration.workflow.healthy import make_healthy
from tests.ledger import LedgerAuthor
from workflow import asking, doorbell
from workflow.audit import examine_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import asyncpg

    from tests.integration.workflow.healthy import Healthy
    from workflow.doorbell import Ring


@pytest.fixture
async def author(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LedgerAuthor]:
    """The author of all texts of this test; two concepts, so six contents."""
    author = LedgerAuthor()
    monkeypatch.setattr(asking, "_authors", LoopLocal(lambda: author))
    yield author
    await asyncio.sleep(0)
    await flush_recorder()


@pytest.fixture(autouse=True)
def rings() -> Iterator[list[Ring]]:
    """What was rung, in order."""
    rung: list[Ring] = []
    doorbell.install(rung.append)
    yield rung
    doorbell.install(None)


@pytest.fixture
async def healthy(database: asyncpg.Connection, author: LedgerAuthor) -> Healthy:
    """Return a database with tasks in every status; made once, then copied."""
    tables = [
        row["name"]
        for row in await database.fetch(
            "SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind = 'r' AND relname NOT IN ('alembic_version', 'workflow_steps')"
        )
    ]
    if not await database.fetchval("SELECT to_regnamespace('healthy') IS NOT NULL"):
        made = await make_healthy(author)
        await database.execute("CREATE SCHEMA healthy; CREATE TABLE healthy.made (tasks text)")
        await database.execute("INSERT INTO healthy.made VALUES ($1)", orjson.dumps(made).decode())
        for table in tables:
            await database.execute(f"CREATE TABLE healthy.{table} AS TABLE {table}")
    else:
        copies = (f"INSERT INTO {table} TABLE healthy.{table}" for table in tables)
        await database.execute(
            f"SET session_replication_role = replica; {'; '.join(copies)};"
            " SET session_replication_role = DEFAULT"
        )
    known = orjson.loads(await database.fetchval("SELECT tasks FROM healthy.made"))
    return {which: [UUID(task) for task in tasks] for which, tasks in known.items()}


@pytest.fixture
async def sound(database: asyncpg.Connection) -> AsyncIterator[None]:
    """Whatever a test has left, the audit reads it and finds nothing wrong."""
    yield
    assert (await examine_all()).kept == []
