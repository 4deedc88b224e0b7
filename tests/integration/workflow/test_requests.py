"""How tasks come in: from the API, from other programs, twice, and not at all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from core.errors import ConflictError, IdempotencyMismatchError, TooManyTasksError
from core.settings import get_settings
from roadmaps.requests import TaskRequest
from tests.factories import ALICE, column, events, new_task, pair
from tests.ledger import LedgerAuthor, nothing
from workflow.ending import Result
from workflow.runs import run_task
from workflow.service import accept_delivery, cancel_task, create_task, retry_task

if TYPE_CHECKING:
    import asyncpg

    from workflow.doorbell import Ring


async def test_same_request_twice(database: asyncpg.Connection, rings: list[Ring]) -> None:
    """The same key and request is the same task, ten times at once; another request is refused."""
    request = TaskRequest(goal="Learn Rust")
    made = await asyncio.gather(
        *(create_task(request, user_id="alice", idempotency_key="k") for _ in range(10))
    )
    assert len(set(made)) == 1
    assert len(rings) == 1
    assert await database.fetchval("SELECT count(*) FROM roadmap_tasks") == 1
    assert await create_task(request, user_id="bob", idempotency_key="k") not in made
    with pytest.raises(IdempotencyMismatchError):
        await create_task(TaskRequest(goal="Go"), user_id="alice", idempotency_key="k")


async def test_taken_id(database: asyncpg.Connection) -> None:
    """An id that is somebody else's task is refused without a word about it."""
    task = await new_task()
    request = TaskRequest(goal="Learn Rust", review=False)
    assert await create_task(request, user_id="alice", task_id=task) == task
    with pytest.raises(ConflictError):
        await create_task(request, user_id="bob", task_id=task)


async def test_many_requests_together(database: asyncpg.Connection, rings: list[Ring]) -> None:
    """One of many requests of the same moment that is refused does not touch the others."""
    taken, request = await new_task(user="alice"), TaskRequest(goal="Learn Rust")
    rings.clear()
    done = await asyncio.gather(
        *(create_task(request, user_id=f"user {n}", idempotency_key="k") for n in range(20)),
        create_task(request, user_id="bob", task_id=taken),
        return_exceptions=True,
    )
    *made, refused = done
    assert isinstance(refused, ConflictError)
    assert len({*made}) == 20
    assert {ring.task_id for ring in rings} == {*made}
    for task in made:
        assert not isinstance(task, BaseException)
        assert await events(database, task) == ["task_queued"]


async def test_limit_counts_what_is_under_way(
    database: asyncpg.Connection,
    settings_env: pytest.MonkeyPatch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Requests that are written together do not pass a user's limit together."""
    settings_env.setenv("ROADMAP_USER_MAX_WAITING_TASKS", "10")
    get_settings.cache_clear()
    monkeypatch.setattr("workflow.quotas.AT_ONCE", 2)
    done = await asyncio.gather(*(new_task() for _ in range(12)), return_exceptions=True)
    assert sum(isinstance(each, TooManyTasksError) for each in done) == 2
    assert await database.fetchval("SELECT count(*) FROM roadmap_tasks") == 10


async def test_waiting_tasks_are_limited(
    database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """A user's waiting tasks are limited, also when all are asked for at once."""
    settings_env.setenv("ROADMAP_USER_MAX_WAITING_TASKS", "3")
    get_settings.cache_clear()
    done = await asyncio.gather(*(new_task() for _ in range(12)), return_exceptions=True)
    made = [each for each in done if not isinstance(each, BaseException)]
    assert len(made) == 3
    assert sum(isinstance(each, TooManyTasksError) for each in done) == 9
    await new_task(user="bob")
    await cancel_task(made[0], actor=ALICE)
    await new_task()


async def test_delivery_without_a_row(
    database: asyncpg.Connection, author: LedgerAuthor, rings: list[Ring]
) -> None:
    """A message of another program makes the row; ten at once make one, and ring for nobody."""
    task = uuid4()
    request = {"goal": "Learn Rust", "review": False}
    done = await asyncio.gather(
        *(accept_delivery(task, user_id="alice", request=request) for _ in range(10))
    )
    assert all(done)
    assert rings == []
    results = await asyncio.gather(*(run_task(task, worker="w") for _ in range(10)))
    assert results.count(Result.COMPLETED) == 1
    told = await events(database, task)
    assert (told.count("task_queued"), told.count("task_completed")) == (1, 1)


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"goal": ""},
        {"goal": "a\x00b"},
        {"goal": "a\ud800b"},
        {"goal": {"deep": "\ud800"}},
        {"goal": "x" * 5000},
        {"goal": "x", "preferences": {"level": "expert"}},
        {"goal": "x", "colour\x00\ud800": 1},
        "Learn Rust",
        ["x"],
        5,
    ],
)
async def test_delivery_of_an_invalid_request(database: asyncpg.Connection, request_: Any) -> None:
    """An invalid request gets a failed row that says why, once; retrying it is refused."""
    task = uuid4()
    done = await asyncio.gather(
        *(accept_delivery(task, user_id="alice", request=request_) for _ in range(3))
    )
    assert done.count(False) >= 1
    assert await pair(database, task) == ("failed", "intent_analysis")
    error = await database.fetchrow(
        "SELECT error->>'code' AS code, error->>'message' AS message FROM roadmap_tasks"
    )
    assert error is not None
    assert error["code"] == "invalid_request"
    assert "not valid" in error["message"]
    assert await events(database, task) == ["task_queued", "task_failed"]
    with pytest.raises(ConflictError, match="not valid"):
        await retry_task(task, actor=ALICE)
    assert await column(database, task, "attempt") == 1


async def test_delivery_of_a_known_task(database: asyncpg.Connection, author: LedgerAuthor) -> None:
    """A message for a task that is there changes nothing, whatever request it bears."""
    task = await new_task()
    assert await accept_delivery(task, user_id="mallory", request={"goal": ""})
    assert await column(database, task, "user_id") == "alice"
    author.before = nothing
    assert await events(database, task) == ["task_queued"]
