"""Stops work at a chosen call, and tells what is there for good."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import orjson

from core.provider_errors import ContentRefusedError
from tests.factories import kill, until
from tests.ledger import CONTENTS, STRUCTURE, LedgerAuthor, nothing
from workflow.runs import run_task

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    import asyncpg

    from llm import Call
    from workflow.ending import Result

ALL_CALLS = len(STRUCTURE) + 2 * len(CONTENTS)


async def contents(connection: asyncpg.Connection) -> dict[tuple[str, str, int], Any]:
    """Return the contents by title, kind and version."""
    rows = await connection.fetch(
        "SELECT c.*, k.title, k.removed FROM contents c JOIN concepts k USING (concept_id)"
    )
    return {(row["title"], row["kind"], row["version"]): row for row in rows}


async def committed(connection: asyncpg.Connection) -> int:
    """Return how many steps and contents are there for good."""
    found = await connection.fetchval(
        "SELECT (SELECT count(*) FROM checkpoints)"
        " + (SELECT count(*) FROM contents WHERE status = 'completed')"
    )
    return int(found)


@asynccontextmanager
async def stuck_at_call(
    number: int, connection: asyncpg.Connection, author: LedgerAuthor, task: UUID
) -> AsyncIterator[asyncio.Task[Result]]:
    """Run a task whose author answers until the nth call of the run; yield when all is settled."""
    calls = itertools.count(1)
    reached = asyncio.Event()
    settled = await committed(connection) + number - 1

    async def before(_call: Call[Any]) -> None:
        if next(calls) >= number:
            reached.set()
            await asyncio.Event().wait()

    async def is_settled() -> bool:
        return await committed(connection) == settled

    author.before = before
    run = asyncio.create_task(run_task(task, worker="doomed"))
    await asyncio.wait_for(reached.wait(), 60)
    await until(is_settled, what="the commits of what was answered")
    author.before = nothing
    yield run


async def run_until_call(
    number: int, connection: asyncpg.Connection, author: LedgerAuthor, task: UUID
) -> None:
    """Run a task and kill the run abruptly at the author's nth call, all before it committed."""
    async with stuck_at_call(number, connection, author, task) as run:
        await kill(run)


def fails_for(title: str, error: type[Exception] = ContentRefusedError) -> Any:
    """Return what makes an author fail for one concept."""

    async def before(call: Call[Any]) -> None:
        if call.prompt.title == title:
            raise error

    return before


async def percent_is_honest(connection: asyncpg.Connection, task: UUID) -> None:
    """Check over all events: it never falls within an attempt, and is 100 at `completed` only."""
    rows = await connection.fetch(
        "SELECT type, payload FROM task_events WHERE task_id = $1 ORDER BY seq", task
    )
    last = 0.0
    for row in rows:
        told = orjson.loads(row["payload"])
        value = told["progress"]["percent"]
        if row["type"] == "task_retried":
            last = 0.0
        assert value >= last, f"{row['type']}: {last} → {value}"
        assert (value == 100) == (row["type"] == "task_completed")
        assert 0 <= told["progress"]["done"] <= max(told["progress"]["total"], 0)
        last = value
