"""`roadmap db upgrade` and `check`: who may run them, and what they say to everybody else."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING

import asyncpg
import pytest
from typer.testing import CliRunner

from cli.data_dir import DataDir
from cli.main import app
from core.settings import get_settings
from db.migrate import downgrade
from db.migration_names import head
from embedded import EmbeddedPostgres
from tests.prepared import copy_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result


@pytest.fixture
def stack(
    tmp_path: Path, prepared: Path, settings_env: pytest.MonkeyPatch
) -> Iterator[EmbeddedPostgres]:
    """The database of a stack of the release before, whose `stack.json` is there."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    folder = tmp_path / "data"
    copy_of(prepared, folder)
    with EmbeddedPostgres(folder, roles=True, durable=False) as server:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ROADMAP_DATABASE_URL", server.owner_url)
            get_settings.cache_clear()
            downgrade("0024")
        get_settings.cache_clear()
        for name in ("DATABASE_URL", "MIGRATION_DATABASE_URL"):  # what the command sets goes, too
            settings_env.setenv(f"ROADMAP_{name}", "")
            settings_env.delenv(f"ROADMAP_{name}")
        url = server.application_url.replace("postgresql:", "postgresql+asyncpg:")
        DataDir(folder).write_stack({"database_url": url})
        yield server
    root.handlers[:], root.level = handlers, level


def upgraded(tmp_path: Path) -> Result:
    """Run the command on the stack's folder."""
    words = ["db", "upgrade", "--json", "--data-dir", str(tmp_path / "data")]
    return CliRunner().invoke(app, words)


def beside(url: str, name: str) -> str:
    """Return the address of another database of the same server."""
    return f"{url.rpartition('/')[0]}/{name}"


def test_a_stack_of_this_machine(stack: EmbeddedPostgres, tmp_path: Path) -> None:
    """The owner's password lies in the folder."""
    done = upgraded(tmp_path)
    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"revision": head(), "upgraded": True}


def test_another_server(
    stack: EmbeddedPostgres, tmp_path: Path, settings_env: pytest.MonkeyPatch
) -> None:
    """A role that does not own the tables is told which setting names the one that does."""
    settings_env.setenv("ROADMAP_DATABASE_URL", stack.application_url)
    get_settings.cache_clear()
    refused = upgraded(tmp_path)
    assert (refused.exit_code, refused.stdout) == (4, "")
    assert "must be owner of" in refused.stderr
    assert "ROADMAP_MIGRATION_DATABASE_URL" in refused.stderr
    assert "Is it running?" not in refused.stderr


def test_a_restored_database(
    stack: EmbeddedPostgres, tmp_path: Path, settings_env: pytest.MonkeyPatch
) -> None:
    """A role that was named, but owns nothing of what was restored, is told who hands it over."""
    for name in ("DATABASE_URL", "MIGRATION_DATABASE_URL"):
        settings_env.setenv(f"ROADMAP_{name}", stack.application_url)
    get_settings.cache_clear()
    refused = upgraded(tmp_path)
    assert (refused.exit_code, refused.stdout) == (4, "")
    assert "deploy/roles.sql" in refused.stderr
    assert "set ROADMAP_MIGRATION_DATABASE_URL" not in refused.stderr


async def test_a_check_needs_no_rights(
    stack: EmbeddedPostgres, settings_env: pytest.MonkeyPatch
) -> None:
    """It looks: a database without tables is told as such to a role that could make none."""
    await (admin := await asyncpg.connect(stack.url)).execute("CREATE DATABASE empty")
    await admin.close()
    behind = stack.application_url
    states = {behind: f"is at 0024, not at {head()}", beside(behind, "empty"): "is not migrated"}
    for url, found in states.items():
        settings_env.setenv("ROADMAP_DATABASE_URL", url)
        get_settings.cache_clear()
        told = await asyncio.to_thread(CliRunner().invoke, app, ["db", "check", "--json"])
        assert (told.exit_code, told.stderr) == (1, "")
        assert f"The database {found}." in json.loads(told.stdout)["problem"]


def test_a_database_that_is_not_there(
    stack: EmbeddedPostgres, settings_env: pytest.MonkeyPatch
) -> None:
    """The server that says so is running: nobody is asked whether it does."""
    settings_env.setenv("ROADMAP_DATABASE_URL", beside(stack.url, "nowhere"))
    get_settings.cache_clear()
    for words in (["db", "check"], ["db", "upgrade"]):
        refused = CliRunner().invoke(app, words)
        assert refused.exit_code == 4
        assert "PostgreSQL has no database of that name: " in refused.stderr
        assert "Is it running?" not in refused.stderr


def test_a_schema_that_is_not_there(
    stack: EmbeddedPostgres, tmp_path: Path, settings_env: pytest.MonkeyPatch
) -> None:
    """Whoever names none, or one that nobody has made, is told so, and not to start a server."""
    new = beside(stack.url, "bare")
    asyncio.run(_execute(stack.url, "CREATE DATABASE bare TEMPLATE template0"))
    settings_env.setenv("ROADMAP_DATABASE_URL", f"{new}?search_path=nowhere")
    get_settings.cache_clear()
    refused = upgraded(tmp_path)
    assert refused.exit_code == 4
    assert "PostgreSQL has no schema that the search_path of role or address" in refused.stderr
    assert "Is it running" not in refused.stderr


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
