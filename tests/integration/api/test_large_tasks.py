"""A task is read as quickly when it has thousands of contents as when it has a few."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.examined import rows_examined, statements
from tests.integration.api import large
from watching import time_left
from watching.queries.tasks import LISTED_FAILURES
from watching.time_left import ENOUGH

if TYPE_CHECKING:
    import asyncpg
    import httpx
    import pytest

CONCEPTS = 1334


async def cost(
    client: httpx.AsyncClient, database: asyncpg.Connection, path: str
) -> tuple[int, int]:
    """Return how many statements a request takes, and how many rows they examine."""
    with statements() as sent:
        answer = await client.get(path)
    assert answer.status_code == 200
    return len(sent), await rows_examined(database, sent)


async def test_what_is_read_does_not_grow_with_the_contents(
    database: asyncpg.Connection, alice: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A running task of 4,000 contents, a list with it, and the history examine a few rows."""
    monkeypatch.setattr(time_left, "KEPT_S", -1)
    for _ in range(ENOUGH):
        await large.ended(database, await large.roadmap(database, concepts=CONCEPTS))
    task_id = await large.roadmap(database, concepts=CONCEPTS, failed=3)
    await database.execute("VACUUM ANALYZE")  # what earlier tests deleted misleads plans
    task = (await alice.get(f"/api/v1/tasks/{task_id}")).json()
    assert task["time_left_s"] is not None
    assert (len(task["failed_contents"]), task["failed_count"]) == (3, 3)
    for path in (f"/api/v1/tasks/{task_id}", "/api/v1/tasks?limit=1"):
        sent, rows = await cost(alice, database, path)
        assert sent <= 4
        assert rows < 100


async def test_lists_name_some_failures_and_count_all(
    database: asyncpg.Connection, alice: httpx.AsyncClient
) -> None:
    """Of many failures a list names the first ones and says how many; the task names them all."""
    task_id = await large.roadmap(database, concepts=100, failed=120)
    listed = (await alice.get("/api/v1/tasks")).json()["tasks"][0]
    task = (await alice.get(f"/api/v1/tasks/{task_id}")).json()
    assert (listed["failed_count"], task["failed_count"]) == (120, 120)
    assert len(task["failed_contents"]) == 120
    assert listed["failed_contents"] == task["failed_contents"][:LISTED_FAILURES]
