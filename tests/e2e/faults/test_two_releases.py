"""Two releases at work side by side: a deployment in the middle, and the way back.

The next release is this tree with what a release may bring: a migration that adds, and a workflow
that not everybody knows.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

import asyncpg
import pytest

from db.engine import get_engine
from db.migrate import Schema, current, schema_of, upgrade
from tests.e2e.faults.rig import Rig, check_completed
from tests.e2e.faults.worker_process import ROOT, program_environment
from tests.factories import close_loop, new_task
from tests.integration.api.conftest import in_process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.e2e.faults.worker_process import WorkerProcess

_MIGRATION: Final = """
from alembic import op
from sqlalchemy import Column, Integer, Text

revision, down_revision, branch_labels, depends_on = "next", {head!r}, None, None

def upgrade():
    op.add_column("roadmap_tasks", Column("priority", Integer, nullable=True))
    op.create_table("tags", Column("tag", Text, primary_key=True))
"""
_ASK: Final = """
import asyncio
from tests.factories import close_loop, new_task

async def ask():
    task = await new_task(goal="Learn Next")
    await close_loop()
    print(task)

asyncio.run(ask())
"""


@pytest.fixture(scope="module")
def next_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The next release's tree."""
    tree = tmp_path_factory.mktemp("next")
    layers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    for package in (*layers["root_packages"], "tests"):
        ignored = shutil.ignore_patterns("__pycache__", "images")
        found = find_spec(package)
        assert found
        assert found.submodule_search_locations
        source = Path(next(iter(found.submodule_search_locations)))
        shutil.copytree(source, tree / package, ignore=ignored)
    shutil.copy(ROOT / "celeryconfig.py", tree)
    plan = tree / "roadmaps/plan.py"
    text = plan.read_text().replace("WORKFLOW_VERSION: Final = 1", "WORKFLOW_VERSION: Final = 2")
    plan.write_text(text.replace("frozenset({WORKFLOW_VERSION})", "frozenset({1, 2})"))
    models = tree / "db/models/task.py"
    column = "    workflow_version: Mapped[int]\n"
    added = column + "    priority: Mapped[int | None]\n"
    models.write_text(models.read_text().replace(column, added, 1))
    versions = tree / "db/migrations/versions"
    newest = max(versions.glob("0*.py")).read_text()
    named = re.search(r"^revision\b.*?=\s*[\"'](.+?)[\"']", newest, re.MULTILINE)
    assert named
    (versions / "next_release.py").write_text(_MIGRATION.format(head=named[1]))
    return tree


@pytest.fixture
async def deployed(
    faults_rig: Rig, settings_env: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[tuple[Rig, asyncpg.Connection]]:
    """This release on a database of its own; yields a rig and a connection to look."""
    faults_rig.start_redis()
    faults_rig.flush()
    faults_rig.model.reset()
    server = await asyncpg.connect(faults_rig.database_url)
    await server.execute("CREATE DATABASE releases")
    url = faults_rig.database_url.rsplit("/", 1)[0] + "/releases"
    rig = Rig(database_url=url, redis=faults_rig.redis, model=faults_rig.model, folder=tmp_path)
    with rig.client():
        await asyncio.to_thread(upgrade)
        look = await asyncpg.connect(url)
        yield rig, look
        await look.close()
        await close_loop()
    rig.close()
    await server.execute("DROP DATABASE releases WITH (FORCE)")
    await server.close()


def _run(rig: Rig, release: Path, program: str) -> str:
    """Run a program of a release to its end; return what it said."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=program_environment(rig.settings()),
        cwd=release,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_deployed_in_the_middle(
    deployed: tuple[Rig, asyncpg.Connection], next_release: Path
) -> None:
    """Old processes work on under the next release's schema; each task finds who knows it."""
    rig, look = deployed
    rig.model.design(concepts=1)
    old = rig.worker(concurrency=2)
    gates = rig.model.gate("Learn Running", "curriculum_design")
    running = await new_task(goal="Learn Running")
    await rig.until_held("Learn Running", 1)

    await asyncio.to_thread(_run, rig, next_release, "from db.migrate import upgrade; upgrade()")
    assert schema_of(await current(get_engine())) is Schema.NEWER
    await asyncio.to_thread(upgrade)  # as a restarted old container would
    async with in_process() as api:
        ready = await api.get("/readyz?exclude=redis,broker,workers")
        assert (ready.status_code, ready.json()["postgresql"]) == (200, "up"), ready.text
    rig.model.open(*gates)
    await _completes(rig, look, running)

    told = await asyncio.to_thread(_run, rig, next_release, _ASK)
    newer = UUID(told.splitlines()[-1])
    await _left_alone(rig, look, old)
    new = rig.worker(concurrency=2, release=next_release)
    await _completes(rig, look, newer)
    older = await new_task(goal="Learn Older")
    await _completes(rig, look, older)

    new.kill()
    await _completes(rig, look, await new_task(goal="Learn Back"))
    assert old.returncode is None, rig.logs()


async def _left_alone(rig: Rig, look: asyncpg.Connection, worker: WorkerProcess) -> None:
    """Ring until the worker has left the next release's task alone."""
    await rig.rings_were_long_ago(look)
    await asyncio.to_thread(rig.sweep)
    await rig.until_true(
        lambda: bool(worker.logged("task_left_to_newer_worker")), what="an old worker's restraint"
    )


async def _completes(rig: Rig, look: asyncpg.Connection, task: UUID) -> None:
    """Wait for a task while rings are missed at once."""

    async def missed() -> None:
        while True:
            await rig.rings_were_long_ago(look)
            await asyncio.sleep(0.5)

    missing = asyncio.create_task(missed())
    try:
        connection = await asyncpg.connect(rig.database_url)
        await rig.until_status(connection, [task], "completed", sweeping=True)
        await connection.close()
    finally:
        missing.cancel()
    check_completed(await rig.see(look, task), contents=3)
