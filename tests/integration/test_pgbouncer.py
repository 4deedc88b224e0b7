"""PgBouncer in transaction mode: found out or told, it carries all that we do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text

from cli.postgres_checks import check_postgres
from core.addresses import postgres_address
from core.settings import get_settings
from db.connecting import forget_poolers
from db.engine import SESSION_SETTINGS, dispose_engine, get_engine
from db.migrate import differences, upgrade
from db.migration_names import head
from db.revisions import current_now
from db.session import transaction
from tests.e2e.faults.whole_set import WHOLE_SET
from tests.e2e.faults.worker_process import WorkerProcess
from tests.factories import approve, events, new_task, pair, until
from tests.integration.pgbouncer import running_pgbouncer
from workflow.audit import examine_all
from workflow.ending import Result
from workflow.runs import run_task
from workflow.schedules import run_job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# what many run with, so that clients that set time limits at the start can connect at all
IGNORING = (
    "ignore_startup_parameters = statement_timeout,lock_timeout,idle_in_transaction_session_timeout"
)


@pytest.fixture(scope="module", params=["", IGNORING], ids=["refusing", "ignoring"])
def bouncer(request: pytest.FixtureRequest, postgres_url: str) -> Iterator[str]:
    """The address of a PgBouncer that refuses, or drops, what a session is told at its start."""
    with running_pgbouncer(postgres_url, more=request.param) as url:
        yield url


@pytest.fixture
def behind(database: asyncpg.Connection, settings_env: pytest.MonkeyPatch, bouncer: str) -> str:
    """The settings lead through it; an empty database."""
    settings_env.setenv("ROADMAP_DATABASE_URL", bouncer)
    get_settings.cache_clear()
    forget_poolers()
    return bouncer


async def test_a_whole_task_through_a_pooler(behind: str, database: asyncpg.Connection) -> None:
    """Tasks, decisions, group commits and the audit work with four server connections."""
    tasks = [await new_task(review=number == 0) for number in range(6)]
    ended = await asyncio.gather(*(run_task(task, worker="w") for task in tasks))
    assert ended == [Result.WAITING_FOR_REVIEW, *[Result.COMPLETED] * 5]
    await approve(tasks[0])
    assert await run_task(tasks[0], worker="w") is Result.COMPLETED
    for task in tasks:
        assert await pair(database, task) == ("completed", "completed")
        assert (await events(database, task))[-1] == "task_completed"
    found = await examine_all()
    assert not found.kept


async def test_time_limits_hold_in_each_transaction(behind: str) -> None:
    """What a pooler does not keep is set where it counts, and left on no connection."""
    for _ in range(3):
        async with get_engine().connect() as connection:
            for name in ("statement_timeout", "lock_timeout"):
                shown = await connection.scalar(text(f"SHOW {name}"))
                assert shown == f"{int(SESSION_SETTINGS[name]) // 1000}s"
    direct = await asyncpg.connect(behind, statement_cache_size=0)
    try:
        assert await direct.fetchval("SHOW statement_timeout") == "0"
    finally:
        await direct.close()
    await dispose_engine()


async def test_jobs_exclude_each_other_through_a_pooler(behind: str) -> None:
    """A job's lock is held by its transaction, so it holds behind a pooler too."""
    inside = asyncio.Event()
    leave = asyncio.Event()

    async def slow() -> dict[str, Any]:
        inside.set()
        await leave.wait()
        return {"done": 1}

    first = asyncio.create_task(run_job("purge", slow, scheduled=False))
    await inside.wait()
    assert await run_job("purge", slow, scheduled=False) is None
    leave.set()
    assert await first == {"done": 1}
    await dispose_engine()


async def test_a_search_path_goes_along(behind: str, settings_env: pytest.MonkeyPatch) -> None:
    """`options=-c search_path=…` holds behind a pooler, which would refuse or drop it."""
    settings_env.setenv("ROADMAP_DATABASE_URL", f"{behind}?options=-c%20search_path%3Dpg_catalog")
    get_settings.cache_clear()
    async with get_engine().connect() as connection:
        assert await connection.scalar(text("SHOW search_path")) == "pg_catalog"
    await dispose_engine()


