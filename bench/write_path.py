"""`make bench`: measures our choices against the alternatives, alternating, medians of several.

Absolute numbers belong to the machine; carry over the ratios.
"""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from core.given import PREFIX
from core.settings import get_settings
from db.engine import dispose_engine
from db.migrate import upgrade
from embedded import EmbeddedPostgres, EmbeddedRedis

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

REPETITIONS = 5
FACTS = 1000
PUBLISHES = 100


async def _median(work: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    await work()  # warm
    walls, cpus = [], []
    for _ in range(REPETITIONS):
        wall, cpu = time.perf_counter(), time.process_time()
        await work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return statistics.median(walls), statistics.median(cpus)


def _table(title: str, rows: dict[str, tuple[float, float]], per: int, unit: str) -> None:
    best = min(wall for wall, _ in rows.values())
    print(f"\n{title} (median of {REPETITIONS}, {per} {unit})")
    print(f"  {'':44} {'ms each':>9} {'CPU ms':>9} {'ratio':>7}")
    for name, (wall, cpu) in rows.items():
        print(f"  {name:44} {wall / per * 1e3:9.3f} {cpu / per * 1e3:9.3f} {wall / best:6.1f}x")


async def write_path() -> None:
    """How a content's fact is committed: alone, as the ORM does it, or in groups."""
    from db.facts import EventDraft, Fact
    from db.ledger import write_fact
    from db.models import TaskEvent
    from db.recorder import record
    from db.session import AsyncSessionLocal
    from workflow.requests import TaskRequest
    from workflow.service import create_task

    tasks = [await create_task(TaskRequest(goal="bench"), user_id="bench") for _ in range(50)]
    numbers = iter(range(1_000_000, 100_000_000))

    def fact(n: int) -> Fact:
        return Fact(
            task_id=tasks[n % len(tasks)],
            events=(EventDraft(type="task_queued", message="bench"),),
        )

    async def grouped() -> None:
        await asyncio.gather(*(record(fact(n)) for n in range(FACTS)))

    slots = asyncio.Semaphore(10)

    async def alone() -> None:
        async def one(n: int) -> None:
            async with slots, AsyncSessionLocal() as session:
                await write_fact(session, fact(n))
                await session.commit()

        await asyncio.gather(*(one(n) for n in range(FACTS)))

    async def orm() -> None:
        async def one(n: int) -> None:
            async with slots, AsyncSessionLocal() as session:
                session.add(
                    TaskEvent(
                        task_id=tasks[n % len(tasks)],
                        seq=next(numbers),
                        type="bench",
                        payload={},
                    )
                )
                await session.commit()

        await asyncio.gather(*(one(n) for n in range(FACTS)))

    rows = {
        "group commit (ours: fence, event, progress)": await _median(grouped),
        "the same fact, one transaction each": await _median(alone),
        "a bare ORM insert and commit each": await _median(orm),
    }
    _table("Write path, 1,000 facts of 50 tasks at once", rows, FACTS, "facts")


async def publishing(redis_pid: int | None) -> None:
    """What a publish costs its caller, with a healthy Redis and with a silent one."""
    from redis.asyncio import Redis

    from notifications.publisher import publish_events, stop_publishing

    event = {"task_id": "bench", "seq": 1, "type": "content_completed", "message": "x" * 200}
    client: Redis = Redis.from_url(get_settings().redis_url.get_secret_value())

    async def ours() -> None:
        for _ in range(PUBLISHES):
            publish_events([event])

    async def inline() -> None:
        for _ in range(PUBLISHES):
            await asyncio.wait_for(client.publish("task_progress:bench", b"x" * 300), 5)

    rows = {
        "off the path (ours)": await _median(ours),
        "awaited with a guard of 5 s": await _median(inline),
    }
    _table("Publishing, Redis healthy", rows, PUBLISHES, "publishes")
    if redis_pid is not None:
        os.kill(redis_pid, signal.SIGSTOP)
        try:
            began = time.perf_counter()
            await ours()
            took = time.perf_counter() - began
            print(f"\nPublishing, Redis silent: {PUBLISHES} publishes took {took * 1e3:.2f} ms")
            print(f"  awaited with a guard of 5 s they would take {PUBLISHES * 5} s")
        finally:
            os.kill(redis_pid, signal.SIGCONT)
    await client.aclose()
    await stop_publishing()


async def _run(redis_pid: int | None) -> None:
    await write_path()
    await publishing(redis_pid)
    await dispose_engine()


def main() -> None:
    """Start real servers, measure, print."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        place.chmod(0o711)
        with EmbeddedPostgres(place / "pg") as postgres, EmbeddedRedis(place / "redis") as redis:
            os.environ[PREFIX + "DATABASE_URL"] = postgres.url
            os.environ[PREFIX + "REDIS_URL"] = redis.url
            os.environ[PREFIX + "LOG_LEVEL"] = "ERROR"
            get_settings.cache_clear()
            upgrade()
            asyncio.run(_run(redis.pid))


if __name__ == "__main__":
    main()
