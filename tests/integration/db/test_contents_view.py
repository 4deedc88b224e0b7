"""The view `contents` takes what a worker of the release before writes: its very statements."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING

import asyncpg
import pytest

from db.migrate import upgrade
from tests.integration.db.test_migrations import empty  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from uuid import UUID

TASK, ROADMAP, STAGE, MODULE, CONCEPT = (uuid.UUID(int=number) for number in range(1, 6))
BEGUN = (
    """INSERT INTO roadmap_tasks (task_id, user_id, goal, request, status, current_step,
    workflow_version, request_digest) VALUES ($1, 'u', 'Learn Kites', '{}', 'pending', 'queued', 1,
    'd')""",
    """UPDATE roadmap_tasks SET status='processing', current_step='content_generation',
    started_at=clock_timestamp() WHERE roadmap_tasks.task_id = $1""",
)
DESIGNED = (
    """INSERT INTO roadmaps (task_id, roadmap_id, user_id, title, summary, language, version)
    VALUES ($1, $2, 'u', 'Kites', 's', 'en', 1)""",
    "INSERT INTO stages (roadmap_id, stage_id, position, title) VALUES ($1, $2, 0, 'Stage')",
    "INSERT INTO modules (stage_id, module_id, position, title) VALUES ($1, $2, 0, 'Module')",
    """INSERT INTO concepts (module_id, concept_id, roadmap_id, position, title, description,
    estimated_hours, difficulty, prerequisites)
    VALUES ($1, $2, $3, 0, 'Wind', 'd', 2, 'beginner', '{}')""",
)
WANTED = """INSERT INTO contents (content_id, roadmap_id, concept_id, kind, version, status,
    input_digest) VALUES ($1, $2, $3, $4, $5, 'pending', 'made-from')"""
RUNNING = (
    "UPDATE contents SET status='running', started_at=clock_timestamp()"
    " WHERE contents.content_id = $1"
)
COMPLETED = """UPDATE contents SET status='completed', body='{"markdown": "x"}', calls=1, tokens=9,
    prompt_tokens=4, completion_tokens=5, finished_at=clock_timestamp()
    WHERE contents.content_id = $1"""
FAILED = """UPDATE contents SET status='failed', error='{"code": "c", "message": "m"}',
    finished_at=clock_timestamp() WHERE contents.content_id = $1"""
AGAIN = (
    "UPDATE contents SET status='pending', input_digest='made-from', error=NULL"
    " WHERE contents.content_id = $1"
)


async def _designed(database: asyncpg.Connection) -> None:
    for statement in BEGUN:
        await database.execute(statement, TASK)
    rows = ((TASK, ROADMAP), (ROADMAP, STAGE), (STAGE, MODULE), (MODULE, CONCEPT, ROADMAP))
    for statement, values in zip(DESIGNED, rows, strict=True):
        await database.execute(statement, *values)


async def _wanted(database: asyncpg.Connection, kind: str, version: int = 1) -> UUID:
    content = uuid.uuid4()
    await database.execute(WANTED, content, ROADMAP, CONCEPT, kind, version)
    return content


async def test_what_the_release_before_writes(database: asyncpg.Connection) -> None:
    """Its contents become parts with all that this release needs; its roadmap titles the task."""
    await _designed(database)
    tutorial, quiz = await _wanted(database, "tutorial"), await _wanted(database, "quiz")
    for statement, content in ((RUNNING, tutorial), (COMPLETED, tutorial), (FAILED, quiz)):
        await database.execute(statement, content)
    parts = {
        part["kind"]: tuple(part)[1:]
        for part in await database.fetch(
            "SELECT kind, task_id, step, key, title, hidden, status FROM parts"
        )
    }
    common = (TASK, "content_generation", str(CONCEPT), "Wind", False)
    assert parts == {"tutorial": (*common, "completed"), "quiz": (*common, "failed")}
    assert await database.fetchval("SELECT title FROM roadmap_tasks") == "Kites"
    await database.execute(AGAIN, quiz)
    assert await database.fetchval("SELECT error FROM parts WHERE kind = 'quiz'") is None
    with pytest.raises(asyncpg.UniqueViolationError):
        await _wanted(database, "tutorial")
    await _wanted(database, "tutorial", 2)


async def test_a_removed_concept_and_a_new_title(database: asyncpg.Connection) -> None:
    """What it hides, shows again and renames is hidden, shown and renamed for this release, too."""
    await _designed(database)
    await _wanted(database, "tutorial")
    for removed, module in ((True, None), (False, MODULE)):
        await database.execute("UPDATE concepts SET removed = $1, module_id = $2", removed, module)
        assert await database.fetchval("SELECT hidden FROM parts") is removed
    await database.execute("UPDATE roadmaps SET title = 'Box kites', version = 2")
    assert await database.fetchval("SELECT title FROM roadmap_tasks") == "Box kites"


async def test_other_programs_read_on(empty: asyncpg.Connection) -> None:  # noqa: F811 - the fixture
    """Whoever was let read the table, with a role of its own, can read the view."""
    await asyncio.to_thread(upgrade, "0013")
    await empty.execute("CREATE ROLE reporting; GRANT SELECT ON contents TO reporting")
    try:
        await asyncio.to_thread(upgrade)
        await empty.execute("SET ROLE reporting")
        assert await empty.fetchval("SELECT count(*) FROM contents") == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await empty.execute("DELETE FROM contents")
    finally:
        await empty.execute("RESET ROLE; DROP OWNED BY reporting; DROP ROLE reporting")
