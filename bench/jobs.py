"""Whole jobs on a worker of ours and on other systems, side by side: 48 model calls each.

Ours does more than the others: leases, events, statuses, retries, live progress. What is compared
is what a job costs, on one machine, with the same servers, one contestant after the other, in
rounds, so that whatever else the machine does meets all of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from bench import costs
from bench.contestants.job import Base, engine
from bench.contestants.timing import CALL_S
from bench.field import AT_A_TIME, CONTESTANTS, OURS, Contestant
from bench.places import ROOT, Place
from embedded import spawn_child, stop_child

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

PATIENCE_S: Final = 90.0
FIGURES: Final = ("jobs_s", "cpu_ms", "pg_cpu_ms", "redis_cpu_ms", "mb", "connections")


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How much is measured: jobs of a round, jobs before it, rounds.

    Jobs whose model is not there are quick: there are more of them, so that a round's beginning
    and end, when places are empty, do not weigh more than its middle.
    """

    jobs: int = 64
    quick_jobs: int = 192
    warm: int = 8
    rounds: int = 3

    def of(self, mode: str) -> int:
        """Return how many jobs a round of a mode has."""
        return self.quick_jobs if mode == "sleep" else self.jobs


QUICK: Final = Size(jobs=24, quick_jobs=24, warm=8, rounds=1)

Rounds = dict[str, list[dict[str, float]]]
"""By contestant and mode: the figures of each round."""


async def measure(place: Place, *, size: Size, modes: tuple[str, ...]) -> Rounds:
    """Return what a job costs on each contestant, and print it as it comes."""
    await prepare(place)
    found: Rounds = {}
    with model_server() as address:
        os.environ["BENCH_MODEL_URL"] = address
        for number in range(size.rounds):
            print(f"\nWhole jobs, at most {AT_A_TIME} at once, 48 calls of {CALL_S * 1e3:.0f} ms"
                  f" each, round {number + 1} of {size.rounds}")  # fmt: skip
            print(
                f"  {'':48} {'jobs/s':>7} {'CPU ms':>7} {'PG ms':>6} {'Redis':>6} {'MB':>5} conn."
            )
            for contestant in CONTESTANTS:
                if find_spec(contestant.needs) is None:
                    print(f"  {contestant.name:48} not installed: make bench installs it")
                    continue
                for mode in (mode for mode in contestant.modes if mode in modes):
                    name = f"{contestant.name}, {mode}"
                    try:
                        figures = await _round(contestant, mode, place, size)
                    except RuntimeError as error:  # the others are worth having
                        print(f"  {name:48} {error}")
                        continue
                    found.setdefault(name, []).append(figures)
                    _show(name, figures)
    return found


async def prepare(place: Place) -> None:
    """Make the others' tables, and tell all contestants where the servers are."""
    os.environ["BENCH_DATABASE_URL"] = place.database_url.replace(
        "postgresql:", "postgresql+asyncpg:", 1
    )
    os.environ["BENCH_REDIS_URL"] = place.redis_url
    made = engine()
    async with made.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await made.dispose()