async def test_migrations_through_a_pooler(
    behind: str, database: asyncpg.Connection, settings_env: pytest.MonkeyPatch
) -> None:
    """A fresh database is migrated and checked through it."""
    name = f"fresh_{uuid4().hex[:8]}"
    await database.execute(f"CREATE DATABASE {name}")
    settings_env.setenv("ROADMAP_DATABASE_URL", urlsplit(behind)._replace(path=f"/{name}").geturl())
    get_settings.cache_clear()
    await asyncio.to_thread(upgrade)
    assert await asyncio.to_thread(current_now) == head()
    assert await asyncio.to_thread(differences) is None


@pytest.mark.parametrize("told", ["setting", "address", "found"])
async def test_doctor_tells_of_a_pooler(
    behind: str, settings_env: pytest.MonkeyPatch, told: str
) -> None:
    """Named by DATABASE_POOLER or the address, or found out: doctor is green and says so."""
    url = f"{behind}?pgbouncer=true" if told == "address" else behind
    if told == "setting":
        settings_env.setenv("ROADMAP_DATABASE_POOLER", "Transaction")
        get_settings.cache_clear()
    findings = await asyncio.to_thread(check_postgres, postgres_address(url).url, get_settings())
    (first,) = (each for each in findings if each.name == "PostgreSQL")
    assert first.ok
    assert "pooler" in first.message
    (takeover,) = (each for each in findings if each.name == "takeover")
    assert (takeover.ok, takeover.required) == (False, False)
    assert "wait for its lease (30 s): a pooler" in takeover.message


async def test_no_pooler_is_told_from_one(
    database: asyncpg.Connection, postgres_url: str, settings_env: pytest.MonkeyPatch
) -> None:
    """A server itself is not taken for a pooler: its sessions keep what they are told."""
    forget_poolers()
    async with transaction() as tx:
        first = await tx.session.scalar(text("SHOW statement_timeout"))
    assert first == "8s"
    findings = await asyncio.to_thread(check_postgres, postgres_url, get_settings())
    assert "pooler" not in findings[0].message
    assert [each.ok for each in findings if each.name == "takeover"] == [True]
    settings_env.setenv("ROADMAP_DATABASE_MAX_CONNECTIONS", "10")
    get_settings.cache_clear()
    findings = await asyncio.to_thread(check_postgres, postgres_url, get_settings())
    told = {each.name: each for each in findings}
    assert told["connection budget"].ok
    assert "third connection" in told["takeover"].message
    settings_env.setenv("ROADMAP_DATABASE_MAX_CONNECTIONS", "8")
    get_settings.cache_clear()
    findings = await asyncio.to_thread(check_postgres, postgres_url, get_settings())
    (budget,) = (each for each in findings if each.name == "connection budget")
    assert (budget.ok, budget.required) == (False, True)


@pytest.mark.skipif(not WHOLE_SET, reason="with FAULTS=all (make chaos)")
@pytest.mark.parametrize("pool", ["threads", "prefork"])
async def test_a_worker_behind_a_pooler(
    behind: str, database: asyncpg.Connection, redis_url: str, tmp_path: Path, pool: str
) -> None:
    """A worker process takes tasks to their ends through it, whichever pool it has."""
    worker = WorkerProcess(
        name="behind",
        pool=pool,
        concurrency=2,
        settings={"DATABASE_URL": behind, "REDIS_URL": redis_url, "SAMPLE_LATENCY_S": "0"},
        log=tmp_path / "worker.log",
    )
    await asyncio.to_thread(worker.start)
    try:
        await asyncio.to_thread(worker.wait_ready)
        tasks = [await new_task() for _ in range(3)]
        await database.execute("UPDATE roadmap_tasks SET rung_at = now() - interval '1 minute'")

        async def done() -> bool:
            return {await pair(database, task) for task in tasks} == {("completed",) * 2}

        await until(done, within_s=60, what="all tasks")
    finally:
        await asyncio.to_thread(worker.kill)
