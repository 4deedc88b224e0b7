"""A burst of tasks is new to the planner, and costs claims no more than it does a minute later."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from core.stages import all_that_can_run
from core.states import Status
from db.raw import raw_transaction
from db.repositories.line import line
from db.repositories.line_bounds import UNLIMITED, Bounds
from db.repositories.turns import look, next_in_line
from db.session import read_session
from tests.examined import every_statement, rows_handled
from tests.factories import a_worker_is_there, new_task
from workflow.recovery import look_around

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

WAITING: Final = 4_000
USERS: Final = 200
BOUNDS: Final = Bounds(most_active=UNLIMITED, lease_s=30, silent_s=15)
_TASKS: Final = f"""
    INSERT INTO roadmap_tasks (task_id, user_id, goal, request, status, current_step,
        workflow_version, request_digest, deferred_at, finished_at, lease_owner, lease_until)
    SELECT gen_random_uuid(), 'user' || n % {USERS}, 'g', '{{}}', $2, $3, 1, 'd',
        CASE $2 WHEN 'pending' THEN now() END, CASE $2 WHEN 'completed' THEN now() END,
        CASE $2 WHEN 'processing' THEN 'told' END,
        CASE $2 WHEN 'processing' THEN now() + interval '1 hour' END
    FROM generate_series(1, $1::int) n
"""  # noqa: S608 - a number
_BURST: Final = (
    (WAITING, Status.PENDING, "queued"),
    (WAITING, Status.HUMAN_REVIEW_PENDING, "human_review"),
    (USERS, Status.PROCESSING, "content_generation"),
)


@pytest.fixture
async def burst(database: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """A database that knows of ended tasks alone, and in which thousands wait."""
    await database.execute(_TASKS, 1_000, Status.COMPLETED, "completed")
    await database.execute("VACUUM ANALYZE roadmap_tasks")
    for each in _BURST:
        await database.execute(_TASKS, *each)
    await a_worker_is_there(database)
    await database.execute("UPDATE workers SET slots = $1", 2 * USERS)
    yield database
    await database.execute("TRUNCATE roadmap_tasks, workers CASCADE")
    await database.execute("ANALYZE roadmap_tasks")


@pytest.mark.parametrize("known", [None, all_that_can_run()], ids=["all", "known ones"])
async def test_a_place_in_line(burst: asyncpg.Connection, known: list[str] | None) -> None:
    """For each user in line their own tasks are looked at, not all that wait."""
    bounds = replace(BOUNDS, known=known)
    task_id = await new_task(user="alice")
    with every_statement() as sent:
        async with raw_transaction() as raw:
            await look(raw, task_id, bounds=bounds)
        async with read_session() as session:
            await next_in_line(session, bounds=bounds, limit=100)
            await line(session, bounds=bounds)
        await look_around()
    assert sum("RECURSIVE" in statement for statement, _ in sent) == 2
    reading = [each for each in sent if each[0].lstrip().startswith(("WITH", "SELECT"))]
    assert await rows_handled(burst, reading) < 40 * WAITING


async def test_nobody_to_ring_for(burst: asyncpg.Connection) -> None:
    """While nobody was put off, or there is no room, nobody's line is worked out."""
    await burst.execute("UPDATE workers SET slots = 0, spare = 0")
    await _rings_for_nobody(burst)
    await burst.execute("UPDATE workers SET slots = $1", 2 * USERS)
    await burst.execute("UPDATE roadmap_tasks SET deferred_at = NULL")
    await _rings_for_nobody(burst)


async def _rings_for_nobody(burst: asyncpg.Connection) -> None:
    with every_statement() as sent:
        async with read_session() as session:
            assert await next_in_line(session, bounds=BOUNDS, limit=100) == []
    asked = [each for each in sent if "RECURSIVE" in each[0]]
    assert len(asked) == 1
    assert await rows_handled(burst, asked) < 10 * USERS
