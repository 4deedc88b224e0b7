"""Whole jobs on a worker of ours and on other systems, side by side: 48 model calls each.

Ours does more than the others: leases, events, statuses, retries, live progress. What is compared
is what a job costs, on one machine, with the same servers, one contestant after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import statistics
import sys
import time
import uuid
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import psutil
from celery import Celery

from bench.contestants.job import CALL_S, Base, engine, redis
from embedded import spawn_child, stop_child

if TYPE_CHECKING:
    import subprocess
    from collections.abc import AsyncIterator, Callable, Mapping

ROOT: Final = Path(__file__).parents[1]
JOBS: Final = 64
WARM: Final = 16
ROUNDS: Final = 3
AT_A_TIME: Final = "64"
PROCESSES: Final = "8"
PATIENCE_S: Final = 60.0
_CELERY: Final = (sys.executable, "-m", "celery", "-A")


def _celery(*options: str) -> tuple[str, ...]:
    return (*_CELERY, "bench.contestants.plain_celery", "worker", "-l", "INFO", *options)


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A program that does jobs.

    Attributes:
        name: What the table says.
        command: Starts it.
        ready: Its log has these words once it takes jobs.
        env: Its further environment.
        needs: A package without which it does not compete.
    """

    name: str
    command: tuple[str, ...]
    ready: str = "ready"
    env: Mapping[str, str] = field(default_factory=dict)
    needs: str = "celery"


