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
from db.migrate import upgrade
from db.migration_names import Schema, schema_of
from db.revisions import current
from tests.e2e.faults.judging import check_completed, plain_calls
from tests.e2e.faults.releases import api_of, compiled, get, other_database, tree_before
from tests.e2e.faults.worker_process import ROOT, program_environment
from tests.factories import new_task
from tests.integration.api.conftest import in_process
from workflow.audit import examine_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.e2e.faults.rig import Rig
    from tests.e2e.faults.worker_process import WorkerProcess

_MIGRATION: Final = """
from alembic import op
from sqlalchemy import Column, Integer, Text

revision = "next"
down_revision = {head!r}
branch_labels = depends_on = None

def upgrade():
    op.add_column("roadmap_tasks", Column("priority", Integer, nullable=True))
    op.create_table("tags", Column("tag", Text, primary_key=True))
"""
WORKFLOWS: Final = "db/migrations/versions/0014_workflows.py"
"""What tells this release from the one before."""
_INCOMPLETE: Final = """
SELECT part.* FROM parts part JOIN roadmaps roadmap USING (roadmap_id)
  JOIN concepts concept USING (concept_id) JOIN roadmap_tasks task ON task.task_id = roadmap.task_id
WHERE (part.task_id, step, key, part.title, hidden, task.title) IS DISTINCT FROM
  (task.task_id, 'content_generation', concept_id::text, concept.title, removed, roadmap.title)
"""
_ASK: Final = """
import asyncio
from wiring.common import bring_workflows
from tests.factories import close_loop, new_task

async def ask():
    bring_workflows()
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
        ignored = shutil.ignore_patterns("images")
        found = find_spec(package)
        assert found
        assert found.submodule_search_locations
        source = Path(next(iter(found.submodule_search_locations)))
        shutil.copytree(source, tree / package, ignore=ignored)
    shutil.copy(ROOT / "celeryconfig.py", tree)
    _change(
        tree / "roadmaps/roadmap.py",
        "    version = 1\n",
        "    version = 2\n    known_versions = frozenset({1, 2})\n",
    )
    column = "    workflow_version: Mapped[int]\n"
    _change(tree / "db/models/task.py", column, f"{column}    priority: Mapped[int | None]\n")
    versions = tree / "db/migrations/versions"
    newest = max(versions.glob("0*.py")).read_text()
    named = re.search(r"^revision\b.*?=\s*[\"'](.+?)[\"']", newest, re.MULTILINE)
    assert named
    (versions / "next_release.py").write_text(_MIGRATION.format(head=named[1]))
    return compiled(tree)


def _change(file: Path, was: str, becomes: str) -> None:
    text = file.read_text()
    assert was in text, f"{file.name} has changed: {was!r} is not there"
    file.write_text(text.replace(was, becomes, 1))


@pytest.fixture
async def deployed(
    faults_rig: Rig, settings_env: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[tuple[Rig, asyncpg.Connection]]:
    """This release on a database of its own; yields a rig and a connection to look."""
    async with other_database(faults_rig, tmp_path) as deployed:
        yield deployed


@pytest.fixture(scope="module")
def previous_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree of the last release without workflows, titles and parts."""
    return tree_before(WORKFLOWS, tmp_path_factory.mktemp("previous"))


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


async def test_the_release_before_works_beside(
    deployed: tuple[Rig, asyncpg.Connection], previous_release: Path
) -> None:
    """A worker of the release before works on in this one's schema; each ends what the other began.

    What it writes into `contents` are parts like all others, and nothing is done twice.
    """
    rig, look = deployed
    async with api_of(rig) as api:
        old = rig.worker(concurrency=4, doomed=True, release=previous_release)
        rig.model.rule("refusal", goal="Learn Partly$", kind="quiz", title="2$", times=1)
        partly, done = [await new_task(goal=f"Learn {name}") for name in ("Partly", "Done")]
        left_by_old = await _half_done(rig, look, "Old")
        await rig.until_status(look, [partly], "partial_failure")
        await rig.until_status(look, [done], "completed")
        new = rig.worker(concurrency=4)
        old.kill()
        refused = (await get(api, f"/tasks/{partly}"))["failed_contents"]
        assert [failure["kind"] for failure in refused] == ["quiz"]
        assert (await api.post(f"/tasks/{partly}/retry")).status_code == 202
        await _completes(rig, look, left_by_old, contents=6)
        await rig.until_status(look, [partly], "completed")
        left_by_new = await _half_done(rig, look, "New")
        rig.worker(concurrency=4, release=previous_release)
        new.kill()
        await _completes(rig, look, left_by_new, contents=6)
    for name in ("Partly", "Done", "Old", "New"):
        assert rig.model.calls(f"Learn {name}", "ok") == plain_calls(name), name
    wrong = await look.fetch(_INCOMPLETE)
    assert wrong == []
    assert (await examine_all()).kept == []


async def _half_done(rig: Rig, look: asyncpg.Connection, name: str) -> UUID:
    """Start a task, and return when only the model's last answer is missing."""
    rig.model.hold(f"Learn {name}", "tutorial", title="2$")
    task = await new_task(goal=f"Learn {name}")
    await rig.until_held(f"Learn {name}", 1)
    await rig.until_contents(look, task, 5)
    return task


async def _left_alone(rig: Rig, look: asyncpg.Connection, worker: WorkerProcess) -> None:
    """Ring until the worker has left the next release's task alone."""
    await rig.rings_were_long_ago(look)
    await asyncio.to_thread(rig.sweep)
    await rig.until_true(
        lambda: bool(worker.logged("task_left_to_newer_worker")), what="an old worker's restraint"
    )


async def _completes(rig: Rig, look: asyncpg.Connection, task: UUID, *, contents: int = 3) -> None:
    """Wait for a task while rings are missed at once."""

    async def missed() -> None:
        while True:
            await rig.rings_were_long_ago(look)
            await asyncio.sleep(0.5)

    missing = asyncio.create_task(missed())
    connection = await asyncpg.connect(rig.database_url)
    try:
        await rig.until_status(connection, [task], "completed", sweeping=True)
    finally:
        missing.cancel()
        await asyncio.wait({missing})  # or its statement would still have the connection
        await connection.close()
    check_completed(await rig.see(look, task), contents=contents)
