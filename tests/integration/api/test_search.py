"""Search in goals and titles: what it finds, and that an index serves it where one can be had."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest

from core.actor import Actor
from core.settings import get_settings
from db.engine import dispose_engine
from db.migrate import differences, downgrade, upgrade
from embedded import EmbeddedPostgres
from tests.examined import rows_examined, statements
from tests.factories import new_task
from tests.integration.api import seeds
from tests.integration.api.conftest import bearer
from watching.queries import list_tasks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

ROOT = Actor(user_id="root", admin=True)
_INDEXES = "SELECT count(*) FROM pg_indexes WHERE indexname LIKE '%\\_trgm'"
_MANY = """
    INSERT INTO roadmap_tasks (task_id, user_id, goal, title, created_at, status, current_step,
        request, workflow_version, request_digest)
    SELECT gen_random_uuid(), user_id, 'Learn thing ' || n, 'Thing ' || n,
        now() - n * interval '1 s', status, current_step, request, workflow_version, request_digest
    FROM roadmap_tasks, generate_series(1, 5000) n
"""


def with_trigrams() -> Path | None:
    """Return the programs of a server on this machine that has the extension, if there is one."""
    for found in Path("/usr/lib/postgresql").glob("*/bin/postgres"):
        version = found.parents[1].name
        if Path(f"/usr/share/postgresql/{version}/extension/pg_trgm.control").exists():
            return found.parent
    return None


async def found(client: httpx.AsyncClient, words: str, **headers: str) -> list[str]:
    """Return the goals of the tasks that a search finds."""
    answer = await client.get("/api/v1/tasks", params={"q": words}, headers=headers)
    assert answer.status_code == 200
    return [task["goal"] for task in answer.json()["tasks"]]


async def test_a_search_looks_into_goals_and_titles(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """Text of a goal or a title finds one's own tasks, newest first; wildcards are plain text."""
    goals = ("100% Rust", "100 things", "snake_case", "snakes", r"back\\slash", "a/b")
    for goal in goals:
        await new_task(goal=goal)
    await new_task(goal="100% theirs", user="bob")
    seeded = await seeds.roadmap(database)
    assert await found(alice, "100%") == ["100% Rust"]
    assert await found(alice, "snake_") == ["snake_case"]
    assert await found(alice, "\\\\") == [r"back\\slash"]
    assert await found(alice, "a/") == ["a/b"]
    assert await found(alice, "%") == ["100% Rust"]
    assert await found(alice, "kITES") == ["Learn Rust"]
    assert await found(alice, "100") == ["100 things", "100% Rust"]
    assert len(await found(alice, "100", **bearer("root", role="admin"))) == 3
    title = await database.fetchval("SELECT title FROM roadmaps")
    await database.execute("UPDATE roadmap_tasks SET goal = $1", title)
    assert len(await found(alice, "kites")) == 7, "what has it in both is there once"
    assert seeded.task_id
    assert (await alice.get("/api/v1/tasks", params={"q": "x" * 201})).status_code == 422


async def test_pages_of_a_search_hold_everything_once(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """A search by pages gives what is found in goals and in titles, each once, newest first."""
    made = []
    for number in range(3):
        made.append(str(await new_task(goal=f"Kites {number}")))
        made.append(str((await seeds.roadmap(database)).task_id))
        await new_task(goal="Something else")
    listed: list[str] = []
    url = "/api/v1/tasks?q=kites&limit=2"
    while url:
        page = await alice.get(url)
        listed += [task["task_id"] for task in page.json()["tasks"]]
        url = page.links.get("next", {}).get("url", "")
    assert listed == made[::-1]


async def test_a_frequent_word_is_found_early(
    alice: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    """What many tasks have costs a page, with or without an index of its own."""
    await new_task()
    await database.execute(_MANY)
    await database.execute("ANALYZE roadmap_tasks")
    with statements() as sent:
        page, _ = await list_tasks(actor=ROOT, words="thing", limit=10)
    assert len(page) == 10
    assert await rows_examined(database, sent[:1]) < 200


@pytest.fixture
async def elsewhere(
    tmp_path: Path, settings_env: pytest.MonkeyPatch
) -> AsyncIterator[asyncpg.Connection]:
    """A server with the extension, whose tables belong to somebody without further rights."""
    binaries = with_trigrams()
    if binaries is None:
        pytest.skip("no PostgreSQL with pg_trgm is installed on this machine")
    with EmbeddedPostgres(tmp_path / "data", binaries=binaries) as server:
        admin = await asyncpg.connect(server.url)
        await admin.execute("CREATE ROLE owner LOGIN PASSWORD 'owner'")
        await admin.execute("ALTER DATABASE roadmap OWNER TO owner")
        await admin.execute("ALTER SCHEMA public OWNER TO owner")
        place = server.url.rsplit("@", 1)[1]
        settings_env.setenv("ROADMAP_DATABASE_URL", f"postgresql://owner:owner@{place}")
        get_settings.cache_clear()
        yield admin
        await dispose_engine()
        await admin.close()


async def test_a_rare_word_is_found_by_an_index_where_there_can_be_one(
    elsewhere: asyncpg.Connection,
) -> None:
    """The database's owner gets the index by migrating; where that is refused all still works."""
    await elsewhere.execute("REVOKE CREATE ON DATABASE roadmap FROM owner, PUBLIC")
    await asyncio.to_thread(upgrade)
    assert await elsewhere.fetchval(_INDEXES) == 0
    assert await asyncio.to_thread(differences) is None
    await new_task(goal="Learn Zymurgy")
    await elsewhere.execute(_MANY)
    await elsewhere.execute("ANALYZE roadmap_tasks")
    with statements() as sent:
        page, _ = await list_tasks(actor=ROOT, words="zymu")
    assert [task.goal for task in page] == ["Learn Zymurgy"]
    assert await rows_examined(elsewhere, sent[:1]) > 5000

    await asyncio.to_thread(downgrade, "0012")
    await elsewhere.execute("GRANT CREATE ON DATABASE roadmap TO owner")
    await asyncio.to_thread(upgrade)
    assert await elsewhere.fetchval(_INDEXES) == 3
    assert await asyncio.to_thread(differences) is None
    with statements() as sent:
        page, _ = await list_tasks(actor=ROOT, words="zymu")
    assert [task.goal for task in page] == ["Learn Zymurgy"]
    assert await rows_examined(elsewhere, sent[:1]) < 100
