"""A roadmap that is read while it is written is new to the planner, and read as quickly as ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson
import pytest

from db.models import Roadmap
from db.repositories.parts import failed_parts
from db.session import read_session
from roadmaps.queries.learning import begun_roadmaps, learner_progress
from roadmaps.queries.tree import tree
from tests.examined import rows_handled, statements
from tests.factories import ALICE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    import asyncpg

MODULES, CONCEPTS = 60, 1200
FEW: Final = 20
TABLES: Final = (
    "roadmap_tasks, roadmaps, stages, modules, concepts, parts, learner_progress, reviews"
)
_FILL: Final = """
    CREATE TEMPORARY TABLE wanted AS SELECT gen_random_uuid() AS roadmap_id, $1::int AS modules,
        $2::int AS concepts FROM generate_series(1, $3::int);
    INSERT INTO roadmaps (roadmap_id, task_id, user_id, title, summary, language, version)
    SELECT roadmap_id, gen_random_uuid(), 'alice', 't', 's', 'en', 1 FROM wanted;
    INSERT INTO roadmap_tasks (task_id, user_id, goal, request, status, current_step,
        workflow_version, request_digest)
    SELECT task_id, 'alice', 'g', '{}', 'processing', 'content_generation', 1, 'd'
    FROM wanted JOIN roadmaps USING (roadmap_id);
    INSERT INTO stages (stage_id, roadmap_id, position, title)
    SELECT gen_random_uuid(), roadmap_id, 0, 't' FROM wanted;
    INSERT INTO modules (module_id, stage_id, position, title)
    SELECT gen_random_uuid(), stage_id, n, 't'
    FROM wanted JOIN stages USING (roadmap_id), generate_series(1, modules) n;
    INSERT INTO concepts (concept_id, roadmap_id, module_id, position, title, description,
        estimated_hours, difficulty, prerequisites)
    SELECT gen_random_uuid(), roadmap_id, module_id, n, 't', 'd', 1, 'beginner', '{}'
    FROM wanted JOIN stages USING (roadmap_id) JOIN modules m USING (stage_id),
        generate_series(1, concepts / modules) n;
    INSERT INTO parts (content_id, task_id, step, key, title, kind, version, status, input_digest,
        roadmap_id, concept_id, error)
    SELECT gen_random_uuid(), task_id, 'content_generation', concept_id::text, 't', kind, n,
        CASE kind WHEN 'quiz' THEN 'failed' ELSE 'pending' END, 'd', roadmap_id, concept_id,
        CASE kind WHEN 'quiz' THEN '{}'::jsonb END
    FROM wanted JOIN roadmaps USING (roadmap_id) JOIN concepts USING (roadmap_id),
        unnest(ARRAY['tutorial', 'resources', 'quiz']) kind,
        generate_series(1, CASE kind WHEN 'quiz' THEN 2 ELSE 1 END) n;
    INSERT INTO learner_progress (user_id, concept_id, roadmap_id, mark)
    SELECT 'alice', concept_id, roadmap_id, 'learning' FROM wanted JOIN concepts USING (roadmap_id);
"""


@pytest.fixture(params=[0, 200], ids=["first", "after small ones"])
async def new(database: asyncpg.Connection, request: pytest.FixtureRequest) -> AsyncIterator[UUID]:
    """The id of a large roadmap, which the planner takes for one like those there were before."""
    await database.execute("SET session_replication_role = replica")  # no checks of foreign keys
    await _fill(database, modules=1, concepts=2, roadmaps=request.param)
    await database.execute(f"VACUUM ANALYZE {TABLES}")
    (roadmap_id,) = await _fill(database, modules=MODULES, concepts=CONCEPTS, roadmaps=1)
    await database.execute("SET session_replication_role = origin")
    yield roadmap_id
    await database.execute(f"TRUNCATE {TABLES} CASCADE")
    await database.execute(f"ANALYZE {TABLES}")


async def test_the_tree(database: asyncpg.Connection, new: UUID) -> None:
    """All concepts and their states are told, each row looked at a few times."""
    async with read_session() as session:
        roadmap = await session.get_one(Roadmap, new)
        with statements() as sent:
            told = orjson.loads(await tree(session, roadmap))
    modules = told["stages"][0]["modules"]
    assert len(modules) == MODULES
    assert sum(len(module["concepts"]) for module in modules) == CONCEPTS
    assert await rows_handled(database, sent) < 12 * 3 * CONCEPTS


async def test_how_far_one_is(database: asyncpg.Connection, new: UUID) -> None:
    """All marks are told, each row looked at a few times; so is where one goes on."""
    with statements() as sent:
        told = await learner_progress(new, actor=ALICE)
        (begun,) = (await begun_roadmaps(actor=ALICE, most=1)).roadmaps
    assert (told.learning, told.total, begun.total) == (CONCEPTS, CONCEPTS, CONCEPTS)
    assert await rows_handled(database, sent) < 40 * CONCEPTS


async def test_what_failed(database: asyncpg.Connection, new: UUID) -> None:
    """The newest version of each part counts; all of them are not gone through for each."""
    task_id = await database.fetchval("SELECT task_id FROM roadmaps WHERE roadmap_id = $1", new)
    async with read_session() as session:
        every = await failed_parts(session, [task_id])
        with statements() as sent:
            first = await failed_parts(session, [task_id], each=FEW)
    assert {part.version for part in every} == {2}
    assert len(every) == CONCEPTS
    assert [part.key for part in first] == [part.key for part in every[:FEW]]
    assert await rows_handled(database, sent) < 20 * CONCEPTS


async def _fill(
    database: asyncpg.Connection, *, modules: int, concepts: int, roadmaps: int
) -> list[UUID]:
    """Write so many roadmaps; return their ids."""
    values = (modules, concepts, roadmaps)
    for statement in filter(str.strip, _FILL.split(";")):
        await database.execute(statement, *(values if "$1" in statement else ()))
    found = await database.fetch("SELECT roadmap_id FROM wanted")
    await database.execute("DROP TABLE wanted")
    return [row["roadmap_id"] for row in found]
