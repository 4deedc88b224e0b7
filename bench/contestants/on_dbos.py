"""DBOS: durable workflows in a library; each call is a step, whose result it keeps.

It asks for no queue: the process that starts a workflow runs it. Here a Redis list says how many.
"""

from __future__ import annotations

import asyncio
import os
from functools import cache
from typing import TYPE_CHECKING, Final

from dbos import DBOS

from bench.contestants import job

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from sqlalchemy.ext.asyncio import AsyncEngine

JOBS: Final = "bench:dbos"


@cache
def _connections() -> tuple[AsyncEngine, Redis, job.Model]:
    return job.engine(pool_size=10, max_overflow=0), job.redis(), job.model()


@DBOS.step()
async def call(number: int, nth: int) -> str:
    """Make one call; what it returns is stored, and not made again after a crash."""
    text = await _connections()[2].ask(nth)
    await job.tell(_connections()[1], number)
    return text


@DBOS.workflow()
async def generate(number: int) -> None:
    """Do one job."""

    async def one(nth: int) -> None:
        await call(number, nth)

    await job.run(one)
    await job.note_end(number, _connections()[0])


async def main() -> None:
    """Run as many jobs as come, again and again."""
    DBOS(
        config={
            "name": "bench",
            "system_database_url": os.environ["BENCH_DATABASE_URL"].replace("+asyncpg", "", 1),
            "log_level": "ERROR",
        }
    )
    DBOS.launch()
    print("ready", flush=True)
    async with job.redis() as asked:
        while True:
            asked_for = await asked.blpop([JOBS], timeout=1)
            for number in range(int(asked_for[1]) if asked_for else 0):
                await DBOS.start_workflow_async(generate, number)


if __name__ == "__main__":
    asyncio.run(main())
