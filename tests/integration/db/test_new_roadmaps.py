"""A roadmap that is read while it is written is new to the planner, and read as quickly as ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from db.models import Roadmap
from db.session import read_session
from roadmaps.queries.tree import tree
from tests.examined import statements

if TYPE_CHECKING:
    from uuid import UUID

    import asyncpg

SMALL: Final = 200
MODULES, CONCEPTS = 60, 1200
TABLES: Final = "roadmaps, stages, modules, concepts, parts"
_FILL: Final = """
    CREATE TEMPORARY TABLE wanted AS SELECT gen_random_uuid() AS roadmap_id, $1::int AS modules,
        $2::int AS concepts FROM generate_series(1, $3::int);
    INSERT INTO roadmaps (roadmap_id, task_id, user_id, title, summary, language, version)
    SELECT roadmap_id, gen_random_uuid(), 'alice', 't', 's', 'en', 1 FROM wanted;
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
        roadmap_id, concept_id)
    SELECT gen_random_uuid(), task_id, 'content_generation', concept_id::text, 't', kind, 1,
        'pending', 'd', roadmap_id, concept_id
    FROM wanted JOIN roadmaps USING (roadmap_id) JOIN concepts USING (roadmap_id),
        unnest(ARRAY['tutorial', 'resources', 'quiz']) kind;
"""


async def test_the_tree_of_a_new_roadmap(database: asyncpg.Connection) -> None:
    """Each of its rows is looked at a few times, though all that was there before was small."""
    await database.execute("SET session_replication_role = replica")  # no checks of foreign keys
    await _fill(database, modules=1, concepts=2, roadmaps=SMALL)
    await database.execute(f"ANALYZE {TABLES}")
    (new,) = await _fill(database, modules=MODULES, concepts=CONCEPTS, roadmaps=1)
    async with read_session() as session:
        roadmap = await session.get_one(Roadmap, new)
        with statements() as sent:
            told = orjson.loads(await tree(session, roadmap))
    modules = told["stages"][0]["modules"]
    assert len(modules) == MODULES
    assert sum(len(module["concepts"]) for module in modules) == CONCEPTS
    ((statement, parameters),) = sent
    plan = await database.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *parameters)
    rows = _handled(orjson.loads(plan)[0]["Plan"])
    await database.execute(f"TRUNCATE {TABLES} CASCADE")
    await database.execute(f"ANALYZE {TABLES}")
    assert rows < 12 * 3 * CONCEPTS


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


def _handled(node: dict[str, Any]) -> int:
    """Return how many rows all nodes of a plan gave or threw away, each time they ran."""
    removed = sum(count for name, count in node.items() if name.startswith("Rows Removed"))
    own: int = round((node["Actual Rows"] + removed) * node["Actual Loops"])
    return own + sum(map(_handled, node.get("Plans", ())))
