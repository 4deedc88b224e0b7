"""Going on where somebody stopped: nothing is done twice, nothing is forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.settings import get_settings
from roadmaps.inputs import CallKind
from tests.factories import column, events, expire_lease, new_task, pair
from tests.integration.workflow.stopping import (
    ALL_CALLS,
    committed,
    contents,
    percent_is_honest,
    run_until_call,
)
from workflow.ending import Result
from workflow.recovery import recover
from workflow.runs import run_task

if TYPE_CHECKING:
    import asyncpg

    from tests.ledger import LedgerAuthor


@pytest.mark.parametrize("number", range(1, ALL_CALLS + 1))
async def test_killed_at_each_call(
    database: asyncpg.Connection, author: LedgerAuthor, number: int
) -> None:
    """Killed at whatever call, a task is completed by the next worker, and nothing is redone.

    What was committed is never asked for again; only what was being written is.
    """
    task = await new_task()
    await run_until_call(number, database, author, task)
    assert await committed(database) == number - 1
    steps = [row["step"] for row in await database.fetch("SELECT step FROM checkpoints")]
    before = await contents(database)
    await expire_lease(database, task)
    assert (await recover(None)).recovered == 1
    assert await run_task(task, worker="w") is Result.COMPLETED
    after = await contents(database)
    asked = [kind for kind, _ in author.asked]
    for step in steps:
        assert asked.count(CallKind(step)) == 1, f"{step} was done again"
    done = {key for key, row in before.items() if row["status"] == "completed"}
    for title, kind, version in done:
        assert author.asked.count((kind, title)) == 1, f"{kind} was written again"
        assert after[title, kind, version] == before[title, kind, version]
    assert len(after) == 6
    assert {row["status"] for row in after.values()} == {"completed"}
    assert await column(database, task, "done") == 6
    await percent_is_honest(database, task)


async def test_killed_again_and_again(
    database: asyncpg.Connection, author: LedgerAuthor, settings_env: pytest.MonkeyPatch
) -> None:
    """Killed at every call in turn, a task still comes to its end, each content written once."""
    settings_env.setenv("ROADMAP_CONTENT_CONCURRENCY", "1")
    get_settings.cache_clear()
    author.titles = ["Only"]
    task = await new_task()
    for _ in range(5):
        await run_until_call(2, database, author, task)
        await expire_lease(database, task)
    await run_task(task, worker="w")
    assert await pair(database, task) == ("completed", "completed")
    assert len(await contents(database)) == 3
    told = await events(database, task)
    assert told.count("content_completed") == 3
    assert told.count("task_completed") == 1
    await percent_is_honest(database, task)


async def test_spent_is_remembered(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """Calls and tokens of all runs add up in the row."""
    task = await new_task()
    await run_until_call(3, database, author, task)
    await expire_lease(database, task)
    await run_task(task, worker="w")
    assert await column(database, task, "calls") == ALL_CALLS
    assert await column(database, task, "tokens") == ALL_CALLS * author.tokens
