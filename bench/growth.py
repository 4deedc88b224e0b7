"""What a content costs in small and in large roadmaps, and what reading them takes meanwhile."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import asyncpg

from bench import costs
from bench.field import OURS
from bench.jobs import prepare, running
from bench.programs import running_api

if TYPE_CHECKING:
    from bench.places import Place

SIZES: Final = (30, 300, 1500, 9000)
QUICK: Final = (30, 300)
_READS: Final = 12
_AT_LEAST: Final = 600
"""Contents of a size that are made, in as many roadmaps as that takes: CPU is counted in ticks."""
_PATIENCE_S: Final = 600.0


async def measure(place: Place, *, sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    """Return, for each size, CPU per content and the time that reading takes at its half."""
    await prepare(place)
    print("\nGrowth: one roadmap of so many contents at a time")
    print(f"  {'contents':>8} {'CPU ms':>8} {'PG ms':>7} {'task ms':>8} {'tree ms':>8}")
    rows = []
    database = await asyncpg.connect(place.database_url)
    async with (
        running(OURS, "sleep", place, ROADMAP_MAX_CONCEPTS=str(max(sizes) // 3)) as worker,
        running_api(place) as api,
        aiohttp.ClientSession(f"{api.address}/api/v1/") as client,
    ):
        await _one(client, 30, database)
        for size in sizes:
            rows.append(await _of_size(size, worker.pid, place, client, database))
            print("  {contents:8} {cpu_ms:8.2f} {pg_cpu_ms:7.2f} {get_task_ms:8.1f} {tree_ms:8.1f}"
                  .format(**rows[-1]), flush=True)  # fmt: skip
    await database.close()
    return rows


async def _of_size(
    size: int,
    worker: int,
    place: Place,
    client: aiohttp.ClientSession,
    database: asyncpg.Connection,
) -> dict[str, Any]:
    pids = (worker, place.postgres_pid)
    before = [costs.cpu_s(pid) for pid in pids]
    rounds = max(1, _AT_LEAST // size)
    reads = [await _one(client, size, database) for _ in range(rounds)]
    spent = [costs.cpu_s(pid) - start for pid, start in zip(pids, before, strict=True)]
    cpu_ms, pg_cpu_ms = (cpu / (rounds * size) * 1e3 for cpu in spent)
    task_ms, tree_ms = (statistics.median(values) for values in zip(*reads, strict=True))
    return {
        "contents": size,
        "cpu_ms": round(cpu_ms, 3),
        "pg_cpu_ms": round(pg_cpu_ms, 3),
        "get_task_ms": round(task_ms, 2),
        "tree_ms": round(tree_ms, 2),
    }


async def _one(
    client: aiohttp.ClientSession, size: int, database: asyncpg.Connection
) -> tuple[float, float]:
    """Have a roadmap made; return how long its task and its tree take to be read at its half."""
    asked = {
        "goal": f"Learn to knot carpets of {size // 3} concepts",
        "preferences": {"hours_per_week": 60},  # else it would be more than a year's work
        "review": False,
    }
    async with client.post("tasks", json=asked) as answer:
        task = (await answer.json())["task_id"]
    read = (0.0, 0.0)
    began = time.monotonic()
    while True:
        row = await database.fetchrow(
            "SELECT status, done, total, roadmap_id FROM roadmap_tasks WHERE task_id = $1", task
        )
        if row is None:
            raise RuntimeError("the task is gone")
        if row["status"] not in {"pending", "processing"}:
            if row["status"] != "completed":
                raise RuntimeError(f"a roadmap of {size} contents ended as {row['status']}")
            if row["total"] != size:
                raise RuntimeError(f"a roadmap of {size} contents has {row['total']}")
            return read
        if not read[0] and row["total"] and 2 * row["done"] >= row["total"]:
            read = await _reads(client, task, row["roadmap_id"])
        if time.monotonic() > began + _PATIENCE_S:
            raise RuntimeError(f"a roadmap of {size} contents takes too long")
        await asyncio.sleep(0.02 if size <= _AT_LEAST else 0.2)


async def _reads(client: aiohttp.ClientSession, task: str, roadmap: Any) -> tuple[float, float]:
    async def took_ms(path: str) -> float:
        took = []
        for _ in range(_READS):
            began = time.perf_counter()
            async with client.get(path) as answer:
                answer.raise_for_status()
                await answer.read()
            took.append((time.perf_counter() - began) * 1e3)
        return statistics.median(took)

    return await took_ms(f"tasks/{task}"), await took_ms(f"roadmaps/{roadmap}")
