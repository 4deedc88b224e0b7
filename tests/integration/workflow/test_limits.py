"""What bounds a task: rounds of edits, time, tokens, contents at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from core.settings import get_settings
from roadmaps.inputs import CallKind
from tests.factories import ALICE, column, new_task, pair
from tests.integration.workflow.stopping import contents
from tests.ledger import CONTENTS, LedgerAuthor, nothing
from workflow.ending import Result
from workflow.runs import run_task
from workflow.service import retry_task, time_out_task

if TYPE_CHECKING:
    import asyncpg

    from llm import Call


@pytest.mark.parametrize("limit", [0, 2])
async def test_edits_of_an_invalid_structure(
    database: asyncpg.Connection,
    author: LedgerAuthor,
    settings_env: pytest.MonkeyPatch,
    limit: int,
) -> None:
    """An invalid structure is edited MAX_EDIT_ROUNDS times, then shown to the human as it is."""
    settings_env.setenv("ROADMAP_MAX_EDIT_ROUNDS", str(limit))
    get_settings.cache_clear()
    author.prerequisites = {"Kites": ["Wind"], "Wind": ["Kites"]}
    task = await new_task(review=True)
    assert await run_task(task, worker="w") is Result.WAITING_FOR_REVIEW
    assert author.answered.count((CallKind.ROADMAP_EDIT, "")) == limit
    assert await database.fetchval("SELECT version FROM roadmaps") == limit + 1
    assert author.answered.count((CallKind.STRUCTURE_VALIDATION, "")) == 0, "rules were enough"


async def test_edit_that_leaves_nothing(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """A model that edits every concept away fails the step instead of completing nothing."""
    author.prerequisites = {"Kites": ["Wind"], "Wind": ["Kites"]}
    author.operations = [{"op": "remove", "concept": "C1"}, {"op": "remove", "concept": "C2"}]
    task = await new_task()
    assert await run_task(task, worker="w") is Result.FAILED
    assert await pair(database, task) == ("failed", "roadmap_edit")
    author.operations = [{"op": "update", "concept": "C2", "prerequisites": []}]
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.COMPLETED


async def test_step_timeout(
    database: asyncpg.Connection, author: LedgerAuthor, settings_env: pytest.MonkeyPatch
) -> None:
    """A step that takes too long is cancelled and fails with its class."""
    settings_env.setenv("ROADMAP_STEP_TIMEOUT_S", "0.2")
    get_settings.cache_clear()
    ended: list[str] = []

    async def hang(call: Call[Any]) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(call.kind)

    author.before = hang
    task = await new_task()
    assert await run_task(task, worker="w") is Result.FAILED
    assert await pair(database, task) == ("failed", "intent_analysis")
    assert await database.fetchval("SELECT error->>'code' FROM roadmap_tasks") == "step_timeout"
    assert ended == ["intent_analysis"]


async def test_content_timeout(
    database: asyncpg.Connection, author: LedgerAuthor, settings_env: pytest.MonkeyPatch
) -> None:
    """A content that takes too long fails alone; the others are written."""
    settings_env.setenv("ROADMAP_STEP_TIMEOUT_S", "0.5")
    get_settings.cache_clear()

    async def hang(call: Call[Any]) -> None:
        if call.kind == "quiz" and call.prompt.title == "Wind":
            await asyncio.Event().wait()

    author.before = hang
    task = await new_task()
    assert await run_task(task, worker="w") is Result.PARTIAL_FAILURE
    found = await contents(database)
    failed = {key: row["error"] for key, row in found.items() if row["status"] == "failed"}
    assert set(failed) == {("Wind", "quiz", 1)}
    assert "step_timeout" in failed["Wind", "quiz", 1]


async def test_task_timeout(
    database: asyncpg.Connection, author: LedgerAuthor, settings_env: pytest.MonkeyPatch
) -> None:
    """A run that takes too long is cancelled and drained; its task fails, a retry goes on."""
    settings_env.setenv("ROADMAP_TASK_TIMEOUT_S", "1")
    get_settings.cache_clear()
    ended: list[str] = []

    async def hang(call: Call[Any]) -> None:
        if call.kind == "quiz":
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(call.kind)

    author.before = hang
    task = await new_task()
    assert await run_task(task, worker="w") is Result.FAILED
    assert ended == ["quiz", "quiz"], "something still runs"
    assert await pair(database, task) == ("failed", "content_generation")
    assert await database.fetchval("SELECT error->>'code' FROM roadmap_tasks") == "task_timeout"
    statuses = [row["status"] for row in (await contents(database)).values()]
    assert sorted(statuses) == ["completed"] * 4 + ["pending"] * 2
    author.before = nothing
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert set(author.contents().values()) == {1}


async def test_token_budget(
    database: asyncpg.Connection, author: LedgerAuthor, settings_env: pytest.MonkeyPatch
) -> None:
    """A task that used up its tokens stops there and says so; with more a retry goes on."""
    settings_env.setenv("ROADMAP_MAX_TOKENS_PER_TASK", "20")
    get_settings.cache_clear()
    task = await new_task()
    assert await run_task(task, worker="w") is Result.FAILED
    assert await pair(database, task) == ("failed", "structure_validation")
    code = await database.fetchval("SELECT error->>'code' FROM roadmap_tasks")
    assert code == "token_budget_exceeded"
    assert await column(database, task, "tokens") == 20
    assert len(author.asked) == 2
    settings_env.setenv("ROADMAP_MAX_TOKENS_PER_TASK", "1000")
    get_settings.cache_clear()
    await retry_task(task, actor=ALICE)
    assert await run_task(task, worker="w") is Result.COMPLETED


async def test_concurrency_limit(
    database: asyncpg.Connection, author: LedgerAuthor, settings_env: pytest.MonkeyPatch
) -> None:
    """No more than CONTENT_CONCURRENCY concepts are written, or told to run, at a time."""
    settings_env.setenv("ROADMAP_CONTENT_CONCURRENCY", "2")
    get_settings.cache_clear()
    author.titles = [f"T{n}" for n in range(8)]
    most = 0
    busy = asyncio.Lock()

    async def before(call: Call[Any]) -> None:
        nonlocal most
        if call.kind in CONTENTS:
            async with busy:
                running = await database.fetchval(
                    "SELECT count(DISTINCT concept_id) FROM contents WHERE status = 'running'"
                )
                most = max(most, running)

    author.before = before
    task = await new_task()
    assert await run_task(task, worker="w") is Result.COMPLETED
    assert most == 2


async def test_a_time_limit_of_a_message(
    database: asyncpg.Connection, author: LedgerAuthor
) -> None:
    """It is told as what it is: nobody looks for a setting that has nothing to do with it."""
    busy = asyncio.Event()

    async def hang(call: Call[Any]) -> None:
        busy.set()
        await asyncio.Event().wait()

    author.before = hang
    task = await new_task()
    run = asyncio.create_task(run_task(task, worker="w"))
    await busy.wait()
    await time_out_task(task)
    assert await run is Result.FAILED
    error = orjson.loads(await database.fetchval("SELECT error::text FROM roadmap_tasks"))
    assert error["code"] == "task_timeout"
    assert "time limit of its message" in error["message"]
    assert "TASK_TIMEOUT_S" not in error["message"]