@contextlib.contextmanager
def model_server() -> Iterator[str]:
    """Run the model's server; yields its address."""
    command = [sys.executable, "-m", "bench.model_server"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - it was asked for
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@contextlib.asynccontextmanager
async def running(
    contestant: Contestant, mode: str, place: Place, **more: str
) -> AsyncIterator[subprocess.Popen[bytes]]:
    """Run a contestant; yields once it takes jobs."""
    log = place.new_log(contestant.name)
    settings = {
        "ROADMAP_DATABASE_URL": os.environ["BENCH_DATABASE_URL"],
        "ROADMAP_REDIS_URL": os.environ["BENCH_REDIS_URL"],
        "ROADMAP_SAMPLE_LATENCY_S": str(CALL_S),
        "ROADMAP_LLM_PROVIDER": "openai" if mode == "wire" else "sample",
        "ROADMAP_LLM_BASE_URL": os.environ.get("BENCH_MODEL_URL", ""),
        "ROADMAP_LLM_MODEL": "bench",
        "ROADMAP_LOG_LEVEL": "INFO",
        "BENCH_CALLS": mode,
    }
    if not settings["ROADMAP_LLM_BASE_URL"]:
        del settings["ROADMAP_LLM_BASE_URL"]
    environment = {**os.environ, **settings, **contestant.env, **more}
    process = spawn_child(contestant.command, env=environment, cwd=ROOT, log=log)
    try:
        await _until_ready(contestant, process, log)
        yield process
    finally:
        stop_child(process, steps=[(signal.SIGTERM, 10.0)])


async def _until_ready(contestant: Contestant, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not _says(log, contestant.ready):
        if process.poll() is not None or time.monotonic() > deadline:
            said = await asyncio.to_thread(log.read_text, errors="replace")
            raise RuntimeError(f"{contestant.name} did not start:\n{said[-3000:]}")
        await asyncio.sleep(0.05)


def _says(log: Path, words: str) -> bool:
    return words in log.read_text(errors="replace")


async def _round(contestant: Contestant, mode: str, place: Place, size: Size) -> dict[str, float]:
    """Start a contestant, warm it, and measure a round of jobs."""
    database = await asyncpg.connect(place.database_url)
    try:
        async with running(contestant, mode, place) as process:
            share = contestant.share
            await do_jobs(contestant, process, database, place, max(4, size.warm // share))
            return await do_jobs(
                contestant, process, database, place, max(8, size.of(mode) // share)
            )
    finally:
        await database.close()


async def do_jobs(
    contestant: Contestant,
    process: subprocess.Popen[bytes],
    database: asyncpg.Connection,
    place: Place,
    jobs: int,
) -> dict[str, float]:
    """Have so many jobs done; return the figures of FIGURES."""
    await database.execute("TRUNCATE bench_results, bench_done, roadmap_tasks CASCADE")
    pids = (process.pid, place.postgres_pid, place.redis_pid)
    before = [costs.cpu_s(pid) for pid in pids]
    own_before = await _own_cpu(database)
    most, connections = 0, 0
    began = time.perf_counter()
    await contestant.send(jobs)
    while await database.fetchval(_done(contestant)) < jobs:
        if process.poll() is not None or time.perf_counter() > began + PATIENCE_S:
            raise RuntimeError(f"{contestant.name} did not do its jobs: {process.poll()}")
        most = max(most, costs.memory(process.pid))
        connections = max(connections, await database.fetchval(_CONNECTIONS))
        await asyncio.sleep(0.1)
    took_s = time.perf_counter() - began
    spent = [costs.cpu_s(pid) - start for pid, start in zip(pids, before, strict=True)]
    spent[1] -= await _own_cpu(database) - own_before
    return {
        "jobs_s": jobs / took_s,
        **{
            name: cpu / jobs * 1e3
            for name, cpu in zip(("cpu_ms", "pg_cpu_ms", "redis_cpu_ms"), spent, strict=True)
        },
        "mb": most / 1e6,
        "connections": connections,
    }


_CONNECTIONS: Final = (
    "SELECT count(*) - 1 FROM pg_stat_activity"
    " WHERE datname = current_database() AND backend_type = 'client backend'"
)


async def _own_cpu(database: asyncpg.Connection) -> float:
    """Return what this program's own connection took in PostgreSQL."""
    return costs.cpu_s(await database.fetchval("SELECT pg_backend_pid()"))


def _done(contestant: Contestant) -> str:
    if contestant is OURS:
        return "SELECT count(*) FROM roadmap_tasks WHERE status = 'completed'"
    if "the limit" in contestant.name:
        return "SELECT count(*) FROM bench_results WHERE call = -1"
    return "SELECT count(*) FROM bench_done"


def _show(name: str, figures: dict[str, float]) -> None:
    told = (figures[each] for each in FIGURES)
    print("  {:48} {:7.1f} {:7.1f} {:6.1f} {:6.2f} {:5.0f} {:5.0f}".format(name, *told), flush=True)


def medians(rounds: Rounds) -> dict[str, dict[str, float]]:
    """Return each contestant's figures, each the median of its rounds."""
    return {
        name: {
            figure: round(statistics.median(each[figure] for each in those), 3)
            for figure in FIGURES
        }
        for name, those in rounds.items()
    }


def ratios(rounds: Rounds) -> dict[str, dict[str, Any]]:
    """Return how many times the jobs and the CPU of each contestant ours has, round by round."""
    found: dict[str, dict[str, Any]] = {}
    for name, those in rounds.items():
        mode = name.rpartition(", ")[2]
        ours = rounds.get(f"{OURS.name}, {mode}")
        if ours is None or those is ours:
            continue
        both = list(zip(ours, those, strict=False))
        found[name] = {
            figure: _range([a[figure] / max(b[figure], 1e-9) for a, b in both])
            for figure in ("jobs_s", "cpu_ms")
        }
    return found


def _range(values: list[float]) -> dict[str, float]:
    found = {"min": min(values), "median": statistics.median(values), "max": max(values)}
    return {name: round(value, 3) for name, value in found.items()}
