"""The restore drill of docs/OPERATIONS.md: after a loss of everything, unfinished tasks go on."""

from __future__ import annotations

import asyncio
import re
import shlex
import subprocess
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from core.connection_budget import check_budget, needed
from core.errors import SettingsError
from core.settings import get_settings
from db.engine import dispose_engine, get_engine
from db.migration_names import head
from db.revisions import current
from embedded.postgres_binaries import find_postgres
from tests.factories import approve, events, new_task, pair
from workflow import turns
from workflow.asking import close_author
from workflow.ending import Result
from workflow.runs import run_task

PAGE = Path(__file__).parents[2] / "docs/OPERATIONS.md"


async def _run(program: str, *arguments: str) -> None:
    binaries = find_postgres(None, account=None, major=None)  # the embedded server's own
    process = await asyncio.create_subprocess_exec(
        binaries.postgres.parent / program, *arguments, stderr=subprocess.PIPE
    )
    _, error = await process.communicate()
    assert process.returncode == 0, error.decode()


async def test_a_restored_backup_goes_on(
    database: asyncpg.Connection,
    postgres_url: str,
    settings_env: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """A dump restored into an empty database is at head and whole; nothing finished is redone."""
    finished, waiting, reviewed = [await new_task(review=number == 2) for number in range(3)]
    assert await run_task(finished, worker="w") is Result.COMPLETED
    assert await run_task(reviewed, worker="w") is Result.WAITING_FOR_REVIEW
    told = await events(database, finished)
    await turns.settle()
    await close_author()
    await dispose_engine()

    dump, restored = str(tmp_path / "roadmap.dump"), _other_database(postgres_url)
    await _run("pg_dump", "--format=custom", "--no-owner", f"--file={dump}", postgres_url)
    await _run("createdb", f"--maintenance-db={postgres_url}", "restored")
    try:
        await _run("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={restored}", dump)
        settings_env.setenv("ROADMAP_DATABASE_URL", restored)
        get_settings.cache_clear()
        assert await current(get_engine()) == head()
        there = await asyncpg.connect(restored)
        assert await events(there, finished) == told
        assert await run_task(finished, worker="w") is Result.NOTHING_TO_DO
        assert await run_task(waiting, worker="w") is Result.COMPLETED
        await approve(reviewed)
        assert await run_task(reviewed, worker="w") is Result.COMPLETED
        assert await pair(there, reviewed) == ("completed", "completed")
        await there.close()
    finally:
        await turns.settle()
        await close_author()
        await dispose_engine()
        await database.execute("DROP DATABASE restored WITH (FORCE)")


async def test_a_backup_is_restored_where_its_roles_are_not(
    database: asyncpg.Connection, postgres_url: str, tmp_path: Path
) -> None:
    """With the options that the page shows, a dump of a stack with roles goes to any server."""
    dump, restored = str(tmp_path / "roadmap.dump"), _other_database(postgres_url)
    await database.execute("CREATE ROLE only_there; GRANT SELECT ON roadmap_tasks TO only_there")
    try:
        await _run("pg_dump", *_shown_options("pg_dump"), f"--file={dump}", postgres_url)
    finally:
        await database.execute("DROP OWNED BY only_there; DROP ROLE only_there")
    await _run("createdb", f"--maintenance-db={postgres_url}", "restored")
    try:
        await _run("pg_restore", *_shown_options("pg_restore"), f"--dbname={restored}", dump)
        there = await asyncpg.connect(restored)
        assert await there.fetchval("SELECT count(*) FROM roadmap_tasks") == 0
        await there.close()
    finally:
        await database.execute("DROP DATABASE restored WITH (FORCE)")


def _shown_options(program: str) -> list[str]:
    """Return how a program is called in the block of docs/OPERATIONS.md, but for the names."""
    (line,) = re.findall(rf"^{program} (.*)$", PAGE.read_text(), re.MULTILINE)
    return [word for word in shlex.split(line) if re.match(r"--(?!file|dbname)", word)]


def _other_database(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path="/restored"))


async def test_the_formula_of_connections(settings_env: pytest.MonkeyPatch) -> None:
    """What all processes may open stays within the budget; more of them than fit do not start."""
    for processes, budget, fits in ((4, 100, True), (45, 100, True), (60, 100, False)):
        settings_env.setenv("ROADMAP_DATABASE_PROCESSES", str(processes))
        settings_env.setenv("ROADMAP_DATABASE_MAX_CONNECTIONS", str(budget))
        get_settings.cache_clear()
        assert (needed(get_settings()) <= budget) is fits, processes
        if fits:
            check_budget(get_settings())
        else:
            with pytest.raises(SettingsError, match="ROADMAP_DATABASE_MAX_CONNECTIONS=100"):
                check_budget(get_settings())
