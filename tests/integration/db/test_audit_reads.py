"""What the audit reads for a few tasks are their own rows, whatever the planner believes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.examined import every_statement, rows_handled
from workflow.audit.examine import TASKS_AT_A_TIME, examine, snapshot
from workflow.audit.orphans import FIRST, look_for_orphans

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

TASKS: Final = 3_000
LOGS, EVENTS = 20, 1_000
"""Tasks that have events, and how many each."""
_FILL: Final = f"""
    INSERT INTO roadmap_tasks (task_id, user_id, goal, request, status, current_step,
        workflow_version, request_digest)
    SELECT gen_random_uuid(), 'alice', 'g', '{{}}', 'human_review_pending', 'human_review', 1, 'd'
    FROM generate_series(1, {TASKS});
    INSERT INTO reviews (review_id, task_id, round, version, status, due_at)
    SELECT gen_random_uuid(), task_id, 1, 1, 'open', now() FROM roadmap_tasks;
    INSERT INTO task_events (task_id, seq, type, payload, created_at)
    SELECT task_id, n, 'content_started', '{{}}', now()
    FROM (SELECT task_id FROM roadmap_tasks LIMIT {LOGS}) logs, generate_series(1, {EVENTS}) n
"""  # noqa: S608 - numbers
_TABLES: Final = "roadmap_tasks, reviews, task_events"


@pytest.fixture(params=[False, True], ids=["stale", "fresh"])
async def filled(
    database: asyncpg.Connection, request: pytest.FixtureRequest
) -> AsyncIterator[asyncpg.Connection]:
    """Tasks under review, and long logs of some, of which the planner knows or not."""
    await database.execute(f"VACUUM ANALYZE {_TABLES}")
    await database.execute(_FILL)
    if request.param:
        await database.execute(f"VACUUM ANALYZE {_TABLES}")
    yield database
    await database.execute(f"TRUNCATE {_TABLES} CASCADE")
    await database.execute(f"ANALYZE {_TABLES}")


async def test_parents_of_long_logs(filled: asyncpg.Connection) -> None:
    """An index leads from one parent to the next."""
    with every_statement() as sent:
        async with snapshot() as session:
            found, last = await look_for_orphans(
                session, ("task_events", "task_id", "roadmap_tasks"), after=FIRST
            )
            assert await look_for_orphans(
                session, ("task_events", "task_id", "roadmap_tasks"), after=last or FIRST
            ) == ([], None)
    assert found == []
    assert last == await filled.fetchval(
        "SELECT task_id FROM task_events ORDER BY task_id DESC LIMIT 1"
    )
    assert await rows_handled(filled, [each for each in sent if "task_events" in each[0]]) < (
        20 * LOGS
    )


async def test_open_reviews_of_others(filled: asyncpg.Connection) -> None:
    """They are not looked at."""
    with every_statement() as sent:
        async for page in examine(after=None):
            assert page.tasks == TASKS_AT_A_TIME
            break
    rules = [each for each in sent if "'open'" in each[0]]
    assert len(rules) == 2
    tasks = TASKS * len(rules)  # are few enough to be read through
    assert await rows_handled(filled, rules) < tasks + 20 * TASKS_AT_A_TIME
