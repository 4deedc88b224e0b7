"""Migrations: up, down, and in step with the models."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from core.errors import SettingsError
from core.settings import get_settings
from db import migrate
from db.engine import dispose_engine, get_engine
from db.migrate import differences, downgrade, upgrade
from db.migration_names import head
from db.revisions import current

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def empty(
    postgres_url: str, settings_env: pytest.MonkeyPatch
) -> AsyncIterator[asyncpg.Connection]:
    """A database without tables, which the settings point to; yields a connection to it."""
    server = await asyncpg.connect(postgres_url)
    await server.execute("DROP DATABASE IF EXISTS migrated")
    await server.execute("CREATE DATABASE migrated")
    url = postgres_url.rsplit("/", 1)[0] + "/migrated"
    settings_env.setenv("ROADMAP_DATABASE_URL", url)
    get_settings.cache_clear()
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()
    await dispose_engine()
    await server.execute("DROP DATABASE migrated")
    await server.close()


async def tables(connection: asyncpg.Connection) -> set[str]:
    """Return the names of all tables and indexes."""
    rows = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'i')"
    )
    return {row["relname"] for row in rows}


async def test_models_and_migrations_agree(database: asyncpg.Connection) -> None:
    """A migrated database is exactly what the models say."""
    assert await asyncio.to_thread(differences) is None


async def test_up_down_up(empty: asyncpg.Connection) -> None:
    """Up, down and up again: nothing is left behind, and the same comes back."""
    assert await current(get_engine()) is None
    await asyncio.to_thread(upgrade)
    first = await tables(empty)
    assert await current(get_engine()) == head()
    await asyncio.to_thread(upgrade)
    assert await tables(empty) == first
    await asyncio.to_thread(downgrade, "base")
    assert {name for name in await tables(empty) if not name.startswith("alembic")} == set()
    functions = await empty.fetchval(
        "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        " AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = pg_proc.oid AND deptype = 'e')"
    )
    assert functions == 0
    await asyncio.to_thread(upgrade)
    assert await tables(empty) == first
    assert await asyncio.to_thread(differences) is None


async def test_an_encoding_that_cannot_hold_every_text(
    empty: asyncpg.Connection, settings_env: pytest.MonkeyPatch, postgres_url: str
) -> None:
    """A database that would refuse what authors write is refused before there is anything in it."""
    await empty.execute("CREATE DATABASE narrow ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    settings_env.setenv("ROADMAP_DATABASE_URL", postgres_url.rsplit("/", 1)[0] + "/narrow")
    get_settings.cache_clear()
    try:
        with pytest.raises(SettingsError, match=r"SQL_ASCII.*ENCODING 'UTF8'"):
            await asyncio.to_thread(upgrade)
    finally:
        await empty.execute("DROP DATABASE narrow WITH (FORCE)")


async def test_foreign_tables(empty: asyncpg.Connection) -> None:
    """Tables of others are neither dropped nor taken for a difference."""
    await empty.execute("CREATE TABLE theirs (id int PRIMARY KEY, note text)")
    await empty.execute("CREATE INDEX theirs_note ON theirs (note)")
    await asyncio.to_thread(upgrade)
    assert await asyncio.to_thread(differences) is None
    await asyncio.to_thread(downgrade, "base")
    assert {"theirs", "theirs_pkey", "theirs_note"} <= await tables(empty)


@pytest.mark.parametrize(
    "damage",
    [
        "ALTER TABLE parts ADD COLUMN extra int",
        "DROP INDEX ix_roadmap_tasks_claimable",
        "ALTER TABLE roadmap_tasks ALTER COLUMN goal DROP NOT NULL",
        "ALTER TABLE roadmap_tasks ALTER COLUMN epoch TYPE bigint",
        "DROP TABLE schedules",
    ],
)
async def test_differences_are_seen(empty: asyncpg.Connection, damage: str) -> None:
    """A database that is not what the models say is told apart."""
    await asyncio.to_thread(upgrade)
    await empty.execute(damage)
    assert await asyncio.to_thread(differences)


async def test_two_at_once(empty: asyncpg.Connection) -> None:
    """Two programs that migrate at the same moment have one effect."""
    command = [sys.executable, "-c", "from db.migrate import upgrade; upgrade()"]
    both = [
        await asyncio.create_subprocess_exec(*command, env=dict(os.environ), stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in both:
        _, told = await process.communicate()
        assert process.returncode == 0, told.decode()
    assert await current(get_engine()) == head()
    assert await asyncio.to_thread(differences) is None


async def test_behind_a_backup(empty: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that cannot have its tables gives up, changes nothing, and holds nobody up for longer."""
    await asyncio.to_thread(upgrade)
    await asyncio.to_thread(downgrade, "0024")
    monkeypatch.setattr(migrate, "LOCKED_S", 1)
    async with empty.transaction():
        await empty.fetch("SELECT count(*) FROM roadmap_tasks")
        with pytest.raises(DBAPIError, match="lock timeout"):
            await asyncio.to_thread(upgrade)
        assert await current(get_engine()) == "0024"
    await asyncio.to_thread(upgrade)
    assert await current(get_engine()) == head()


def test_no_migration_waits_as_it_likes() -> None:
    """How long all of them wait for a table is said in one place."""
    versions = Path(migrate.__file__).parent / "migrations" / "versions"
    assert not [file.name for file in versions.glob("*.py") if "lock_timeout" in file.read_text()]
