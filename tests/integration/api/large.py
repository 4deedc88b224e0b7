"""Tasks of any size as rows, made by the database itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.ids import new_id
from core.states import Status
from roadmaps.steps.names import RoadmapStep
from tests.factories import new_task
from tests.integration.api import seeds

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

_CONCEPTS = """
    INSERT INTO concepts (concept_id, roadmap_id, position, title, description, estimated_hours,
        difficulty, module_id)
    SELECT gen_random_uuid(), $1, n, 'Concept ' || n, '', 1, 'beginner', $2
    FROM generate_series(1, $3) n
"""
_CONTENTS = """
    INSERT INTO contents (content_id, roadmap_id, concept_id, kind, version, status, input_digest,
        body, error)
    SELECT gen_random_uuid(), roadmap_id, concept_id, kind, 1,
        CASE WHEN number <= $2 THEN 'failed' WHEN number <= $3 THEN 'completed' ELSE 'pending' END,
        'd', CASE WHEN number > $2 AND number <= $3 THEN '{}'::jsonb END,
        CASE WHEN number <= $2 THEN '{"code": "content_refused", "message": "No."}'::jsonb END
    FROM (
        SELECT c.*, kind, row_number() OVER () AS number
        FROM concepts c, unnest(ARRAY['tutorial', 'resources', 'quiz']) kind WHERE roadmap_id = $1
    ) wanted
"""
_EVENTS = """
    INSERT INTO task_events (task_id, seq, type, payload)
    SELECT $1, n, CASE n % 2 WHEN 0 THEN 'content_started' ELSE 'content_completed' END,
        '{"data": {}}'
    FROM generate_series($2::int, $3::int) n
"""


async def roadmap(
    database: asyncpg.Connection, *, concepts: int, failed: int = 0, user: str = "alice"
) -> UUID:
    """Return a task that has written half of its contents, with the log of that."""
    task_id = await new_task(user=user)
    await seeds.started(task_id)
    roadmap_id, stage_id, module_id = new_id(), new_id(), new_id()
    await database.execute(
        "INSERT INTO roadmaps (roadmap_id, task_id, user_id, title, summary, language, version)"
        " VALUES ($1, $2, $3, 'Everything', '', 'en', 1)",
        roadmap_id,
        task_id,
        user,
    )
    await database.execute(
        "INSERT INTO stages (stage_id, roadmap_id, position, title) VALUES ($1, $2, 0, 'Stage')",
        stage_id,
        roadmap_id,
    )
    await database.execute(
        "INSERT INTO modules (module_id, stage_id, position, title) VALUES ($1, $2, 0, 'Module')",
        module_id,
        stage_id,
    )
    await database.execute(_CONCEPTS, roadmap_id, module_id, concepts)
    half = 3 * concepts // 2
    await database.execute(_CONTENTS, roadmap_id, failed, half)
    await seeds.move(
        task_id,
        "step_started",
        status=Status.PROCESSING,
        step=RoadmapStep.CONTENT_GENERATION,
        data={"step": "content_generation", "round": 1},
        roadmap_id=roadmap_id,
        total=3 * concepts,
        done=half - failed,
        failures=failed,
    )
    last: int = await database.fetchval(
        "UPDATE roadmap_tasks SET last_seq = last_seq + $2, step_ended = $3 WHERE task_id = $1"
        " RETURNING last_seq",
        task_id,
        2 * half,
        half,
    )
    await database.execute(_EVENTS, task_id, last - 2 * half + 1, last)
    return task_id


async def ended(database: asyncpg.Connection, task_id: UUID) -> None:
    """Let it be completed, as the history reads it."""
    await database.execute(
        "UPDATE roadmap_tasks SET status = 'completed', current_step = 'completed', percent = 100,"
        " done = total, finished_at = now(), lease_until = NULL WHERE task_id = $1",
        task_id,
    )
