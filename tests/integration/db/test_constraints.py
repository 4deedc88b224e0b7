"""What PostgreSQL itself refuses, whoever writes."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from core.states import TERMINAL, TRANSITIONS, Status, Step, can_move
from roadmaps.steps.names import STAGES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

INSERT = (
    "INSERT INTO roadmap_tasks (task_id, user_id, goal, request, status, current_step,"
    " workflow_version, request_digest, finished_at, percent, attempt)"
    " VALUES ($1, 'u', 'g', '{}', $2, $3, 1, 'd', $4, $5, $6)"
)


@pytest.fixture
async def rows(database: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """A connection whose writes are rolled back in the end."""
    transaction = database.transaction()
    await transaction.start()
    yield database
    await transaction.rollback()


async def add(
    rows: asyncpg.Connection, status: Status, step: str, *, attempt: int = 1
) -> uuid.UUID:
    """Insert a task in a pair."""
    key = uuid.uuid4()
    finished = await rows.fetchval("SELECT now()") if status in TERMINAL else None
    percent = 100.0 if status is Status.COMPLETED else 5.0
    await rows.execute(INSERT, key, str(status), str(step), finished, percent, attempt)
    return key


async def refused(rows: asyncpg.Connection, statement: str, *values: Any) -> str | None:
    """Return the constraint that refuses a statement, or None when it is accepted."""
    savepoint = rows.transaction()
    await savepoint.start()
    try:
        await rows.execute(statement, *values)
    except asyncpg.IntegrityConstraintViolationError as error:
        return str(error.constraint_name)
    finally:
        await savepoint.rollback()
    return None


async def test_pairs(rows: asyncpg.Connection) -> None:
    """Every pair outside the table is refused, every pair inside is not."""
    for status in Status:
        for step in (*STAGES.steps, *Step):
            finished = await rows.fetchval("SELECT now()") if status in TERMINAL else None
            values = (uuid.uuid4(), str(status), str(step), finished, 5.0, 1)
            found = await refused(rows, INSERT, *values)
            refuses = {"ck_roadmap_tasks_status_step_pair", "ck_roadmap_tasks_roadmap_pair"}
            allowed = {None} if STAGES.is_legal(status, step) else refuses
            assert found in allowed, f"{status}/{step}"


@pytest.mark.parametrize(
    ("status", "step"), [("done", "completed"), ("PENDING", "queued"), ("", ""), ("failed", "x")]
)
async def test_unknown_names(rows: asyncpg.Connection, status: str, step: str) -> None:
    """A status or step that nobody knows is refused."""
    values = (uuid.uuid4(), status, step, None, 5.0, 1)
    assert await refused(rows, INSERT, *values) is not None


async def test_transitions(rows: asyncpg.Connection) -> None:
    """Every move outside the table is refused, and a terminal status is left by a retry only."""
    for before in Status:
        key = await add(rows, before, min(STAGES.legal_steps(before)))
        for after in Status:
            if after is before:
                continue
            step = min(STAGES.legal_steps(after))
            for attempt in (1, 2):
                found = await refused(
                    rows,
                    "UPDATE roadmap_tasks SET status = $2, current_step = $3, attempt = $5,"
                    " percent = 5, finished_at = CASE WHEN $4 THEN now() END WHERE task_id = $1",
                    key,
                    str(after),
                    str(step),
                    after in TERMINAL,
                    attempt,
                )
                legal = can_move(before, after) and (before not in TERMINAL or attempt == 2)
                expected = None if legal else "roadmap_tasks_transition"
                assert found == expected, f"{before} → {after}, attempt {attempt}"


async def test_triggers_list_is_the_codes(database: asyncpg.Connection) -> None:
    """The moves that the trigger knows are exactly those of the code."""
    source = await database.fetchval(
        "SELECT prosrc FROM pg_proc WHERE proname = 'roadmap_tasks_guard_transition'"
    )
    moves = {(before, after) for before, after in re.findall(r"\('(\w+)', '(\w+)'\)", source)}
    assert moves == {
        (str(before), str(after))
        for before, afters in TRANSITIONS.items()
        for after in afters
        if before != after
    }


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("finished_at = now()", "finished_when_terminal"),
        ("percent = 100", "percent_full"),
        ("percent = -1", "percent_range"),
        ("percent = 101", "percent_full"),
        ("percent = 'NaN'", "percent_full"),
        ("done = 1", "progress_counts"),
        ("done = -1", "progress_counts"),
        ("lease_until = now()", "lease_only_while_processing"),
    ],
)
async def test_contradictions(rows: asyncpg.Connection, change: str, constraint: str) -> None:
    """A row cannot contradict itself."""
    key = await add(rows, Status.PENDING, Step.QUEUED)
    statement = f"UPDATE roadmap_tasks SET {change} WHERE task_id = $1"  # noqa: S608 - ours
    assert await refused(rows, statement, key) == f"ck_roadmap_tasks_{constraint}"


async def test_terminal_without_time(rows: asyncpg.Connection) -> None:
    """A terminal status has a time at which it ended."""
    key = await add(rows, Status.PROCESSING, Step.RESUMING)
    statement = "UPDATE roadmap_tasks SET status='cancelled' WHERE task_id = $1"
    assert await refused(rows, statement, key) == "ck_roadmap_tasks_finished_when_terminal"


async def test_one_open_review(rows: asyncpg.Connection) -> None:
    """A task has one open review at most, whoever opens them."""
    key = await add(rows, Status.HUMAN_REVIEW_PENDING, Step.HUMAN_REVIEW)
    review = (
        "INSERT INTO reviews (review_id, task_id, round, version, status, due_at)"
        " VALUES (gen_random_uuid(), $1, $2, 1, 'open', now())"
    )
    await rows.execute(review, key, 1)
    assert await refused(rows, review, key, 2) == "uq_reviews_one_open_per_task"
    assert await refused(rows, review, key, 1) is not None
