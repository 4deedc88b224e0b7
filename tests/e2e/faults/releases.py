"""Other releases: what an earlier one stored, its code, and databases where they meet this one."""

from __future__ import annotations

import asyncio
import io
import json
import re
import shutil
import subprocess
import tarfile
import zipfile
from compileall import compile_dir
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import pytest

from db.migrate import upgrade
from tests.broker import use_broker
from tests.e2e.faults.rig import Rig
from tests.e2e.faults.worker_process import ROOT
from tests.factories import close_loop
from tests.integration.api.conftest import in_process

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

WISH: Final = "Knots"
"""What reviewers who reject ask for."""
_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\d)([ T])(\d\d:\d\d:\d\d)")
"""In UTC, as PostgreSQL and as JSON writes it, up to its seconds: what follows is kept."""
_CLIENT: Final = Path("clients/python/src/roadmap_client")


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """What an earlier release left behind, made and stored by its own code (`store_release`).

    Attributes:
        revision: Of its schema.
        tables: Their rows as CSV, by the tables' names.
        tasks: Their ids, by what happened to them; a task's goal is "Learn" and that name.
        told: What its API told of each task, by name and path; beside them `notifications`.
        answered: The calls that the model answered, by the tasks' names.
    """

    revision: str
    tables: dict[str, bytes]
    tasks: dict[str, str]
    told: dict[str, Any]
    answered: dict[str, dict[str, int]]


def stored(revision: str) -> Stored:
    """Return what the release with that schema stored, as if that had been a minute ago.

    Else what it left behind would be overdue one day, and forgotten another.
    """
    with zipfile.ZipFile(Path(__file__).with_name(f"release_{revision}.zip")) as file:
        texts = {name: file.read(name).decode() for name in file.namelist()}
    last = max(map(_read, _MOMENT.finditer(texts["roadmap_tasks.csv"])))
    since = datetime.now(UTC).replace(tzinfo=None) - timedelta(minutes=1) - last

    def later(moment: re.Match[str]) -> str:
        return (_read(moment) + since).isoformat(moment[2], timespec="seconds")

    texts = {name: _MOMENT.sub(later, text) for name, text in texts.items()}
    return Stored(
        revision=revision,
        tables={
            name.removesuffix(".csv"): text.encode()
            for name, text in texts.items()
            if name.endswith(".csv")
        },
        tasks=json.loads(texts["tasks.json"]),
        told=json.loads(texts["told.json"]),
        answered=json.loads(texts["answered.json"]),
    )


def _read(moment: re.Match[str]) -> datetime:
    return datetime.fromisoformat(f"{moment[1]}T{moment[3]}")


async def restore(database: asyncpg.Connection, release: Stored) -> None:
    """Fill the tables of a database that stands at the release's revision."""
    async with database.transaction():
        await database.execute("SET LOCAL session_replication_role = replica")
        for table, rows in release.tables.items():
            await database.execute(f"DELETE FROM {table}")  # noqa: S608 - a name from our file
            columns = rows.split(b"\n", 1)[0].decode().split(",")
            await database.copy_to_table(
                table, source=io.BytesIO(rows), columns=columns, format="csv", header=True
            )


def tree_before(added: str, folder: Path) -> Path:
    """Return a folder with the code of the last commit without a file; skip without history."""
    commits = _git("log", "--diff-filter=A", "--format=%H", "--", added).stdout.split()
    packed = _git("archive", "--format=tar", f"{commits[-1].decode()}^") if commits else None
    if packed is None or packed.returncode:
        pytest.skip(
            f"The history that has the release before {added} is not here: a worker of that"
            " release cannot be tried; what it writes is tried in tests/integration/db."
        )
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as packed_files:
        if hasattr(tarfile, "data_filter"):  # the first releases of Python 3.11 have none
            packed_files.extractall(folder, filter="data")
        else:
            packed_files.extractall(folder)  # noqa: S202 - our own history
    shutil.copytree(folder / _CLIENT, folder / _CLIENT.name)  # as an installation would have it
    return compiled(folder)


def compiled(tree: Path) -> Path:
    """Return a release's folder, compiled: each of its processes would do that again."""
    compile_dir(tree, quiet=2)
    return tree


def _git(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["git", *words],  # noqa: S607 - the developer's own
        cwd=ROOT,
        capture_output=True,
        check=False,
    )


@asynccontextmanager
async def other_database(
    rig: Rig, folder: Path, *, revision: str = "head"
) -> AsyncIterator[tuple[Rig, asyncpg.Connection]]:
    """Make a database of that revision; yields a rig of its own and a connection to look."""
    rig.start_redis()
    rig.flush()
    rig.model.reset()
    server = await asyncpg.connect(rig.database_url)
    await server.execute("DROP DATABASE IF EXISTS releases WITH (FORCE)")
    await server.execute("CREATE DATABASE releases")
    url = rig.database_url.rsplit("/", 1)[0] + "/releases"
    other = Rig(database_url=url, redis=rig.redis, model=rig.model, folder=folder)
    try:
        with other.client():
            await asyncio.to_thread(upgrade, revision)
            look = await asyncpg.connect(url)
            yield other, look
            await look.close()
            await close_loop()
    finally:
        other.close()
        await server.execute("DROP DATABASE releases WITH (FORCE)")
        await server.close()


# --- what the API tells -------------------------------------------------------------------------


@asynccontextmanager
async def api_of(rig: Rig) -> AsyncIterator[httpx.AsyncClient]:
    """Run this release's API; the client is an administrator's."""
    before = use_broker(rig.redis.url)
    try:
        async with in_process() as client:
            client.base_url = client.base_url.join("/api/v1")
            yield client
    finally:
        use_broker(before)


async def get(api: httpx.AsyncClient, path: str) -> Any:
    """Return what is there, or the status of the refusal."""
    answer = await api.get(path)
    return answer.json() if answer.is_success else answer.status_code


async def told_of(api: httpx.AsyncClient, task: str) -> dict[str, Any]:
    """Return all that the API tells of a task, by path."""
    paths = [f"/tasks/{task}", f"/tasks/{task}/events?limit=500", f"/tasks/{task}/review"]
    told = {path: await get(api, path) for path in paths}
    roadmap = told[paths[0]]["roadmap_id"]
    if roadmap:
        tree = told[f"/roadmaps/{roadmap}"] = await get(api, f"/roadmaps/{roadmap}")
        for concept in concepts_of(tree):
            path = f"/roadmaps/{roadmap}/concepts/{concept['concept_id']}"
            told[path] = await get(api, path)
    return told


def concepts_of(tree: Any) -> list[dict[str, Any]]:
    """Return a roadmap's concepts, in order."""
    return [
        concept
        for stage in tree["stages"]
        for module in stage["modules"]
        for concept in module["concepts"]
    ]