OURS: Final = Contestant(
    name="roadmap-worker, one threads worker",
    command=(*_CELERY, "worker", "worker", "-c", AT_A_TIME),
    ready="worker_ready",
)
DBOS: Final = Contestant(
    name="DBOS, each call a step",
    command=(sys.executable, "-m", "bench.contestants.on_dbos"),
    needs="dbos",
)
TASKIQ: Final = Contestant(
    name="taskiq, a commit for each call",
    command=(
        *(sys.executable, "-m", "taskiq", "worker", "bench.contestants.on_taskiq:broker"),
        *("--workers", "1", "--max-async-tasks", AT_A_TIME),
    ),
    ready="Listening started",
    needs="taskiq_redis",
)
CONTESTANTS: Final = (
    OURS,
    Contestant(
        name="Celery threads, one loop, a commit for each call",
        command=_celery("-P", "threads", "-c", AT_A_TIME),
        env={"BENCH_BRIDGE": "shared"},
    ),
    Contestant(
        name=f"Celery prefork, {PROCESSES} children, kept loop and engine",
        command=_celery("-P", "prefork", "-c", PROCESSES),
        env={"BENCH_BRIDGE": "kept"},
    ),
    Contestant(
        name=f"Celery prefork, {PROCESSES} children, asyncio.run, NullPool",
        command=_celery("-P", "prefork", "-c", PROCESSES),
        env={"BENCH_BRIDGE": "run"},
    ),
    TASKIQ,
    DBOS,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What a round of jobs took: seconds, CPU seconds, bytes, database connections at most."""

    wall_s: float
    cpu_s: float
    memory: int
    connections: int


async def measure(*, database_url: str, redis_url: str, folder: Path) -> None:
    """Print what a job costs on each contestant."""
    os.environ["BENCH_DATABASE_URL"] = database_url.replace("postgresql:", "postgresql+asyncpg:", 1)
    os.environ["BENCH_REDIS_URL"] = redis_url
    made = engine()
    async with made.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await made.dispose()
    print(f"\nWhole jobs, {JOBS} at once, each 48 calls of {CALL_S * 1e3:.0f} ms")
    print(f"  {'':52} {'jobs/s':>7} {'CPU ms':>7} {'MB':>6} {'conn.':>6}")
    for contestant in CONTESTANTS:
        if find_spec(contestant.needs) is None:
            print(f"  {contestant.name:52} not installed: make bench installs it")
            continue
        costs = await _costs(contestant, database_url, folder)
        rate, cpu_ms = (
            statistics.median(values)
            for values in (
                [JOBS / cost.wall_s for cost in costs],
                [cost.cpu_s / JOBS * 1e3 for cost in costs],
            )
        )
        memory = max(cost.memory for cost in costs) / 1e6
        connections = max(cost.connections for cost in costs)
        print(f"  {contestant.name:52} {rate:7.1f} {cpu_ms:7.1f} {memory:6.0f} {connections:6}")


async def _costs(contestant: Contestant, database_url: str, folder: Path) -> list[Cost]:
    database = await asyncpg.connect(database_url)
    try:
        async with _running(contestant, folder) as process:
            await _round(contestant, process, database, WARM)
            return [await _round(contestant, process, database, JOBS) for _ in range(ROUNDS)]
    finally:
        await database.close()


@contextlib.asynccontextmanager
async def _running(contestant: Contestant, folder: Path) -> AsyncIterator[subprocess.Popen[bytes]]:
    log = folder / f"{CONTESTANTS.index(contestant)}.log"
    settings = {
        "ROADMAP_DATABASE_URL": os.environ["BENCH_DATABASE_URL"],
        "ROADMAP_REDIS_URL": os.environ["BENCH_REDIS_URL"],
        "ROADMAP_SAMPLE_LATENCY_S": str(CALL_S),
        "ROADMAP_LOG_LEVEL": "INFO",
    }
    process = spawn_child(
        contestant.command, env={**os.environ, **settings, **contestant.env}, cwd=ROOT, log=log
    )
    try:
        deadline = time.monotonic() + PATIENCE_S
        while contestant.ready not in log.read_text(errors="replace"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{contestant.name} did not start:\n{log.read_text()[-3000:]}")
            await asyncio.sleep(0.05)
        yield process
    finally:
        stop_child(process, steps=[(signal.SIGTERM, 10.0)])


async def _round(
    contestant: Contestant,
    process: subprocess.Popen[bytes],
    database: asyncpg.Connection,
    jobs: int,
) -> Cost:
    await database.execute("TRUNCATE bench_results, bench_done, roadmap_tasks CASCADE")
    done = (
        "SELECT count(*) FROM roadmap_tasks WHERE status = 'completed'"
        if contestant is OURS
        else "SELECT count(*) FROM bench_done"
    )
    cpu_before, most, connections = _cpu_s(process.pid), 0, 0
    began = time.perf_counter()
    await _sender(contestant)(jobs)
    while await database.fetchval(done) < jobs:
        if process.poll() is not None or time.perf_counter() > began + PATIENCE_S:
            raise RuntimeError(f"{contestant.name} did not do its jobs: {process.poll()}")
        most = max(most, _memory(process.pid))
        connections = max(
            connections,
            await database.fetchval(
                "SELECT count(*) - 1 FROM pg_stat_activity WHERE datname = current_database()"
            ),
        )
        await asyncio.sleep(0.1)
    return Cost(
        wall_s=time.perf_counter() - began,
        cpu_s=_cpu_s(process.pid) - cpu_before,
        memory=most,
        connections=connections,
    )


def _sender(contestant: Contestant) -> Callable[[int], Any]:
    if contestant is OURS:
        return _send_tasks
    if contestant is TASKIQ:
        from bench.contestants.on_taskiq import send

        return send
    return _send_number if contestant is DBOS else _send_jobs


async def _send_tasks(jobs: int) -> None:
    with Celery(broker=os.environ["BENCH_REDIS_URL"], set_as_current=False) as app:
        for number in range(jobs):
            task_id = str(uuid.uuid4())
            request = {"goal": f"Learn to knot carpets {number}", "review": False}
            app.send_task(
                "roadmap.generate",
                queue="roadmap",
                task_id=task_id,
                kwargs={"task_id": task_id, "user_id": f"user {number}", "request": request},
            )


async def _send_jobs(jobs: int) -> None:
    with Celery(broker=os.environ["BENCH_REDIS_URL"], set_as_current=False) as app:
        for number in range(jobs):
            app.send_task("bench.job", args=[number])


async def _send_number(jobs: int) -> None:
    async with redis() as client:
        await client.rpush("bench:dbos", jobs)


def _tree(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    return []


def _cpu_s(pid: int) -> float:
    spent = 0.0
    for process in _tree(pid):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            spent += times.user + times.system
    return spent


def _memory(pid: int) -> int:
    """Return the processes' memory in bytes, what they share counted once."""
    taken = 0
    for process in _tree(pid):
        with contextlib.suppress(psutil.Error):
            taken += process.memory_full_info().pss
    return taken
