"""`roadmap db check` as a command: what it says, what it mends, how it ends."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from core.given import PREFIX
from core.settings import get_settings
from tests.factories import column, new_task
from workflow.runs import run_task

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path
    from uuid import UUID

    import asyncpg
    from typer.testing import Result

    from tests.ledger import LedgerAuthor

    DbCheck = Callable[..., Awaitable[Result]]


@pytest.fixture
def db_check(
    tmp_path: Path, settings_env: pytest.MonkeyPatch
) -> Iterator[Callable[..., Awaitable[Result]]]:
    """Run the command with some settings, in a thread: it has an event loop of its own."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    async def run(*args: str, **settings: str) -> Result:
        for name, value in settings.items():
            settings_env.setenv(PREFIX + name, value)
        get_settings.cache_clear()
        words = ["db", "check", "--data-dir", str(tmp_path), *args]
        return await asyncio.to_thread(CliRunner().invoke, app, words)

    yield run
    root.handlers[:], root.level = handlers, level


@pytest.fixture
async def task(database: asyncpg.Connection, author: LedgerAuthor) -> UUID:
    """A finished task."""
    task = await new_task()
    await run_task(task, worker="w")
    return task


async def test_check_then_repair(
    task: UUID,
    database: asyncpg.Connection,
    postgres_url: str,
    redis_url: str,
    db_check: DbCheck,
) -> None:
    """It ends with 1 and says what is wrong; the repair says what it did and ends with 0."""
    await database.execute("UPDATE roadmap_tasks SET done = 1, total = 9 WHERE task_id = $1", task)
    where = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url}
    checked = await db_check(**where)
    assert checked.exit_code == 1
    assert "1 task was looked at: 1 contradiction of 1 kind" in checked.stdout
    assert f"{task}  the row says 1 of 9, the contents 6 of 6" in checked.stdout
    assert "roadmap db check --repair" in checked.stdout
    repaired = await db_check("--repair", "--json", **where)
    document: dict[str, Any] = json.loads(repaired.stdout)
    assert (repaired.exit_code, repaired.stderr) == (0, "")
    assert document["ok"] is True
    (entry,) = document["audit"]["mended"]
    assert (entry["kind"], entry["task_id"]) == ("progress_counts", str(task))
    assert entry["did"] == "counted 6 of 6"
    assert await column(database, task, "done") == 6


async def test_what_is_left_is_explained(
    task: UUID, database: asyncpg.Connection, postgres_url: str, redis_url: str, db_check: DbCheck
) -> None:
    """What cannot be mended keeps the exit code at 1 and comes with what a human can do."""
    await database.execute("DELETE FROM task_events WHERE task_id = $1 AND seq = 3", task)
    where = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url}
    checked = await db_check("--repair", **where)
    assert checked.exit_code == 1
    assert "seq_gap: 1" in checked.stdout
    assert "To do: Restore the rows from a backup" in checked.stdout


async def test_a_database_that_is_away(db_check: DbCheck) -> None:
    """No server, no schema: the right exit code and what to do, never a trace."""
    away = "postgresql+asyncpg://u:canary@127.0.0.1:1/nowhere"
    checked = await db_check(DATABASE_URL=away)
    assert (checked.exit_code, checked.stdout) == (4, "")
    assert "roadmap up" in checked.stderr
    assert "canary" not in checked.stderr
