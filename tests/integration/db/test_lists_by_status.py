"""A list of tasks of one status costs a page, however many others there are and however rare it is.

Also while the planner knows nothing of them yet, or something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from core.actor import Actor
from core.states import Status
from tests.examined import rows_handled, statements
from tests.factories import ALICE
from watching.queries.tasks import list_tasks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg

ROOT: Final = Actor(user_id="root", admin=True)
MANY: Final = 5_000
"""Tasks of alice that are completed, as many of others, and as many that failed since."""
RARE: Final = 200
"""Tasks of alice that failed, in days gone by, as many that were cancelled, and that wait."""
PAGE: Final = 20
_TASKS: Final = """
    INSERT INTO roadmap_tasks (task_id, user_id, goal, request, status, current_step,
        workflow_version, request_digest, created_at, finished_at)
    SELECT gen_random_uuid(), $2, 'Goal ' || n % 50, '{}', $3,
        CASE $3 WHEN 'pending' THEN 'queued' WHEN 'human_review_pending' THEN 'human_review'
            WHEN 'completed' THEN 'completed' ELSE 'intent_analysis' END, 1, 'd',
        now() - make_interval(days => $4, secs => n),
        CASE WHEN $3 NOT IN ('pending', 'human_review_pending') THEN now() END
    FROM generate_series(1, $1::int) n
"""
_COMPLETED: Final = [
    (MANY, "alice", Status.COMPLETED, 1),
    (MANY, "bob", Status.COMPLETED, 1),
]
_OTHERS: Final = [
    (RARE, "alice", Status.FAILED, 30),
    (RARE, "alice", Status.CANCELLED, 30),
    (RARE, "alice", Status.PENDING, 30),
    (RARE, "alice", Status.HUMAN_REVIEW_PENDING, 30),
    (MANY, "carol", Status.FAILED, 2),
]
RARE_ONES: Final = [Status.FAILED, Status.CANCELLED, Status.PARTIAL_FAILURE, Status.PENDING]
_NEWEST: Final = """
    SELECT task_id FROM roadmap_tasks WHERE status = ANY ($1) AND ($2 OR user_id = 'alice')
    ORDER BY created_at DESC, task_id DESC LIMIT $3
"""
KNOWN: Final = ("everything", "those that were completed", "those that were not")


@pytest.fixture(params=KNOWN)
async def tasks(
    database: asyncpg.Connection, request: pytest.FixtureRequest
) -> AsyncIterator[asyncpg.Connection]:
    """Tasks of which the planner knows all, or only those that were there first."""
    first, then = _COMPLETED, _OTHERS
    if request.param == KNOWN[2]:
        first, then = then, first
    for each in first:
        await database.execute(_TASKS, *each)
    await database.execute("VACUUM ANALYZE roadmap_tasks")
    for each in then:
        await database.execute(_TASKS, *each)
    if request.param == KNOWN[0]:
        await database.execute("VACUUM ANALYZE roadmap_tasks")
    yield database
    await database.execute("TRUNCATE roadmap_tasks CASCADE")
    await database.execute("VACUUM ANALYZE roadmap_tasks")


@pytest.mark.parametrize("actor", [ALICE, ROOT], ids=["alice", "root"])
async def test_a_page(tasks: asyncpg.Connection, actor: Actor) -> None:
    """The newest tasks of the statuses, and the next page of them, are read and no others."""
    for statuses in (*([status] for status in Status), RARE_ONES):
        wanted = await tasks.fetch(_NEWEST, statuses, actor.admin, 2 * PAGE)
        with statements() as sent:
            page, last = await list_tasks(actor=actor, statuses=statuses, limit=PAGE)
            ids = [task.task_id for task in page]
            if last is not None:
                page, _ = await list_tasks(actor=actor, statuses=statuses, before=last, limit=PAGE)
                ids += [task.task_id for task in page]
        assert ids == [row["task_id"] for row in wanted]
        lists = [each for each in sent if "FROM roadmap_tasks" in each[0] and "DESC" in each[0]]
        assert len(lists) == (2 if wanted else 1)
        assert await rows_handled(tasks, lists) < 2 * (4 * RARE + 20 * PAGE), statuses
