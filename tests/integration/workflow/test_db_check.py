"""`roadmap db check` as a command: what it says, what it mends, how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from core.settings import PREFIX
from tests.factories import column, new_task
from workflow.runs import run_task

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    import asyncpg

    from tests.ledger import LedgerAuthor


async def db_check(folder: Path, *args: str, **settings: str) -> tuple[int, str, str]:
    """Run the command as a process of its own; return its exit code, stdout and stderr."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
    env |= {PREFIX + name: value for name, value in settings.items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli", "db", "check", "--data-dir", str(folder), *args,
        env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


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
    tmp_path: Path,
) -> None:
    """It ends with 1 and says what is wrong; the repair says what it did and ends with 0."""
    await database.execute("UPDATE roadmap_tasks SET done = 1, total = 9 WHERE task_id = $1", task)
    where = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url}
    code, out, _ = await db_check(tmp_path, **where)
    assert code == 1
    assert "1 tasks were looked at: 1 contradiction of 1 kind" in out
    assert f"{task}  the row says 1 of 9, the contents 6 of 6" in out
    assert "roadmap db check --repair" in out
    code, out, err = await db_check(tmp_path, "--repair", "--json", **where)
    document: dict[str, Any] = json.loads(out)
    assert (code, err) == (0, "")
    assert document["ok"] is True
    (entry,) = document["audit"]["mended"]
    assert (entry["kind"], entry["task_id"]) == ("progress_counts", str(task))
    assert entry["did"] == "counted 6 of 6"
    assert await column(database, task, "done") == 6


async def test_what_is_left_is_explained(
    task: UUID, database: asyncpg.Connection, postgres_url: str, redis_url: str, tmp_path: Path
) -> None:
    """What cannot be mended keeps the exit code at 1 and comes with what a human can do."""
    await database.execute("DELETE FROM task_events WHERE task_id = $1 AND seq = 3", task)
    where = {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url}
    code, out, _ = await db_check(tmp_path, "--repair", **where)
    assert code == 1
    assert "seq_gap: 1" in out
    assert "To do: Restore the rows from a backup" in out


async def test_a_database_that_is_away(tmp_path: Path) -> None:
    """No server, no schema: the right exit code and what to do, never a trace."""
    away = "postgresql+asyncpg://u:canary@127.0.0.1:1/nowhere"
    code, out, err = await db_check(tmp_path, DATABASE_URL=away)
    assert (code, out) == (4, "")
    assert "roadmap up" in err
    assert "canary" not in err
    assert "Traceback" not in err
